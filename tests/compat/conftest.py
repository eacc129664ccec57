"""Sessions, databases and tables for the tests of the shim."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from tests.compat import models
from tests.conftest import Addresses, create_tables


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


@pytest.fixture
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    """An empty database: SQLite, unless the test asks for others."""
    return new_database(getattr(request, "param", "sqlite"))


@pytest.fixture
async def engine(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
async def database(addresses: Addresses) -> AsyncIterator[Any]:
    databases = pytest.importorskip("databases")
    async with databases.Database(addresses.databases) as database:
        yield database


@pytest.fixture
def create_all(addresses: Addresses) -> Callable[[Any], Awaitable[None]]:
    async def create_all(base: Any) -> None:
        await create_tables(addresses, base.metadata)

    return create_all


@pytest.fixture
def rows(engine: AsyncEngine) -> Callable[[Any], Awaitable[list[Any]]]:
    """Execute a statement on a connection of its own: what others see."""

    async def rows(statement: Any) -> list[Any]:
        async with engine.connect() as connection:
            return list((await connection.execute(statement)).all())

    return rows


@pytest.fixture
async def legacy(create_all: Callable[[Any], Awaitable[None]]) -> SimpleNamespace:
    """The tables of an app on FastAPI Users 7 to 9, created."""
    tables = models.legacy_tables()
    await create_all(tables.base)
    return tables


@pytest.fixture
async def current(create_all: Callable[[Any], Awaitable[None]]) -> SimpleNamespace:
    """The tables of an app on FastAPI Users 10 or later, created."""
    tables = models.current_tables()
    await create_all(tables.base)
    return tables


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
