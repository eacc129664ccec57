"""Processes that are spoken to: each is forked from one that has imported all, and runs nothing."""

import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from typing import Any

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "tests.atomicity.killing",
        "tests.races.test_two_processes",
        # What the first engine of a database would import.
        "sqlalchemy.dialects.sqlite.aiosqlite",
        "sqlalchemy.dialects.postgresql.asyncpg",
        "sqlalchemy.dialects.mysql.aiomysql",
        "databases.backends.postgres",
        "databases.backends.mysql",
        "databases.backends.sqlite",
    ]
)
# It ends before this process does: by then it has written what it has measured of coverage.
atexit.register(forkserver._forkserver._stop)


@dataclass(frozen=True)
class Process:
    """A process, and the conversation with it."""

    process: Any
    conversation: Connection

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        self.process.kill()
        self.process.join()


@contextmanager
def running(function: Callable[..., None], *arguments: Any) -> Iterator[Process]:
    """Run a function in a process of its own, which is killed in the end.

    Parameters:
        function: one that another process can import; it is given a `Connection` first.
        arguments: what else it is given.
    """
    here, there = CONTEXT.Pipe()
    process: Any = CONTEXT.Process(target=function, args=(there, *arguments))
    process.start()
    there.close()
    with here:
        started = Process(process, here)
        try:
            yield started
        finally:
            started.kill()
