"""A server of our own, which may be stopped, killed and started again."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from tests import servers
from tests.servers import POSTGRESQL, Kind

SECONDS = 60
"""How long anything may take that the server does."""
FAST = {"PostgreSQL": signal.SIGINT, "MariaDB": signal.SIGTERM}
# PostgreSQL's immediate mode: nothing is written any more. Not SIGKILL, which leaves its children.
CRASH = {"PostgreSQL": signal.SIGQUIT, "MariaDB": signal.SIGKILL}


# What a killed run would leave behind: whoever has started the server holds the other end of stdin,
# and writes the number of the process that runs, or an empty line while none does.
_AFTER_STDIN = """
while read -r line; do process=$line; done
[ -z "$process" ] || kill -"$1" "$process"
until rm -rf "$2"; do sleep 0.1; done
"""


@dataclass
class Server:
    """A server that runs."""

    kind: Kind
    directory: Path
    url: URL
    command: list[str]
    account: str | None
    process: subprocess.Popen[bytes] | None = None
    watcher: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """If the run is killed meanwhile, end the process and remove the folder."""
        how = [int(CRASH[self.kind.name]), self.directory]
        self.watcher = subprocess.Popen(
            ["sh", "-c", _AFTER_STDIN, "sh", *map(str, how)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            yield
        finally:
            self.watcher.kill()
            self.watcher.communicate()

    @contextlib.contextmanager
    def running(self) -> Iterator["Server"]:
        """Let it run, and end it in the end."""
        try:
            self.start()
            yield self
        finally:
            self.stop(CRASH)

    def _tell(self, process: int | str) -> None:
        assert self.watcher is not None
        assert self.watcher.stdin is not None
        print(process, file=self.watcher.stdin, flush=True)

    def start(self) -> None:
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command, user=self.account, cwd=self.directory, stdout=log, stderr=log
            )
        self._tell(self.process.pid)
        deadline = time.monotonic() + SECONDS
        while not servers._answers(self.kind, self.url):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.directory / "log").read_text()[-2000:])

    def stop(self, how: dict[str, signal.Signals]) -> None:
        assert self.process is not None
        self.process.send_signal(how[self.kind.name])
        self.process.wait(SECONDS)
        self._tell("")

    def restart_fast(self) -> None:
        """Let it end its connections and stop in order, and start it again."""
        self.stop(FAST)
        self.start()

    def crash(self) -> None:
        """End it in the midst of what it does, and start it again: it recovers from its log."""
        self.stop(CRASH)
        self.start()

    def connections(self, database: str) -> list[int]:
        """Return the numbers of the connections to a database."""
        column, table, name = (
            ("pid", "pg_stat_activity", "datname")
            if self.kind is POSTGRESQL
            else ("id", "information_schema.processlist", "db")
        )
        return [
            row[0] for row in self._ask(f"SELECT {column} FROM {table} WHERE {name} = %s", database)
        ]

    def terminate(self, database: str) -> None:
        """End all connections to a database, and wait until they are gone."""
        connections = self.connections(database)
        for number in connections:
            if self.kind is POSTGRESQL:
                self._ask("SELECT pg_terminate_backend(%s)", number)
            else:
                # One that is gone already is an error here.
                with contextlib.suppress(self.kind.errors):
                    self._ask("KILL %s", number)
        deadline = time.monotonic() + SECONDS
        while set(connections) & set(self.connections(database)):
            assert time.monotonic() < deadline, "connections do not end"

    def _ask(self, statement: str, value: Any) -> Any:
        with contextlib.closing(self.kind.connect(self.url)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement, (value,))
            return cursor.fetchall() if cursor.description else ()


def _reserved() -> tuple[int, socket.socket]:
    """Return a port, and what keeps others of these tests from it until it is closed."""
    # Not among those that the system gives to clients: while the server is down nobody may get it,
    # least of all an application that tries to connect, and would be connected with itself.
    for port in random.sample(range(15000, 30000), 100):
        # Nobody else has a use for that of UDP.
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
            return port, reservation
        except OSError:
            reservation.close()
    raise AssertionError("no free port")


@contextlib.contextmanager
def private_server(kind: Kind, *options: str) -> Iterator[Server]:
    """Start a server that nothing else uses, with options besides those that it needs."""
    port, reservation = _reserved()
    with tempfile.TemporaryDirectory(prefix="fastapi-users-db-") as name, reservation:
        directory = Path(name)
        account = "nobody" if os.geteuid() == 0 else None  # neither server runs as root
        if account:
            shutil.chown(directory, account)
        install, serve = servers._commands(kind, directory, port)
        url = make_url(kind.default_url).set(port=port)
        server = Server(kind, directory, url, [*serve, *options], account)
        with server.watched():
            with open(directory / "log", "wb") as log:
                subprocess.run(
                    install, user=account, cwd=directory, stdout=log, stderr=log, check=True
                )
            with server.running():
                yield server
