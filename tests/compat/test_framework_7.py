"""The app in the documentation of FastAPI Users 7: one adapter for all requests, and no manager."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
)
from sqlalchemy.orm import declarative_base

from tests.compat import apps
from tests.compat.models import FASTAPI_USERS, databases_form, on_every_database

pytestmark = [
    databases_form,
    pytest.mark.skipif(FASTAPI_USERS != 7, reason="only FastAPI Users 7 has no managers"),
]
ANNE = {"email": "anne@example.com", "password": apps.PASSWORD}


class Provider:
    """An OAuth provider that knows one visitor."""

    name = "provider"

    async def get_authorization_url(self, redirect_uri: str, state: str, scopes: Any = None) -> str:
        return f"https://provider.example/?{httpx.QueryParams(state=state)}"

    async def get_access_token(self, code: str, redirect_uri: str) -> dict[str, Any]:
        return {"access_token": code, "expires_at": 1}

    async def get_id_email(self, token: str) -> tuple[str, str]:
        return "1", "anne@example.com"


class Sample:
    """The app, a client of it, and who was told about what."""

    def __init__(self, database: Any) -> None:
        from fastapi_users import FastAPIUsers, models
        from fastapi_users.authentication import JWTAuthentication

        class User(models.BaseUser, models.BaseOAuthAccountMixin):
            pass

        class UserCreate(models.BaseUserCreate):
            pass

        class UserUpdate(User, models.BaseUserUpdate):
            pass

        class UserDB(User, models.BaseUserDB):
            pass

        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            pass

        class OAuthAccount(base, SQLAlchemyBaseOAuthAccountTable):
            pass

        self.base = base
        self.registered: list[str] = []
        self.tokens: dict[str, str] = {}
        self.user_db: Any = SQLAlchemyUserDatabase(
            UserDB, database, UserTable.__table__, OAuthAccount.__table__
        )
        jwt = JWTAuthentication(
            secret=apps.SECRET, lifetime_seconds=3600, tokenUrl="auth/jwt/login"
        )
        users: Any = FastAPIUsers(self.user_db, [jwt], User, UserCreate, UserUpdate, UserDB)

        def on_after_register(user: Any, request: Request) -> None:
            self.registered.append(user.email)

        def on_after_forgot_password(user: Any, token: str, request: Request) -> None:
            self.tokens["reset"] = token

        def after_verification_request(user: Any, token: str, request: Request) -> None:
            self.tokens["verify"] = token

        self.app = FastAPI()
        for prefix, router in {
            "/auth/jwt": users.get_auth_router(jwt),
            "/auth": users.get_register_router(on_after_register),
            "/auth/reset": users.get_reset_password_router(
                apps.SECRET, after_forgot_password=on_after_forgot_password
            ),
            "/auth/verify": users.get_verify_router(
                apps.SECRET, after_verification_request=after_verification_request
            ),
            "/auth/provider": users.get_oauth_router(Provider(), apps.SECRET),
            "/users": users.get_users_router(),
        }.items():
            self.app.include_router(router, prefix=prefix)


@pytest.fixture
async def sample(database: Any, create_all: Any) -> Sample:
    sample = Sample(database)
    await create_all(sample.base)
    return sample


@pytest.fixture
async def client(sample: Sample) -> AsyncIterator[httpx.AsyncClient]:
    async with apps.client(sample.app) as client:
        yield client


async def log_in(client: Any, password: str = apps.PASSWORD) -> dict[str, str]:
    data = {"username": "anne@example.com", "password": password}
    response = await client.post("/auth/jwt/login", data=data)
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


async def through_the_provider(client: Any, token: str) -> dict[str, str]:
    parameters = {"authentication_backend": "jwt"}
    response = await client.get("/auth/provider/authorize", params=parameters)
    [state] = parse_qs(urlsplit(response.json()["authorization_url"]).query)["state"]
    response = await client.get("/auth/provider/callback", params={"code": token, "state": state})
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


@on_every_database
async def test_register_log_in_and_read_me(sample: Sample, client: Any) -> None:
    registered = await client.post("/auth/register", json=ANNE)
    assert registered.status_code == 201, registered.text

    me = await client.get("/users/me", headers=await log_in(client))

    assert me.json() == registered.json()
    assert sample.registered == ["anne@example.com"]


async def test_register_twice(client: Any) -> None:
    await client.post("/auth/register", json=ANNE)

    response = await client.post("/auth/register", json=ANNE)

    assert response.json() == {"detail": "REGISTER_USER_ALREADY_EXISTS"}


async def test_register_in_a_race(sample: Sample, client: Any) -> None:
    await client.post("/auth/register", json=ANNE)

    async def get_by_email(email: str) -> None:
        """Look before the other one is there."""

    sample.user_db.get_by_email = get_by_email
    response = await client.post("/auth/register", json=ANNE)

    assert response.json() == {"detail": "REGISTER_USER_ALREADY_EXISTS"}


async def test_verify_and_reset_the_password(sample: Sample, client: Any) -> None:
    await client.post("/auth/register", json=ANNE)
    address = {"email": "anne@example.com"}

    await client.post("/auth/verify/request-verify-token", json=address)
    verified = await client.post("/auth/verify/verify", json={"token": sample.tokens["verify"]})
    await client.post("/auth/reset/forgot-password", json=address)
    new = {"token": sample.tokens["reset"], "password": "another horse"}
    reset = await client.post("/auth/reset/reset-password", json=new)

    assert verified.json()["is_verified"] is True
    assert reset.status_code == 200, reset.text
    await log_in(client, "another horse")


@on_every_database
async def test_log_in_through_a_provider_twice(client: Any) -> None:
    await through_the_provider(client, "old token")

    me = await client.get("/users/me", headers=await through_the_provider(client, "token"))

    assert [a["access_token"] for a in me.json()["oauth_accounts"]] == ["token"]


async def test_provider_of_a_user_that_exists(client: Any) -> None:
    registered = await client.post("/auth/register", json=ANNE)

    me = await client.get("/users/me", headers=await through_the_provider(client, "token"))

    assert me.json()["id"] == registered.json()["id"]
    assert [a["account_id"] for a in me.json()["oauth_accounts"]] == ["1"]
