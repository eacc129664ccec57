"""What a killed run leaves on a server is dropped by the next; what a living run has is not."""

import contextlib
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy.engine import URL

from tests import conftest, servers

Server = tuple[servers.Kind, URL]


@pytest.fixture(params=[servers.POSTGRESQL, servers.MARIADB], ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Server:
    kind: servers.Kind = request.param
    url: URL = request.getfixturevalue(f"{kind.name.lower()}_server")
    return kind, url


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """A database of another run."""
    kind, url = server
    name = f"fastapi_users_db_run_{uuid4().hex[:12]}_0"
    servers._execute(kind, url, f"CREATE DATABASE {name}")
    yield name
    servers._execute(kind, url, kind.drop.format(name))


def names(server: Server) -> set[str]:
    kind, url = server
    with contextlib.closing(kind.connect(url)) as connection:
        return {name for [name] in servers._rows(connection, kind.names)}


def test_what_a_killed_run_left_is_dropped(server: Server, database: str) -> None:
    servers.drop_leftovers(*server)
    assert database not in names(server)


def test_what_a_living_run_has_is_not_touched(server: Server, database: str) -> None:
    kind, url = server
    with contextlib.closing(kind.connect(url)) as connection:
        assert servers._is_locked_now(kind, connection, database.rpartition("_")[0])
        servers.drop_leftovers(*server)
        assert database in names(server)


def test_what_this_run_has_is_not_touched(server: Server) -> None:
    with servers.database(*server) as url:
        servers.drop_leftovers(*server)
        assert url.database in names(server)


def test_a_full_disk_stops_the_run_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conftest, "NEEDED_BYTES", 2**80)
    with pytest.raises(pytest.exit.Exception, match=r"^The tests need \d+ MB in .*TMPDIR\.$"):
        conftest.pytest_sessionstart()
