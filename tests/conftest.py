"""Fixtures for every test: databases with names of their own, dropped at the end of the run."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest
from sqlalchemy import MetaData
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from tests import servers

pytest_plugins = ["tests.choice", "tests.faults.tally", "tests.skipped"]

SOAK = bool(os.environ.get("SOAK"))
"""Whether tests run their long variant."""

# The same examples in every run: one that fails here fails everywhere. A long run looks for others.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("soak", deadline=None)
hypothesis.settings.load_profile("soak" if SOAK else "repeatable")

ORM_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "mariadb-aiomysql": "mysql+aiomysql",
    "mariadb-asyncmy": "mysql+asyncmy",
}
DATABASES_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "mariadb-aiomysql": "mysql",
    "mariadb-asyncmy": "mysql+asyncmy",
}
DATABASES = list(ORM_DRIVERS)
"""The databases and drivers that the tests are parametrised over."""


@dataclass(frozen=True)
class Addresses:
    """One database, as either backend writes its address."""

    name: str
    orm: str
    databases: str


NEEDED_BYTES = 200_000_000


def pytest_sessionstart() -> None:
    """Refuse to start where hundreds of tests would each fail because the disk is full."""
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        pytest.exit(
            f"The tests need {NEEDED_BYTES // 10**6} MB in {folder}, where {free // 10**6} MB are "
            "free: free some, or name another folder in TMPDIR.",
            returncode=1,
        )


def pytest_report_header() -> list[str]:
    """Name the servers that the tests use."""
    return [servers.describe(kind) for kind in (servers.POSTGRESQL, servers.MARIADB)]


async def create_tables(addresses: Addresses, metadata: MetaData) -> None:
    """Create all tables of a `MetaData`."""
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


def isolated(name: str, level: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of an engine, and of a `Database`, whose transactions are at a level."""
    if level is None:
        return {}, {}
    of_databases: dict[str, Any] = (
        {"server_settings": {"default_transaction_isolation": level.lower()}}
        if name == "postgresql"
        else {"init_command": f"SET SESSION TRANSACTION ISOLATION LEVEL {level}"}
    )
    return {"isolation_level": level}, of_databases


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    with servers.running(servers.POSTGRESQL) as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[URL]:
    with servers.running(servers.MARIADB) as url:
        yield url


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Addresses]]:
    """Create an empty database, by its name in `DATABASES`, that is dropped after the run."""
    opened: list[AbstractContextManager[URL]] = []

    def create_on(kind: servers.Kind, server: URL) -> URL:
        opened.append(servers.database(kind, server))
        return opened[-1].__enter__()

    def create(name: str) -> Addresses:
        if name == "sqlite":
            path = tmp_path_factory.mktemp("sqlite") / "database.db"
            url = make_url(f"sqlite:///{path}")
        elif name == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            url = create_on(servers.POSTGRESQL, server)
        else:
            server = request.getfixturevalue("mariadb_server")
            url = create_on(servers.MARIADB, server)
        return Addresses(
            name=name,
            orm=url.set(drivername=ORM_DRIVERS[name]).render_as_string(hide_password=False),
            databases=url.set(drivername=DATABASES_DRIVERS[name]).render_as_string(
                hide_password=False
            ),
        )

    yield create
    # A server that waits for its disk drops several in the time of one.
    with ThreadPoolExecutor() as pool:
        for dropped in [pool.submit(database.__exit__, None, None, None) for database in opened]:
            dropped.result()


@pytest.fixture(scope="session")
async def engine_of() -> AsyncIterator[Callable[[Addresses], AsyncEngine]]:
    """The engine of a database: the same one for all tests, disposed of after the run."""
    engines: dict[str, AsyncEngine] = {}

    def engine_of(addresses: Addresses) -> AsyncEngine:
        if addresses.orm not in engines:
            engines[addresses.orm] = create_async_engine(addresses.orm)
        return engines[addresses.orm]

    yield engine_of
    for engine in engines.values():
        await engine.dispose()


@pytest.fixture(scope="session")
async def database_of() -> AsyncIterator[Callable[[Addresses], Awaitable[Any]]]:
    """The connected `Database` of a database: the same one for all tests of the run."""
    databases = pytest.importorskip("databases")
    connected: dict[str, Any] = {}

    async def database_of(addresses: Addresses) -> Any:
        if addresses.databases not in connected:
            # Ten connections at once otherwise, of the hundred that PostgreSQL has.
            options = {} if addresses.name == "sqlite" else {"min_size": 1}
            database = databases.Database(addresses.databases, **options)
            await database.connect()
            connected[addresses.databases] = database
        return connected[addresses.databases]

    yield database_of
    for database in connected.values():
        # A pool waits for connections that a test has failed to give back.
        await asyncio.wait_for(database.disconnect(), 60)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Save what was covered: pytest-xdist kills a worker that takes long to end."""
    coverage: Any = sys.modules.get("coverage")
    measuring = coverage and coverage.Coverage.current()
    if measuring:
        measuring.save()
