"""Users: how they are managed, how they log in, and what the API shows of them."""

import os
import uuid
from typing import Any

from fastapi_users import BaseUserManager, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from httpx_oauth.oauth2 import BaseOAuth2
from pydantic import BaseModel, ConfigDict

from .models import User

SECRET = os.environ.get("SECRET", "only for this example: your own is long and random")
PROVIDER_URL = os.environ.get("PROVIDER_URL", "http://127.0.0.1:8001")


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


class LinkedAccount(BaseModel):
    """What the API shows of an OAuth account: not its tokens."""

    model_config = ConfigDict(from_attributes=True)

    oauth_name: str
    account_email: str


class UserRead(schemas.BaseUser[uuid.UUID]):
    oauth_accounts: list[LinkedAccount]


def get_jwt_strategy() -> JWTStrategy[User, uuid.UUID]:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


auth_backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_jwt_strategy,
)


class Acme(BaseOAuth2[dict[str, Any]]):
    """The client of the OAuth provider in `examples/provider.py`."""

    async def get_id_email(self, token: str) -> tuple[str, str | None]:
        async with self.get_httpx_client() as client:
            response = await client.get(
                f"{PROVIDER_URL}/userinfo", headers={"Authorization": f"Bearer {token}"}
            )
        profile = response.raise_for_status().json()
        return profile["sub"], profile["email"]


acme = Acme(
    client_id="the-app",
    client_secret="known to the provider and to the app",
    authorize_endpoint=f"{PROVIDER_URL}/authorize",
    access_token_endpoint=f"{PROVIDER_URL}/token",
    name="acme",
)
