"""What a killed run leaves on a server is dropped by the next; what a living run has is not.

And what a run says of a server that it cannot use.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
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
def database(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of another run, which is one of this run's to all others."""
    kind, url = server
    monkeypatch.setattr(servers, "RUNS", f"{servers.RUN}_")
    name = f"{servers.RUNS}{uuid4().hex[:12]}_0"
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


def test_what_a_killed_run_left_is_dropped_without_a_header(
    server: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `pytest -q`."""
    kind, url = server
    monkeypatch.setenv(kind.variable, url.render_as_string(hide_password=False))
    with servers.running(kind):
        assert database not in names(server)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_a_living_run_has_is_not_touched(
    server: Server, database: str, elsewhere: bool
) -> None:
    kind, url = server
    with servers.database(*server) as other_url:
        living = kind.connect(other_url if elsewhere else url)
        with contextlib.closing(living):
            assert servers._is_locked_now(kind, living, database.rpartition("_")[0])
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


KINDS = [servers.POSTGRESQL, servers.MARIADB]
NOBODY_LISTENS = {
    servers.POSTGRESQL.variable: "postgresql://postgres@127.0.0.1:1/postgres",
    servers.MARIADB.variable: "mysql://root@127.0.0.1:1/mysql",
}


def run(**environment: str) -> tuple[int, list[str]]:
    """Return the exit status and the output of a run of a few tests."""
    kept = {name: value for name, value in os.environ.items() if name != "CI"}
    command = (sys.executable, "-m", "pytest", "tests/test_tables.py", "-k", "unique_email_index")
    result = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=Path(__file__).parents[1],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout.splitlines()


def test_a_server_that_is_down_is_told_in_one_line() -> None:
    status, lines = run(**NOBODY_LISTENS)
    assert status == 0
    for kind in KINDS:
        [header, reason] = [line for line in lines if f"No {kind.name} server" in line]
        assert reason.endswith(f"skipped: {header}")
        assert "127.0.0.1:1" in reason
        assert "refused" in reason
        assert kind.variable in reason


@pytest.mark.thorough
def test_a_server_that_is_down_is_a_failure_in_ci() -> None:
    status, lines = run(CI="1", **NOBODY_LISTENS)
    assert status == 1
    assert not any("Traceback" in line or line.startswith(">") for line in lines)
    assert any(line.startswith("ERROR ") and "No MariaDB server" in line for line in lines)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("address", ["127.0.0.1", "postgresql://127.0.0.1:port/postgres"])
def test_what_is_no_address_ends_the_run(
    kind: servers.Kind, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kind.variable, address)
    with pytest.raises(pytest.exit.Exception, match=f"^{kind.variable} is no address such as"):
        servers.describe(kind)


def test_a_server_that_refuses_the_tests_says_why(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, url = server
    elsewhere: Any = url.set(database="nowhere")
    monkeypatch.setenv(kind.variable, elsewhere.render_as_string(hide_password=False))
    said = servers.describe(kind)
    assert "nowhere" in said
    assert "\n" not in said


@pytest.mark.parametrize("driver", ["asyncpg", "aiomysql"])
def test_an_address_may_name_the_apps_driver(
    driver: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = servers.POSTGRESQL if driver == "asyncpg" else servers.MARIADB
    url: URL = request.getfixturevalue(f"{kind.name.lower()}_server")
    address = url.set(drivername=f"{url.drivername}+{driver}")
    monkeypatch.setenv(kind.variable, address.render_as_string(hide_password=False))
    assert servers.describe(kind).startswith(f"{kind.name}: {url.host}:{url.port}")
