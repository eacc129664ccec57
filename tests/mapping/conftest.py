"""Both adapters on the tables of any mapped class."""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from databases import Database
from sqlalchemy import MetaData, NullPool, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from fastapi_users_db import (
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyUserDatabase,
    UserDatabase,
)
from tests.conftest import Addresses, create_tables


@pytest.fixture(scope="package", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    return new_database(request.param)


@pytest.fixture(params=["orm", "orm-expire-on-commit", "databases"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


class Storage:
    """An empty database, in which an adapter finds the tables that it needs."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine) -> None:
        self.addresses = addresses
        self.engine = engine
        self.metadata: MetaData | None = None

    @asynccontextmanager
    async def adapter(
        self, backend: str, user_table: Any, oauth_account_table: Any = None
    ) -> AsyncIterator[UserDatabase[Any, Any]]:
        """Give an adapter whose session or connection is closed at the end of the block."""
        if self.metadata is None:
            await self.create_tables(inspect(user_table).local_table.metadata)
        if backend == "databases":
            async with Database(self.addresses.databases) as database:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                    adapter = DatabasesUserDatabase(database, user_table, oauth_account_table)
                yield adapter
        else:
            expire_on_commit = backend == "orm-expire-on-commit"
            sessions = async_sessionmaker(self.engine, expire_on_commit=expire_on_commit)
            async with sessions() as session:
                yield SQLAlchemyUserDatabase(session, user_table, oauth_account_table)

    async def create_tables(self, metadata: MetaData) -> None:
        await create_tables(self.addresses, metadata)
        self.metadata = metadata

    async def close(self) -> None:
        if self.metadata is not None:
            async with self.engine.begin() as connection:
                await connection.run_sync(self.metadata.drop_all)
        await self.engine.dispose()


@pytest.fixture
async def storage(addresses: Addresses) -> AsyncIterator[Storage]:
    storage = Storage(addresses, create_async_engine(addresses.orm, poolclass=NullPool))
    yield storage
    await storage.close()


def contents(instance: Any) -> dict[str, Any]:
    """Return all columns and OAuth accounts of an instance that has nothing to load from."""
    assert inspect(instance).session is None
    mapper = inspect(type(instance))
    values = {attribute.key: getattr(instance, attribute.key) for attribute in mapper.column_attrs}
    if "oauth_accounts" in mapper.relationships:
        accounts = [contents(account) for account in instance.oauth_accounts]
        values["oauth_accounts"] = sorted(accounts, key=lambda account: account["account_id"])
    return values
