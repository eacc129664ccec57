"""The client of the tests: a browser, for which the application is a site among others."""

from typing import Any

import httpx
from fastapi import FastAPI

SITE = "https://app.test"
PASSWORD = "correct horse battery staple"


class Browser(httpx.AsyncClient):
    """Keeps cookies, follows redirects, and reaches `app` under `SITE`, all else by network."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            base_url=SITE,
            mounts={SITE: httpx.ASGITransport(app)},
            follow_redirects=True,
            # Apart from the app there is only the provider, on this machine.
            trust_env=False,
            verify=False,
        )

    async def register(self, email: str, password: str = PASSWORD) -> httpx.Response:
        """Register a user."""
        return await self.post("/auth/register", json={"email": email, "password": password})

    async def login(
        self, email: str, password: str = PASSWORD, strategy: str = "database"
    ) -> httpx.Response:
        """Log in, for what follows: with a cookie (`database`) or a bearer token (`jwt`)."""
        response = await self.post(
            f"/auth/{strategy}/login", data={"username": email, "password": password}
        )
        if "access_token" in response.text:
            self.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        return response

    async def me(self) -> dict[str, Any]:
        """Return the user who is logged in."""
        response = await self.get("/users/me")
        user: dict[str, Any] = response.raise_for_status().json()
        return user

    async def visit(self, path: str) -> httpx.Response:
        """Go through an OAuth flow: from the app to the provider, and back."""
        response = await self.get(f"{path}/authorize")
        return await self.get(response.raise_for_status().json()["authorization_url"])
