"""Fixtures for every test: databases with names of their own, dropped at the end of the run."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.engine import URL, make_url

from tests import servers

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

    def create(name: str) -> Addresses:
        if name == "sqlite":
            path = tmp_path_factory.mktemp("sqlite") / "database.db"
            url = make_url(f"sqlite:///{path}")
        elif name == "postgresql":
            server = request.getfixturevalue("postgresql_server")
            url = stack.enter_context(servers.database(servers.POSTGRESQL, server))
        else:
            server = request.getfixturevalue("mariadb_server")
            url = stack.enter_context(servers.database(servers.MARIADB, server))
        return Addresses(
            name=name,
            orm=url.set(drivername=ORM_DRIVERS[name]).render_as_string(hide_password=False),
            databases=url.set(drivername=DATABASES_DRIVERS[name]).render_as_string(
                hide_password=False
            ),
        )

    with contextlib.ExitStack() as stack:
        yield create
