"""Servers of our own, and the application on each adapter and driver."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from sqlalchemy.engine import URL

from tests import servers
from tests.conftest import DATABASES_DRIVERS, ORM_DRIVERS, Addresses, create_tables
from tests.e2e.app import Base
from tests.outages import app as apps
from tests.outages.server import Server, private_server
from tests.outages.visitors import Site

FORMS = [
    ("orm", "postgresql"),
    ("orm", "mariadb-aiomysql"),
    ("orm", "mariadb-asyncmy"),
    ("databases", "postgresql"),
    ("databases", "mariadb-aiomysql"),
]
"""The adapter, and the database with its driver."""


@dataclass(frozen=True)
class Place:
    """A database on a server of our own."""

    backend: str
    server: Server
    url: URL
    addresses: Addresses

    def pool(self) -> apps.Pool:
        return (apps.orm if self.backend == "orm" else apps.databases)(self.addresses)

    @asynccontextmanager
    async def site(self, pool: apps.Pool) -> AsyncIterator[Site]:
        """Run the application, and see that it leaves no connection behind."""
        app = apps.create_app(pool)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            async with app.router.lifespan_context(app):
                site = Site(app, pool, self.server, self.url, client)
                yield site
            await site.assert_connections(0)


Servers = Callable[[str], Server]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    yield from _server(servers.POSTGRESQL)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    yield from _server(servers.MARIADB)


def _server(kind: servers.Kind) -> Iterator[Server]:
    if not all(map(servers._program, kind.programs)):
        pytest.skip(f"{kind.name} is not installed ({kind.package}).")
    with private_server(kind) as server:
        yield server


@pytest.fixture(params=FORMS, ids="-".join)
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    backend, name = request.param
    server: Server = request.getfixturevalue(name.partition("-")[0])
    with servers.database(server.kind, server.url) as url:
        orm, databases = (
            url.set(drivername=drivers[name]).render_as_string(hide_password=False)
            for drivers in (ORM_DRIVERS, DATABASES_DRIVERS)
        )
        place = Place(backend, server, url, Addresses(name, orm, databases))
        await create_tables(place.addresses, Base.metadata)
        yield place


@pytest.fixture
async def site(place: Place, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Site]:
    async with place.site(place.pool()) as site:
        yield site
    gc.collect()
    # SQLAlchemy says so when a connection was never given back.
    assert "garbage collector" not in caplog.text
