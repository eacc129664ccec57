"""Log in and out, with either strategy: `/auth/database`, `/auth/jwt`."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_users_db.types import now_utc
from tests.e2e.app import TOKEN_LIFETIME_SECONDS, AccessToken, User
from tests.e2e.browser import PASSWORD, Browser

either_strategy = pytest.mark.parametrize("strategy", ["database", "jwt"])
COOKIE = "fastapiusersauth"


async def test_nobody_is_logged_in_at_first(browser: Browser) -> None:
    assert (await browser.get("/users/me")).status_code == 401


@either_strategy
async def test_login_opens_what_is_the_users(browser: Browser, email: str, strategy: str) -> None:
    await browser.register(email)

    response = await browser.login(email, strategy=strategy)

    assert response.is_success
    assert (await browser.me())["email"] == email


async def test_login_ignores_case_of_email(browser: Browser, email: str) -> None:
    await browser.register(email)

    await browser.login(email.upper())

    assert (await browser.me())["email"] == email


async def test_login_refuses_wrong_password(browser: Browser, email: str) -> None:
    await browser.register(email)

    response = await browser.login(email, "a wrong one")

    assert response.status_code == 400
    assert response.json() == {"detail": "LOGIN_BAD_CREDENTIALS"}


async def test_login_refuses_unknown_email(browser: Browser, email: str) -> None:
    assert (await browser.login(email)).status_code == 400


@either_strategy
async def test_inactive_user_is_shut_out(
    browser: Browser, admin: Browser, email: str, strategy: str
) -> None:
    user = (await browser.register(email)).json()
    await browser.login(email, strategy=strategy)

    await admin.patch(f"/users/{user['id']}", json={"is_active": False})

    assert (await browser.get("/users/me")).status_code == 401
    assert (await browser.login(email, strategy=strategy)).status_code == 400


async def test_login_replaces_an_old_password_hash(
    browser: Browser, email: str, engine: AsyncEngine
) -> None:
    await browser.register(email)
    old_hash = BcryptHasher(rounds=4).hash(PASSWORD)
    async with engine.begin() as connection:
        await connection.execute(
            update(User).where(User.email == email).values(hashed_password=old_hash)
        )

    await browser.login(email)

    async with engine.connect() as connection:
        statement = select(User.hashed_password).where(User.email == email)
        assert (await connection.execute(statement)).scalar_one().startswith("$argon2")


@either_strategy
async def test_logout_asks_for_a_login(browser: Browser, strategy: str) -> None:
    assert (await browser.post(f"/auth/{strategy}/logout")).status_code == 401


async def test_logout_makes_the_token_invalid(browser: Browser, user: dict[str, Any]) -> None:
    token = browser.cookies[COOKIE]

    await browser.post("/auth/database/logout")
    browser.cookies.set(COOKIE, token)

    assert (await browser.get("/users/me")).status_code == 401


async def test_logout_leaves_other_logins_of_the_user(
    browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    async with Browser(app) as elsewhere:
        await elsewhere.login(email)

        await browser.post("/auth/database/logout")

        assert await elsewhere.me() == user


@pytest.mark.parametrize(
    ("age", "status"), [(TOKEN_LIFETIME_SECONDS - 60, 200), (TOKEN_LIFETIME_SECONDS + 60, 401)]
)
async def test_token_is_refused_once_it_is_too_old(
    browser: Browser, user: dict[str, Any], engine: AsyncEngine, age: int, status: int
) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            update(AccessToken)
            .where(AccessToken.user_id == uuid.UUID(user["id"]))
            .values(created_at=now_utc() - timedelta(seconds=age))
        )

    assert (await browser.get("/users/me")).status_code == status
