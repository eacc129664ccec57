"""One suite for every adapter and every database: each test runs on all combinations."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from databases import Database
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User, UserModel
from tests.conftest import DATABASES, Addresses, create_tables

ADAPTERS = {
    "orm": {"expire_on_commit": False},
    "orm-expire-on-commit": {"expire_on_commit": True},
    "orm-no-commit": {"expire_on_commit": False, "commit": False},
    "databases": {},
    "databases-user-model": {"user_model": UserModel},
}


@dataclass
class Backend:
    """Adapters over one open session or database, and a way to look past them."""

    adapter: str
    addresses: Addresses
    engine: AsyncEngine
    connection: Any
    users: Any
    users_without_oauth: Any
    tokens: Any
    _open: AsyncExitStack = field(repr=False)

    @property
    def is_orm(self) -> bool:
        return self.adapter.startswith("orm")

    def unwritten(self, **values: Any) -> Any:
        """Return a user whom no adapter has written or read."""
        if self.adapter != "databases-user-model":
            return User(**values)
        construct = getattr(UserModel, "model_construct", None) or UserModel.construct
        return construct(**values)

    async def settle(self) -> None:
        """Do what is left to the app with `commit=False`: commit."""
        if self.adapter == "orm-no-commit":
            await self.connection.commit()

    async def close(self) -> None:
        """Settle, and close the session."""
        await self.settle()
        await self._open.aclose()

    async def rows(self, statement: Any) -> list[Any]:
        """Execute a statement on a connection of its own: what others see."""
        await self.settle()
        async with self.engine.begin() as connection:
            result = await connection.execute(statement)
            return list(result.all()) if result.returns_rows else []


@pytest.fixture(scope="session", params=DATABASES)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, Base.metadata))
    return addresses


OpenBackend = Callable[[str], AbstractAsyncContextManager[Backend]]


@pytest.fixture
def open_backend(
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> OpenBackend:
    """Adapters of one of `ADAPTERS` over a new session, for the time of a `with`."""

    @asynccontextmanager
    async def open_backend(adapter: str) -> AsyncIterator[Backend]:
        options: dict[str, Any] = dict(ADAPTERS[adapter])
        engine = engine_of(addresses)
        async with AsyncExitStack() as stack:
            connection: Any
            if adapter.startswith("orm"):
                expire_on_commit = options.pop("expire_on_commit")
                connection = AsyncSession(engine, expire_on_commit=expire_on_commit)
                await stack.enter_async_context(connection)
                users: Any = SQLAlchemyUserDatabase
                tokens: Any = SQLAlchemyAccessTokenDatabase
            else:
                connection = await database_of(addresses)
                users, tokens = DatabasesUserDatabase, DatabasesAccessTokenDatabase
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                token_options = {"commit": options["commit"]} if "commit" in options else {}
                yield Backend(
                    adapter=adapter,
                    addresses=addresses,
                    engine=engine,
                    connection=connection,
                    users=users(connection, User, OAuthAccount, **options),
                    users_without_oauth=users(connection, User, **options),
                    tokens=tokens(connection, AccessToken, **token_options),
                    _open=stack,
                )
        async with engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                await connection.execute(table.delete())

    return open_backend


@pytest.fixture(params=ADAPTERS)
async def backend(
    request: pytest.FixtureRequest, open_backend: OpenBackend
) -> AsyncIterator[Backend]:
    async with open_backend(request.param) as backend:
        yield backend


@pytest.fixture
def users(backend: Backend) -> Any:
    """The user adapter, with an OAuth account table."""
    return backend.users


@pytest.fixture
def tokens(backend: Backend) -> Any:
    """The access token adapter."""
    return backend.tokens
