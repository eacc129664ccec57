"""An ordinary FastAPI Users application on a small pool, which tests can fill and watch."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from databases import Database
from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses
from tests.e2e.app import (
    TOKEN_LIFETIME_SECONDS,
    AccessToken,
    Adapters,
    OAuthAccount,
    User,
    UserManager,
    UserRead,
    password_helper,
)

POOL_SIZE = 3
BLOCKED_SECONDS = 0.2
# What the page about reliability tells, and a pool that is soon full.
ENGINE_OPTIONS = {
    "pool_pre_ping": True,
    "pool_recycle": 1800,
    "pool_timeout": 5,
    "pool_size": POOL_SIZE,
    "max_overflow": 0,
}


@dataclass(frozen=True)
class Pool(Adapters):
    """The adapters, and the pool below them."""

    connection: Callable[[], AbstractAsyncContextManager[Any]]

    @asynccontextmanager
    async def full(self, patience: float = 20) -> AsyncIterator[None]:
        """Hold all connections that the pool has, each in a task of its own."""
        release = asyncio.Event()
        taken = [asyncio.Event() for _ in range(POOL_SIZE)]

        async def hold(mine: asyncio.Event) -> None:
            async with self.connection():
                mine.set()
                await release.wait()

        holders = [asyncio.create_task(hold(mine)) for mine in taken]
        try:
            await asyncio.wait_for(asyncio.gather(*(mine.wait() for mine in taken)), patience)
            yield
        finally:
            release.set()
            for mine, holder in zip(taken, holders, strict=True):
                if not mine.is_set():
                    holder.cancel()  # it waits in vain for one that has leaked
            await asyncio.gather(*holders, return_exceptions=True)


def orm(
    addresses: Addresses,
    session_scope: Callable[[AsyncSession], AsyncIterator[AsyncSession]] | None = None,
    *,
    commit: bool = True,
    **options: Any,
) -> Pool:
    """Return the adapters over the ORM.

    Parameters:
        addresses: the database.
        session_scope: the body of the dependency that yields the session, in place of a right one.
        commit: what the adapters are told.
        options: of the engine.
    """
    engine = create_async_engine(addresses.orm, **{**ENGINE_OPTIONS, **options})
    session_maker = async_sessionmaker(engine, expire_on_commit=False)

    async def get_session() -> AsyncIterator[AsyncSession]:
        if session_scope is not None:
            async for session in session_scope(session_maker()):
                yield session
            return
        async with session_maker() as session:
            yield session

    async def get_user_db(session: AsyncSession = Depends(get_session)) -> Any:  # noqa: B008
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount, commit=commit)

    async def get_access_token_db(session: AsyncSession = Depends(get_session)) -> Any:  # noqa: B008
        yield SQLAlchemyAccessTokenDatabase(session, AccessToken, commit=commit)

    @asynccontextmanager
    async def connection() -> AsyncIterator[None]:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            yield

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Pool(get_user_db, get_access_token_db, lifespan, connection)


def databases(addresses: Addresses) -> Pool:
    """Return the adapters over `databases`."""
    database = Database(addresses.databases, min_size=1, max_size=POOL_SIZE)

    async def get_user_db() -> Any:
        yield DatabasesUserDatabase(database, User, OAuthAccount)

    async def get_access_token_db() -> Any:
        yield DatabasesAccessTokenDatabase(database, AccessToken)

    @asynccontextmanager
    async def connection() -> AsyncIterator[None]:
        async with database.connection() as connection:
            await connection.execute("SELECT 1")
            yield

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with database:
            yield

    return Pool(get_user_db, get_access_token_db, lifespan, connection)


def create_app(pool: Pool) -> FastAPI:
    """Create the application: users register, log in with a token in the database, and change."""

    async def get_user_manager(user_db: Any = Depends(pool.get_user_db)) -> Any:  # noqa: B008
        yield UserManager(user_db, password_helper)

    def get_strategy(
        tokens: Any = Depends(pool.get_access_token_db),  # noqa: B008
    ) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
        return DatabaseStrategy(tokens, TOKEN_LIFETIME_SECONDS)

    backend = AuthenticationBackend("database", BearerTransport("auth/login"), get_strategy)
    users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
    app = FastAPI(lifespan=pool.lifespan)
    app.include_router(users.get_register_router(UserRead, schemas.BaseUserCreate), prefix="/auth")
    app.include_router(users.get_auth_router(backend), prefix="/auth")
    app.include_router(users.get_users_router(UserRead, schemas.BaseUserUpdate), prefix="/users")

    @app.get("/block")
    async def block() -> None:
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251

    return app
