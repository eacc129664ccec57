"""The clubs' own provider of identities."""
from typing import Tuple

from httpx_oauth.oauth2 import BaseOAuth2

AUTHORIZE = "https://clubs.example/authorize"
ACCESS_TOKEN = "https://clubs.example/token"


class ClubOAuth2(BaseOAuth2):
    """The code of the callback is the address, so that it works without a network."""

    def __init__(self, client_id: str, client_secret: str):
        super().__init__(client_id, client_secret, AUTHORIZE, ACCESS_TOKEN, name="clubs")

    async def get_access_token(self, code, redirect_uri=None, code_verifier=None):
        return {"access_token": "token of " + code, "expires_at": 2000000000}

    async def get_id_email(self, token: str) -> Tuple[str, str]:
        email = token.rpartition(" ")[2]
        return "club:" + email, email


club_client = ClubOAuth2("lendery", "secret")
