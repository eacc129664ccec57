"""Both adapters on the tables of any mapped class."""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from databases import Database
from sqlalchemy import MetaData, inspect
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from fastapi_users_db import (
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyUserDatabase,
    UserDatabase,
)
from tests.conftest import Addresses
from tests.sharing import connections, delete_rows


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
    """A database with the tables of one `MetaData`, and the adapters over it."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine, database: Database) -> None:
        self.addresses = addresses
        self.engine = engine
        self.database = database
        self.metadata = MetaData()

    @asynccontextmanager
    async def adapter(
        self, backend: str, user_table: Any, oauth_account_table: Any = None
    ) -> AsyncIterator[UserDatabase[Any, Any]]:
        """Give an adapter whose session, if it has one, is closed at the end of the block."""
        await self.use_tables(inspect(user_table).local_table.metadata)
        if backend == "databases":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                adapter = DatabasesUserDatabase(self.database, user_table, oauth_account_table)
            yield adapter
        else:
            expire_on_commit = backend == "orm-expire-on-commit"
            sessions = async_sessionmaker(self.engine, expire_on_commit=expire_on_commit)
            async with sessions() as session:
                yield SQLAlchemyUserDatabase(session, user_table, oauth_account_table)

    async def use_tables(self, metadata: MetaData) -> None:
        """Have these tables, in place of those of the tests before if they are others."""
        if self.metadata is not metadata:
            async with self.engine.begin() as connection:
                await connection.run_sync(self.metadata.drop_all)
                await connection.run_sync(metadata.create_all)
            self.metadata = metadata


@pytest.fixture(scope="package")
async def connected(addresses: Addresses) -> AsyncIterator[Storage]:
    async with connections(addresses) as (engine, database):
        yield Storage(addresses, engine, database)


@pytest.fixture
async def storage(connected: Storage) -> AsyncIterator[Storage]:
    """A database in which an adapter finds the tables that it needs, without rows."""
    yield connected
    await delete_rows(connected.engine, connected.metadata)


def contents(instance: Any) -> dict[str, Any]:
    """Return all columns and OAuth accounts of an instance that has nothing to load from."""
    assert inspect(instance).session is None
    mapper = inspect(type(instance))
    values = {attribute.key: getattr(instance, attribute.key) for attribute in mapper.column_attrs}
    if "oauth_accounts" in mapper.relationships:
        accounts = [contents(account) for account in instance.oauth_accounts]
        values["oauth_accounts"] = sorted(accounts, key=lambda account: account["account_id"])
    return values
