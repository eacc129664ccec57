"""A PostgreSQL primary and a streaming standby of our own, which replays when it is told to."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from tests import servers
from tests.outages.server import SECONDS, Server, _reserved, private_server
from tests.servers import POSTGRESQL

PROGRAMS = (*POSTGRESQL.programs, "pg_basebackup")


def ask(url: URL, statement: str) -> Any:
    """Return the one value that a statement finds."""
    with contextlib.closing(POSTGRESQL.connect(url)) as connection:
        return connection.execute(statement).fetchone()[0]


@dataclass
class Pair:
    """A primary, and a standby that has what was replayed."""

    primary: Server
    standby: Server

    def catch_up(self) -> None:
        """Replay all that the primary has written."""
        ask(self.standby.url, "SELECT true FROM pg_wal_replay_resume()")
        written = ask(self.primary.url, "SELECT pg_current_wal_flush_lsn()")
        self._wait(f"SELECT coalesce(pg_last_wal_replay_lsn() >= '{written}', false)")

    def fall_behind(self) -> None:
        """Replay nothing from now on."""
        ask(self.standby.url, "SELECT true FROM pg_wal_replay_pause()")
        self._wait("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    @contextlib.contextmanager
    def lag(self, milliseconds: int) -> Iterator[None]:
        """Replay all that was written, then each transaction so long after its COMMIT."""
        self.catch_up()
        self._delay(milliseconds)
        try:
            yield
        finally:
            self._delay(0)

    def _delay(self, milliseconds: int) -> None:
        statement = f"ALTER SYSTEM SET recovery_min_apply_delay = '{milliseconds}ms'"
        servers._execute(POSTGRESQL, self.standby.url, statement)
        ask(self.standby.url, "SELECT pg_reload_conf()")
        # In milliseconds, without its unit.
        name = "name = 'recovery_min_apply_delay'"
        self._wait(f"SELECT setting = '{milliseconds}' FROM pg_settings WHERE {name}")

    def _wait(self, condition: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not ask(self.standby.url, condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.01)


@contextlib.contextmanager
def running() -> Iterator[Pair]:
    """Start both; the test that asks is skipped where the programs are not installed."""
    missing = [name for name in PROGRAMS if servers._program(name) is None]
    if missing:
        pytest.skip(f"PostgreSQL is not installed ({POSTGRESQL.package}): no {', '.join(missing)}.")
    with (
        private_server(POSTGRESQL) as primary,
        tempfile.TemporaryDirectory(prefix="fastapi-users-db-") as name,
    ):
        directory = Path(name)
        if primary.account:
            shutil.chown(directory, primary.account)
        port, reservation = _reserved()
        _, command = servers._commands(POSTGRESQL, directory, port)
        url = primary.url.set(port=port)
        standby = Server(POSTGRESQL, directory, url, command, primary.account)
        with reservation, standby.watched():
            copy = [servers._program("pg_basebackup"), "-h", "127.0.0.1", "-p"]
            copy += [str(primary.url.port), "-U", "postgres", "-D", str(directory / "data"), "-R"]
            subprocess.run(
                [*copy, "--checkpoint=fast", "--no-sync"],
                user=primary.account,
                cwd=directory,
                check=True,
                capture_output=True,
            )
            with standby.running():
                yield Pair(primary, standby)
