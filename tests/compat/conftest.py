"""Sessions, databases and tables for the tests of the shim.

Apps of either convention have the same tables. These are created once for the run, in one database
on each server, and each test finds them empty. Tests that create tables of their own, with
`create_all`, do so in another database, where each takes away what the one before has left.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from tests.compat import models
from tests.conftest import Addresses


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if models.UPSTREAM is not None:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(
                pytest.mark.filterwarnings(
                    "ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"
                )
            )


# The same classes for all tests: the statements that SQLAlchemy has compiled are used again.
legacy_tables = functools.cache(models.legacy_tables)
current_tables = functools.cache(models.current_tables)


@pytest.fixture(scope="session")
def database_for(new_database: Callable[[str], Addresses]) -> Callable[[str, bool], Addresses]:
    """A database for the tables of the apps, or for those of single tests, as long as the run."""
    return functools.cache(lambda name, own_tables: new_database(name))


@pytest.fixture(scope="session")
def present() -> dict[Addresses, MetaData]:
    """The tables that there are in each database."""
    return {}


@pytest.fixture
def own_tables(request: pytest.FixtureRequest) -> bool:
    """Whether the test creates tables of its own."""
    return "create_all" in request.fixturenames


@pytest.fixture
def addresses(
    request: pytest.FixtureRequest,
    own_tables: bool,
    database_for: Callable[[str, bool], Addresses],
) -> Addresses:
    """A database without rows: SQLite, unless the test asks for others."""
    return database_for(getattr(request, "param", "sqlite"), own_tables)


@pytest.fixture
def engine(
    addresses: Addresses, own_tables: bool, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncEngine:
    if own_tables:
        # No connection may know the tables of an earlier test. There is nothing to dispose of.
        return create_async_engine(addresses.orm, poolclass=NullPool)
    return engine_of(addresses)


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
async def database(
    addresses: Addresses,
    own_tables: bool,
    database_of: Callable[[Addresses], Awaitable[Any]],
) -> AsyncIterator[Any]:
    if own_tables:
        databases = pytest.importorskip("databases")
        async with databases.Database(addresses.databases) as database:
            yield database
    else:
        yield await database_of(addresses)


@pytest.fixture
def create_all(
    addresses: Addresses, engine: AsyncEngine, present: dict[Addresses, MetaData]
) -> Callable[[Any], Awaitable[None]]:
    """Create the tables that a test has declared, and drop those of the test before."""

    async def create_all(base: Any) -> None:
        async with engine.begin() as connection:
            if addresses in present:
                await connection.run_sync(present[addresses].drop_all)
            present[addresses] = base.metadata
            await connection.run_sync(base.metadata.create_all)

    return create_all


@pytest.fixture
def rows(engine: AsyncEngine) -> Callable[[Any], Awaitable[list[Any]]]:
    """Execute a statement on a connection of its own: what others see."""

    async def rows(statement: Any) -> list[Any]:
        async with engine.connect() as connection:
            return list((await connection.execute(statement)).all())

    return rows


@pytest.fixture
def bring(
    addresses: Addresses, engine: AsyncEngine, present: dict[Addresses, MetaData]
) -> Callable[[SimpleNamespace], Awaitable[SimpleNamespace]]:
    """Make sure that the database has the tables of the apps, without rows."""

    async def bring(tables: SimpleNamespace) -> SimpleNamespace:
        metadata = tables.base.metadata
        async with engine.begin() as connection:
            if addresses in present:
                for table in reversed(metadata.sorted_tables):
                    await connection.execute(table.delete())
            else:
                await connection.run_sync(metadata.create_all)
        present[addresses] = metadata
        return tables

    return bring


@pytest.fixture
async def legacy(bring: Any) -> SimpleNamespace:
    """The tables of an app on FastAPI Users 7 to 9."""
    return await bring(legacy_tables())


@pytest.fixture
async def current(bring: Any) -> SimpleNamespace:
    """The tables of an app on FastAPI Users 10 or later."""
    return await bring(current_tables())


@dataclass
class Form:
    """An adapter of one form, with an OAuth account table, and what it works on."""

    name: str
    user_db: Any
    users: Any
    oauth_accounts: Any
    returned: type[Any]

    @property
    def is_legacy(self) -> bool:
        return self.name != "current"


def build_form(name: str, request: pytest.FixtureRequest) -> Form:
    tables = request.getfixturevalue("current" if name == "current" else "legacy")
    if name == "databases":
        user_db = SQLAlchemyUserDatabase(
            models.OAuthUserDB,
            request.getfixturevalue("database"),
            tables.users,
            tables.oauth_accounts,
        )
    elif name == "legacy-orm":
        user_db = SQLAlchemyUserDatabase(
            models.OAuthUserDB,
            request.getfixturevalue("session"),
            tables.UserTable,
            tables.OAuthAccountTable,
        )
    else:
        session = request.getfixturevalue("session")
        user_db = SQLAlchemyUserDatabase(session, tables.User, tables.OAuthAccount)
        users, oauth_accounts = tables.User.__table__, tables.OAuthAccount.__table__
        return Form(name, user_db, users, oauth_accounts, tables.User)
    return Form(name, user_db, tables.users, tables.oauth_accounts, models.OAuthUserDB)


LEGACY_FORMS = [
    pytest.param("databases", marks=models.databases_form),
    pytest.param("legacy-orm", marks=models.legacy_orm_form),
]


@pytest.fixture(params=[*LEGACY_FORMS, pytest.param("current", marks=models.current_form)])
def form(request: pytest.FixtureRequest, addresses: Addresses) -> Form:
    return build_form(request.param, request)


@pytest.fixture(params=LEGACY_FORMS)
def legacy_form(request: pytest.FixtureRequest, addresses: Addresses) -> Form:
    return build_form(request.param, request)
