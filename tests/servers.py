"""The database servers that the tests run against.

A server that is running already is used; its address can be given in the environment. Otherwise
a private one is started, if its programs are installed. Otherwise the tests that need it are
skipped, with the reason.

Databases are named after the run that creates them. As long as it lives, it holds a lock of that
name on the server: what has a name without a lock was left by a run that was killed.
"""

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pymysql
import pytest
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

STARTUP_SECONDS = 60
CONNECT_SECONDS = 10
RUNS = "fastapi_users_db_run_"
RUN = f"{RUNS}{uuid4().hex[:12]}"
_numbers = itertools.count()


# By the drivers themselves: SQLAlchemy 1.4 knows none that speaks to PostgreSQL without asyncio.
def _connect_to_postgresql(url: URL) -> Any:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS)


def _connect_to_mariadb(url: URL) -> Any:
    address = {"host": url.host, "port": url.port, "user": url.username, "database": url.database}
    return pymysql.connect(
        **address,
        password=url.password or "",
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
    )


@dataclass(frozen=True)
class Kind:
    """What there is to know about one kind of server."""

    name: str
    variable: str
    default_url: str
    connect: Callable[..., Any]
    errors: type[Exception]
    programs: tuple[str, ...]
    package: str
    names: str
    lock: str
    drop: str


POSTGRESQL = Kind(
    name="PostgreSQL",
    variable="TEST_POSTGRESQL_URL",
    default_url="postgresql://postgres@127.0.0.1:5432/postgres",
    connect=_connect_to_postgresql,
    errors=psycopg.Error,
    programs=("initdb", "postgres"),
    package="postgresql",
    names="SELECT datname FROM pg_database",
    # It has these locks by database, and runs may have connected to different ones.
    lock="""
        WITH run AS (SELECT hashtext(%s) AS key)
        SELECT pg_try_advisory_lock(key) AND NOT EXISTS (
            SELECT FROM pg_locks
            WHERE locktype = 'advisory' AND objid::bigint = key & 4294967295
            AND pid <> pg_backend_pid()
        ) FROM run
    """,
    drop="DROP DATABASE IF EXISTS {} WITH (FORCE)",
)
MARIADB = Kind(
    name="MariaDB",
    variable="TEST_MARIADB_URL",
    default_url="mysql://root@127.0.0.1:3306/mysql",
    connect=_connect_to_mariadb,
    errors=pymysql.Error,
    programs=("mariadb-install-db", "mariadbd"),
    package="mariadb-server",
    names="SHOW DATABASES",
    lock="SELECT GET_LOCK(%s, 0)",
    drop="DROP DATABASE IF EXISTS {}",
)


def _answers(kind: Kind, url: URL) -> bool:
    return _refusal(kind, url) is None


def _refusal(kind: Kind, url: URL) -> str | None:
    """Return in a line why the tests cannot use a server, or `None` if they can."""
    try:
        kind.connect(url).close()
    except kind.errors as error:
        return str(error.args[-1]).strip().partition("\n")[0]
    return None


def _execute(kind: Kind, url: URL, statement: str) -> None:
    with contextlib.closing(kind.connect(url)) as connection:
        connection.cursor().execute(statement)


def _rows(connection: Any, statement: str, *parameters: Any) -> list[Any]:
    cursor = connection.cursor()
    cursor.execute(statement, parameters)
    return list(cursor.fetchall())


def _is_locked_now(kind: Kind, connection: Any, run: str) -> bool:
    """Take the lock of a run, for as long as the connection lives, unless the run has it."""
    [[is_locked]] = _rows(connection, kind.lock, run)
    return bool(is_locked)


def drop_leftovers(kind: Kind, url: URL) -> int:
    """Drop the databases of runs that were killed, and return how many there were."""
    runs: dict[str, list[str]] = {}
    with contextlib.closing(kind.connect(url)) as connection:
        for [name] in _rows(connection, kind.names):
            if run := re.match(f"{RUNS}[0-9a-f]{{12}}(?=_)", name):
                runs.setdefault(run[0], []).append(name)
        left = [name for run in runs if _is_locked_now(kind, connection, run) for name in runs[run]]
        for name in left:
            connection.cursor().execute(kind.drop.format(name))
    return len(left)


def _program(name: str) -> str | None:
    # Debian keeps PostgreSQL's programs out of PATH.
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, versions)]))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _commands(kind: Kind, directory: Path, port: int) -> tuple[list[str], list[str]]:
    install, serve = (_program(name) or name for name in kind.programs)
    data = str(directory / "data")
    if kind is POSTGRESQL:
        return (
            [install, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            [serve, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(directory)],
        )
    return (
        [install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"],
        [
            serve,
            "--no-defaults",
            f"--datadir={data}",
            "--bind-address=127.0.0.1",
            f"--port={port}",
            f"--socket={directory / 'socket'}",
            f"--pid-file={directory / 'pid'}",
            "--character-set-server=utf8mb4",
        ],
    )


# The server ends with whoever started it, also if that is killed and can stop nothing.
_UNTIL_STDIN_ENDS = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read _ <&3; kill $server; } &
wait $server
"""


@contextlib.contextmanager
def _private_server(kind: Kind) -> Iterator[URL]:
    with tempfile.TemporaryDirectory(prefix="fastapi-users-db-") as name:
        directory = Path(name)
        account = None
        if os.geteuid() == 0:
            # Neither server runs as root.
            account = "nobody"
            shutil.chown(directory, account)
        port = _free_port()
        install, serve = _commands(kind, directory, port)
        with open(directory / "log", "wb") as log:
            subprocess.run(install, user=account, cwd=directory, stdout=log, stderr=log, check=True)
        url = make_url(kind.default_url).set(port=port)
        with serving(serve, directory, account, lambda: _answers(kind, url)):
            yield url


@contextlib.contextmanager
def serving(
    command: Sequence[str | Path], directory: Path, account: str | None, answers: Callable[[], bool]
) -> Iterator[None]:
    """Run a server in its directory, as the user `account`, from its first answer on."""
    with open(directory / "log", "ab") as log:
        # Not in this process group: an interruption is for the tests, which then stop it.
        server = subprocess.Popen(
            ["sh", "-c", _UNTIL_STDIN_ENDS, "sh", *command],
            user=account,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((directory / "log").read_text()[-2000:])
            time.sleep(0.1)
        yield
    finally:
        server.communicate()


def _address(kind: Kind) -> URL:
    try:
        return make_url(os.environ.get(kind.variable, kind.default_url))
    except (ArgumentError, ValueError):
        pytest.exit(f"{kind.variable} is no address such as {kind.default_url}.", returncode=1)


def _has_private(kind: Kind) -> bool:
    return kind.variable not in os.environ and all(map(_program, kind.programs))


def _missing(kind: Kind, url: URL, refusal: str) -> str:
    return (
        f"No {kind.name} server for the tests at {url.host}:{url.port} ({refusal}): install it (on "
        f"Debian and Ubuntu: apt-get install {kind.package}), or give the address of one in "
        f"{kind.variable}."
    )


def describe(kind: Kind) -> str:
    """Say in a line which server of this kind the tests will use; drop what killed runs left."""
    url = _address(kind)
    refusal = _refusal(kind, url)
    if refusal is None:
        left = drop_leftovers(kind, url)
        dropped = f"; databases of killed runs, dropped now: {left}" if left else ""
        return f"{kind.name}: {url.host}:{url.port}{dropped}"
    if _has_private(kind):
        return f"{kind.name}: a private server, since none answers at {url.host}:{url.port}"
    return _missing(kind, url, refusal)


@contextlib.contextmanager
def running(kind: Kind) -> Iterator[URL]:
    """Give the address of a server of this kind, or skip (in CI: fail) the test that asks."""
    url = _address(kind)
    refusal = _refusal(kind, url)
    if refusal is None:
        with contextlib.closing(kind.connect(url)) as connection:
            _is_locked_now(kind, connection, RUN)  # or was before: a process may ask twice
            drop_leftovers(kind, url)  # a quiet run has no header
            yield url
    elif _has_private(kind):
        with _private_server(kind) as private_url:
            yield private_url
    elif os.environ.get("CI"):
        pytest.fail(_missing(kind, url, refusal), pytrace=False)
    else:
        pytest.skip(_missing(kind, url, refusal))


@contextlib.contextmanager
def database(kind: Kind, server: URL) -> Iterator[URL]:
    """Create a database with a name of its own, and drop it in the end."""
    name = f"{RUN}_{next(_numbers)}"
    _execute(kind, server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name)
    finally:
        _execute(kind, server, kind.drop.format(name))
