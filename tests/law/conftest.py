"""Apps of every shape, under both import names and on every backend."""

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import fastapi_users_db_sqlalchemy as old_name
import pytest
from databases import Database
from fastapi_users_db_sqlalchemy import access_token as old_tokens
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

import fastapi_users_db as new_name
from tests.conftest import Addresses
from tests.sharing import connections, delete_rows

OPTIONS: dict[str, dict[str, Any]] = {
    "orm": {"expire_on_commit": False},
    "orm-defaults": {},
    "orm-no-commit": {"expire_on_commit": False, "autoflush": False},
    "shim": {"expire_on_commit": False},
}
"""The options of the sessions of each backend."""

ORM = list(OPTIONS)
BOTH = [*ORM, "databases"]


class App:
    """The tables of an app, in a database that it shares with others, and adapters over them."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine, database: Database) -> None:
        self.addresses = addresses
        self.engine = engine
        self.database = database
        self.backend = "orm"
        self.metadata = MetaData()

    async def use(self, metadata: MetaData) -> None:
        """Have these tables, in place of those of the app before."""
        if self.metadata is not metadata:
            async with self.engine.begin() as connection:
                await connection.run_sync(self.metadata.drop_all)
                await connection.run_sync(metadata.create_all)
            self.metadata = metadata

    @property
    def sessions(self) -> "async_sessionmaker[Any]":
        """What makes sessions with the options of the backend."""
        return async_sessionmaker(self.engine, **OPTIONS.get(self.backend, {}))

    @asynccontextmanager
    async def users(self, user: Any, account: Any = None, kind: Any = None) -> AsyncIterator[Any]:
        """Give an adapter for users; at the end of the block its session is closed.

        Parameters:
            user: the class of users, which has all tables of the app.
            account: the class of OAuth accounts.
            kind: what makes the adapter, if not the backend's own class.
        """
        await self.use(user.metadata)
        classes = (user,) if account is None else (user, account)
        if self.backend == "databases":
            yield (kind or new_name.DatabasesUserDatabase)(self.database, *classes)
        else:
            is_old = self.backend == "shim"
            names: Any = old_name if is_old else new_name
            async with self._adapter(kind or names.SQLAlchemyUserDatabase, classes) as adapter:
                yield adapter

    @asynccontextmanager
    async def tokens(self, token: Any) -> AsyncIterator[Any]:
        """Give an adapter for access tokens; at the end of the block its session is closed."""
        await self.use(token.metadata)
        if self.backend == "databases":
            yield new_name.DatabasesAccessTokenDatabase(self.database, token)
        else:
            is_old = self.backend == "shim"
            names: Any = old_tokens if is_old else new_name
            async with self._adapter(names.SQLAlchemyAccessTokenDatabase, (token,)) as adapter:
                yield adapter

    @asynccontextmanager
    async def _adapter(self, kind: Any, classes: Any) -> AsyncIterator[Any]:
        is_committing = self.backend != "orm-no-commit"
        options = {} if is_committing else {"commit": False}
        async with self.sessions() as session:
            yield kind(session, *classes, **options)
            if not is_committing:
                await session.commit()

    async def execute(self, statement: Any) -> None:
        """Do what another request does, or another app."""
        async with self.engine.begin() as connection:
            await connection.execute(statement)

    async def number(self, target: Any) -> int:
        """Return how many rows a table has."""
        table = getattr(target, "__table__", target)
        async with self.engine.connect() as connection:
            return len((await connection.execute(table.select())).all())


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    """What is deprecated is used here on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", new_name.FastAPIUsersDBDeprecationWarning)
        yield


@pytest.fixture(scope="package", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    return new_database(request.param)


@pytest.fixture(scope="package")
async def shared(addresses: Addresses) -> AsyncIterator[App]:
    async with connections(addresses) as (engine, database):
        yield App(addresses, engine, database)


@pytest.fixture(params=ORM)
def backend(request: pytest.FixtureRequest) -> str:
    """The backend; a test of a shape that `databases` can read names those itself."""
    name: str = request.param
    return name


@pytest.fixture
async def app(shared: App, backend: str) -> AsyncIterator[App]:
    shared.backend = backend
    yield shared
    await delete_rows(shared.engine, shared.metadata)
