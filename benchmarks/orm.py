"""The operations of the ORM adapter: upstream 7.0.0, ours, and the bare driver."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import asyncpg
import fastapi_users_db_sqlalchemy as upstream
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users_db_sqlalchemy import access_token as upstream_access_token
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, relationship

import fastapi_users_db as ours
from benchmarks import data
from fastapi_users_db import authentication, hashing

SECRET = "secret" * 8


class NoHashing:
    """Accepts every password: hashing takes longer than all the rest."""

    def hash(self, password: str) -> str:
        return password

    def verify_and_update(self, plain: str, hashed: str) -> tuple[bool, None]:
        return True, None

    def generate(self) -> str:
        return "password"


class UserManager(UUIDIDMixin, BaseUserManager[Any, uuid.UUID]):
    """The user manager of every side."""

    reset_password_token_secret = verification_token_secret = SECRET

    def __init__(self, users: Any) -> None:
        super().__init__(users, NoHashing())


def models(package: Any, tokens: Any) -> SimpleNamespace:
    """Return a package's classes: `User` and `AccessToken`, as most apps declare them."""

    class Base(DeclarativeBase):
        pass

    class User(package.SQLAlchemyBaseUserTableUUID, Base):
        pass

    class AccessToken(tokens.SQLAlchemyBaseAccessTokenTableUUID, Base):
        pass

    return SimpleNamespace(User=User, AccessToken=AccessToken)


def models_with_oauth(package: Any) -> SimpleNamespace:
    """Return a package's `User` and `OAuthAccount`."""

    class Base(DeclarativeBase):
        pass

    class OAuthAccount(package.SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(package.SQLAlchemyBaseUserTableUUID, Base):
        oauth_accounts = relationship(OAuthAccount, lazy="joined")

    return SimpleNamespace(User=User, OAuthAccount=OAuthAccount)


class Side:
    """One package's adapters, over the sessions of one engine."""

    def __init__(
        self, package: Any, tokens: Any, engine: AsyncEngine, *, email_index: bool = False
    ) -> None:
        self.sessions = async_sessionmaker(engine, expire_on_commit=False)
        self.models = models(package, tokens)
        if email_index:
            ours.unique_email_index(self.models.User)
        self.with_oauth = models_with_oauth(package)
        self.with_index = models_with_oauth(package)
        # Which upstream has no use for: it looks first in any case.
        ours.unique_oauth_account_index(self.with_index.OAuthAccount)
        own = authentication.DatabaseStrategy
        self._strategy: Any = own if package is ours else DatabaseStrategy
        self._users = package.SQLAlchemyUserDatabase
        self._tokens = tokens.SQLAlchemyAccessTokenDatabase

    def users(self, session: AsyncSession) -> Any:
        return self._users(session, self.models.User)

    def users_with_oauth(self, session: AsyncSession, *, indexed: bool = False) -> Any:
        models = self.with_index if indexed else self.with_oauth
        return self._users(session, models.User, models.OAuthAccount)

    def tokens(self, session: AsyncSession) -> Any:
        return self._tokens(session, self.models.AccessToken)

    def strategy(self, session: AsyncSession, *, hash_tokens: bool = False) -> Any:
        """Return FastAPI Users' strategy, or ours. Upstream's has nothing that hashes."""
        options = (
            {"hash_tokens": True} if hash_tokens and self._strategy is not DatabaseStrategy else {}
        )
        return self._strategy(self.tokens(session), 24 * 3600, **options)


def sides(engine: AsyncEngine, *, email_index: bool = False) -> dict[str, Side]:
    """Return upstream's side and ours.

    Parameters:
        engine: the engine of both.
        email_index: whether our class declares the index; it means nothing to upstream.
    """
    return {
        "upstream": Side(upstream, upstream_access_token, engine),
        "ours": Side(ours, ours, engine, email_index=email_index),
    }


class Operations:
    """What is measured: each method prepares a round on one side and returns what to time.

    Each round has a session of its own, as a request has, and ends by closing it.
    """

    def __init__(self, users: int) -> None:
        self._sample = data.Sample(users)

    async def get(self, side: Side, number: int) -> Any:
        user_id, session = data.user_id(self._sample.number(number)), side.sessions()

        async def run() -> None:
            assert await side.users(session).get(user_id) is not None
            await session.close()

        return run

    async def get_by_email(self, side: Side, number: int) -> Any:
        return self._by_email(side, data.email(self._sample.number(number)), found=True)

    async def get_by_email_in_another_case(self, side: Side, number: int) -> Any:
        return self._by_email(side, data.email(self._sample.number(number)).upper(), found=True)

    async def get_by_email_unknown(self, side: Side, number: int) -> Any:
        return self._by_email(side, f"nobody{number}@example.com", found=False)

    def _by_email(self, side: Side, email: str, found: bool) -> Any:
        session = side.sessions()

        async def run() -> None:
            user = await side.users(session).get_by_email(email)
            assert (user is not None) is found
            await session.close()

        return run

    async def get_by_oauth_account(self, side: Side, number: int) -> Any:
        account_id, session = data.account_id(self._sample.number(number)), side.sessions()

        async def run() -> None:
            users = side.users_with_oauth(session)
            assert await users.get_by_oauth_account("provider", account_id) is not None
            await session.close()

        return run

    async def create(self, side: Side, number: int) -> Any:
        values, session = data.new_user(), side.sessions()

        async def run() -> None:
            await side.users(session).create(values)
            await session.close()

        return run

    async def update(self, side: Side, number: int) -> Any:
        session = side.sessions()
        users = side.users(session)
        user = await users.get(data.user_id(self._sample.number(number)))
        changes = {"is_verified": not user.is_verified, "hashed_password": data.new_user()["email"]}

        async def run() -> None:
            await users.update(user, changes)
            await session.close()

        return run

    async def delete(self, side: Side, number: int) -> Any:
        session = side.sessions()
        users = side.users(session)
        user = await users.get((await users.create(data.new_user())).id)

        async def run() -> None:
            await users.delete(user)
            await session.close()

        return run

    async def add_oauth_account(self, side: Side, number: int) -> Any:
        return await self._add_oauth_account(side, indexed=True)

    async def add_oauth_account_without_index(self, side: Side, number: int) -> Any:
        return await self._add_oauth_account(side, indexed=False)

    async def _add_oauth_account(self, side: Side, *, indexed: bool) -> Any:
        session = side.sessions()
        users = side.users_with_oauth(session, indexed=indexed)
        user = await users.get((await users.create(data.new_user())).id)
        account = data.new_account()

        async def run() -> None:
            await users.add_oauth_account(user, account)
            await session.close()

        return run

    async def token_get(self, side: Side, number: int) -> Any:
        token, session = data.token(self._sample.number(number)), side.sessions()
        max_age = datetime.now(timezone.utc) - timedelta(days=1)

        async def run() -> None:
            assert await side.tokens(session).get_by_token(token, max_age) is not None
            await session.close()

        return run

    async def authentication(self, side: Side, number: int) -> Any:
        token, session = data.token(self._sample.number(number)), side.sessions()
        max_age = datetime.now(timezone.utc) - timedelta(days=1)

        async def run() -> None:
            access_token = await side.tokens(session).get_by_token(token, max_age)
            assert await side.users(session).get(access_token.user_id) is not None
            await session.close()

        return run

    async def strategy(self, side: Side, number: int) -> Any:
        return self._strategy(side, self._sample.number(number), hash_tokens=False)

    async def strategy_hashed(self, side: Side, number: int) -> Any:
        owner = self._sample.number(number)
        async with side.sessions() as session:
            token, tokens = hashing.hashed(data.token(owner)), side.tokens(session)
            if await tokens.get_by_token(token) is None:
                await tokens.create({"token": token, "user_id": data.user_id(owner)})
        return self._strategy(side, owner, hash_tokens=True)

    def _strategy(self, side: Side, owner: int, *, hash_tokens: bool) -> Any:
        token, session = data.token(owner), side.sessions()

        async def run() -> None:
            strategy = side.strategy(session, hash_tokens=hash_tokens)
            assert await strategy.read_token(token, UserManager(side.users(session))) is not None
            await session.close()

        return run

    async def token_create(self, side: Side, number: int) -> Any:
        session = side.sessions()
        values = {"token": uuid.uuid4().hex, "user_id": data.user_id(self._sample.number(number))}

        async def run() -> None:
            await side.tokens(session).create(values)
            await session.close()

        return run

    async def token_delete(self, side: Side, number: int) -> Any:
        session = side.sessions()
        tokens = side.tokens(session)
        values = {"token": uuid.uuid4().hex, "user_id": data.user_id(self._sample.number(number))}
        token = await tokens.get_by_token((await tokens.create(values)).token)

        async def run() -> None:
            await tokens.delete(token)
            await session.close()

        return run


class Bare:
    """The bare driver's answer to the same operations: the same SQL, and nothing else."""

    def __init__(self, pool: asyncpg.Pool, users: int) -> None:
        self._pool = pool
        self._sample = data.Sample(users)

    def _user_id(self, number: int) -> uuid.UUID:
        return data.user_id(self._sample.number(number))

    async def _fetch(self, sql: str, *values: Any) -> Any:
        async def run() -> None:
            async with self._pool.acquire() as connection:
                await connection.fetchrow(sql, *values)

        return run

    async def _write(self, sql: str, *values: Any) -> Any:
        async def run() -> None:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(sql, *values)

        return run

    async def get(self, number: int) -> Any:
        return await self._fetch('SELECT * FROM "user" WHERE id = $1', self._user_id(number))

    async def get_by_email(self, number: int) -> Any:
        email = data.email(self._sample.number(number))
        return await self._fetch('SELECT * FROM "user" WHERE email = $1', email)

    async def token_get(self, number: int) -> Any:
        token = data.token(self._sample.number(number))
        return await self._fetch("SELECT * FROM accesstoken WHERE token = $1", token)

    async def create(self, number: int) -> Any:
        return await self._write(
            'INSERT INTO "user" (id, email, hashed_password, is_active, is_superuser, is_verified) '
            "VALUES ($1, $2, $3, true, false, false)",
            uuid.uuid4(),
            data.new_user()["email"],
            data.HASH,
        )

    async def update(self, number: int) -> Any:
        return await self._write(
            'UPDATE "user" SET is_verified = NOT is_verified, hashed_password = $2 WHERE id = $1',
            self._user_id(number),
            uuid.uuid4().hex,
        )

    async def token_create(self, number: int) -> Any:
        return await self._write(
            "INSERT INTO accesstoken (token, created_at, user_id) VALUES ($1, now(), $2)",
            uuid.uuid4().hex,
            self._user_id(number),
        )
