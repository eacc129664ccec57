"""PostgreSQL behind PgBouncer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from databases import Database
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.conformance.conftest import (  # noqa: F401  fixtures
    open_backend,
    tokens,
    users,
)
from tests.conformance.models import Base
from tests.conftest import Addresses, create_tables
from tests.more_servers import pgbouncer

# What the page says, by driver.
OPTIONS: dict[str, dict[str, Any]] = {
    "asyncpg": {"connect_args": {"statement_cache_size": 0}},
    "psycopg": {"connect_args": {"prepare_threshold": None}},
}
OF_DATABASES = {"statement_cache_size": 0}


@pytest.fixture(scope="session")
def pooler(postgresql_server: URL) -> Iterator[URL]:
    with pgbouncer.running(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def pooled(pooler: URL, new_database: Callable[[str], Addresses]) -> Addresses:
    """A database with the tables, as PgBouncer has it."""
    addresses = new_database("postgresql")
    asyncio.run(create_tables(addresses, Base.metadata))
    orm, databases = (
        make_url(address).set(host=pooler.host, port=pooler.port).render_as_string(False)
        for address in (addresses.orm, addresses.databases)
    )
    return replace(addresses, orm=orm, databases=databases)


@pytest.fixture(scope="session", params=list(OPTIONS))
def addresses(request: pytest.FixtureRequest, pooled: Addresses) -> Addresses:
    url = make_url(pooled.orm).set(drivername=f"postgresql+{request.param}")
    return replace(pooled, orm=url.render_as_string(False))


@pytest.fixture(scope="session")
async def engine_of() -> AsyncIterator[Callable[[Addresses], AsyncEngine]]:
    engines: dict[str, AsyncEngine] = {}

    def engine_of(addresses: Addresses) -> AsyncEngine:
        if addresses.orm not in engines:
            driver = make_url(addresses.orm).drivername.partition("+")[2]
            engines[addresses.orm] = create_async_engine(addresses.orm, **OPTIONS[driver])
        return engines[addresses.orm]

    yield engine_of
    for engine in engines.values():
        await engine.dispose()


@pytest.fixture(scope="session")
async def database_of(pooled: Addresses) -> AsyncIterator[Any]:
    async with Database(pooled.databases, min_size=1, **OF_DATABASES) as database:

        async def database_of(addresses: Addresses) -> Database:
            return database

        yield database_of


@pytest.fixture(params=["orm", "databases"])
async def backend(request: pytest.FixtureRequest, open_backend: Any) -> AsyncIterator[Any]:  # noqa: F811
    async with open_backend(request.param) as backend:
        yield backend
