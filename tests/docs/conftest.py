"""What the samples run with: databases without tables, and cheap password hashes."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from sqlalchemy.engine import make_url

from tests import servers
from tests.conftest import Addresses
from tests.hashing import cheap_hashes

# It waits for nobody: what a test has left open is an error, not a standstill.
EMPTY = {
    "postgresql": (
        "SET lock_timeout = '10s'",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
    ),
    "mysql": (
        "SET lock_wait_timeout = 10",
        "DROP DATABASE {database}",
        "CREATE DATABASE {database}",
    ),
}


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes_for_the_samples() -> Iterator[None]:
    with cheap_hashes():
        yield


@pytest.fixture(scope="session")
def empty_database(
    new_database: Callable[[str], Addresses],
) -> Callable[[str], Addresses]:
    """Give a database without tables, by its name in `DATABASES`.

    On a server each test is given the same one, emptied: creating one would be most of its time.
    """
    kept: dict[str, Addresses] = {}

    def empty_database(name: str) -> Addresses:
        if name == "sqlite":
            return new_database(name)
        if name not in kept:
            kept[name] = new_database(name)
        _empty(kept[name])
        return kept[name]

    return empty_database


def _empty(addresses: Addresses) -> None:
    url = make_url(addresses.orm)
    backend = url.get_backend_name()
    kind = servers.POSTGRESQL if backend == "postgresql" else servers.MARIADB
    with closing(kind.connect(url.set(drivername=backend))) as connection:
        for statement in EMPTY[backend]:
            connection.cursor().execute(statement.format(database=url.database))
