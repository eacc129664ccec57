"""An OAuth provider: a real HTTP application with accounts, and the client that knows it."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from fastapi import FastAPI, Form, Header, HTTPException
from fastapi.responses import RedirectResponse
from httpx_oauth.exceptions import GetProfileError
from httpx_oauth.oauth2 import OAuth2

CLIENT_ID = "fastapi-users-db"
CLIENT_SECRET = "known to the app and to the provider"
TOKEN_LENGTH = 4000


@dataclass
class Account:
    """Somebody's account at the provider."""

    email: str
    id: str = field(default_factory=lambda: uuid4().hex)


class Provider:
    """The provider, at which one account is signed in at a time.

    Attributes:
        url: where it is served.
        signed_in: the account that agrees to whatever it is asked.
        issued: its answers to requests for a token, the latest last.
    """

    url: str
    signed_in: Account

    def __init__(self) -> None:
        self.issued: list[dict[str, Any]] = []
        self._asked: dict[str, tuple[Account, str]] = {}
        self._holders: dict[str, Account] = {}
        self.app = FastAPI()
        self.app.get("/authorize")(self._authorize)
        self.app.post("/token")(self._token)
        self.app.get("/userinfo")(self._userinfo)

    def _authorize(self, client_id: str, redirect_uri: str, state: str) -> RedirectResponse:
        if client_id != CLIENT_ID:
            raise HTTPException(400, "invalid_client")
        code = secrets.token_urlsafe()
        self._asked[code] = self.signed_in, redirect_uri
        answer = httpx.URL(redirect_uri).copy_merge_params({"code": code, "state": state})
        return RedirectResponse(str(answer))

    def _token(
        self,
        code: str = Form(),
        redirect_uri: str = Form(),
        client_id: str = Form(),
        client_secret: str = Form(),
    ) -> dict[str, Any]:
        if (client_id, client_secret) != (CLIENT_ID, CLIENT_SECRET):
            raise HTTPException(401, "invalid_client")
        account, asked_from = self._asked.pop(code)
        if redirect_uri != asked_from:
            raise HTTPException(400, "invalid_grant")
        token: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": secrets.token_hex(TOKEN_LENGTH // 2),
            "refresh_token": secrets.token_hex(TOKEN_LENGTH // 2),
            "expires_at": 2_000_000_000 + len(self.issued),
        }
        self._holders[token["access_token"]] = account
        self.issued.append(token)
        return token

    def _userinfo(self, authorization: str = Header()) -> dict[str, str]:
        holder = self._holders.get(authorization.removeprefix("Bearer "))
        if holder is None:
            raise HTTPException(401, "invalid_token")
        return {"sub": holder.id, "email": holder.email}


class ProviderOAuth2(OAuth2):
    """The client for the provider, written as those in `httpx_oauth.clients` are."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(CLIENT_ID, CLIENT_SECRET, f"{url}/authorize", f"{url}/token", name=name)
        self.profile_endpoint = f"{url}/userinfo"

    def get_httpx_client(self) -> httpx.AsyncClient:
        # The provider is on this machine: no proxy, no certificates to load.
        return httpx.AsyncClient(trust_env=False, verify=False)

    async def get_profile(self, token: str) -> dict[str, Any]:
        async with self.get_httpx_client() as client:
            response = await client.get(
                self.profile_endpoint,
                headers={**self.request_headers, "Authorization": f"Bearer {token}"},
            )
        if response.status_code >= 400:
            raise GetProfileError(response=response)
        profile: dict[str, Any] = response.json()
        return profile

    async def get_id_email(self, token: str) -> tuple[str, str | None]:
        profile = await self.get_profile(token)
        return profile["sub"], profile["email"]


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port, from a thread of its own, and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            # The socket listens already: this waits for the server to run.
            httpx.get(url, trust_env=False)
            yield url
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def served_provider() -> Iterator[Provider]:
    """Serve a provider."""
    provider = Provider()
    with served(provider.app) as provider.url:
        yield provider
