"""The attack: somebody logs in and is deleted, and the next user to register has the id."""

import pathlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from sqlalchemy import Column, Integer
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db.authentication import DatabaseStrategy
from tests.e2e.app import SECRET, password_helper

PASSWORD = "a password of sufficient length"


def tables(*, counted: bool) -> tuple[Any, Any, Any]:
    class Base(DeclarativeBase):
        pass

    if counted:

        class User(SQLAlchemyBaseUserTableInt, Base):
            pass
    else:

        class User(SQLAlchemyBaseUserTable[int], Base):  # type: ignore[no-redef]
            id = Column(Integer, primary_key=True)

    class AccessToken(SQLAlchemyBaseAccessTokenTableInt, Base):
        pass

    return Base, User, AccessToken


@pytest.mark.parametrize("kind", ["database", "jwt"])
@pytest.mark.parametrize("counted", [True, False])
async def test_an_old_token_is_not_the_next_users(
    tmp_path: pathlib.Path, kind: str, counted: bool
) -> None:
    base, user_table, token_table = tables(counted=counted)
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'app.db'}")
    async with engine.begin() as connection:
        await connection.run_sync(base.metadata.create_all)

    class Manager(IntegerIDMixin, BaseUserManager[Any, int]):
        reset_password_token_secret = verification_token_secret = SECRET

    async def get_manager() -> AsyncIterator[Any]:
        async with AsyncSession(engine) as session:
            yield Manager(SQLAlchemyUserDatabase(session, user_table), password_helper)

    async def get_strategy() -> AsyncIterator[Any]:
        async with AsyncSession(engine) as session:
            tokens = SQLAlchemyAccessTokenDatabase(session, token_table)
            jwt: Any = JWTStrategy(SECRET, 3600)
            yield DatabaseStrategy(tokens, 3600) if kind == "database" else jwt

    backend: Any = AuthenticationBackend(kind, BearerTransport("login"), get_strategy)
    users: Any = FastAPIUsers(get_manager, [backend])
    app = FastAPI()
    app.include_router(users.get_register_router(schemas.BaseUser[int], schemas.BaseUserCreate))
    app.include_router(users.get_auth_router(backend))
    app.include_router(
        users.get_users_router(schemas.BaseUser[int], schemas.BaseUserUpdate), prefix="/users"
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        registered = await client.post(
            "/register", json={"email": "anne@example.com", "password": PASSWORD}
        )
        login = await client.post(
            "/login", data={"username": "anne@example.com", "password": PASSWORD}
        )
        headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
        async with AsyncSession(engine) as session:
            adapter: Any = SQLAlchemyUserDatabase(session, user_table)
            await adapter.delete(await adapter.get(registered.json()["id"]))
        await client.post("/register", json={"email": "eva@example.com", "password": PASSWORD})
        found = await client.get("/users/me", headers=headers)
        change = await client.patch("/users/me", headers=headers, json={"password": "another one"})
    async with AsyncSession(engine) as session:
        problems = await SQLAlchemyUserDatabase(session, user_table).check_schema()
    await engine.dispose()
    # Without AUTOINCREMENT the attack succeeds, and check_schema says so before all else.
    assert (found.status_code, change.status_code) == ((401, 401) if counted else (200, 200))
    reported = [problem.code for problem in problems][:1] == ["ids-that-come-again"]
    assert reported is not counted
