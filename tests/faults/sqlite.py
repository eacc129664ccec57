"""Faults between an adapter and SQLite, whose driver runs each call in a thread."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiosqlite

from tests.faults.injection import CANCELLED, ERROR, INTEGRITY_ERROR, Injection

REQUESTS = ("execute", "executemany", "commit")
"""The calls that are requests: the others do not write."""

ERRORS = {
    ERROR: sqlite3.OperationalError("disk I/O error"),
    INTEGRITY_ERROR: sqlite3.IntegrityError("UNIQUE constraint failed: injected"),
}


@asynccontextmanager
async def faults_on_sqlite(injection: Injection) -> AsyncIterator[None]:
    """Let the fault happen at one of the requests that the block makes."""
    original = aiosqlite.Connection._execute
    abandoned: list[threading.Event] = []

    async def execute(self: Any, function: Any, *args: Any, **kwargs: Any) -> Any:
        name = getattr(function, "__name__", "")
        statement = args[0] if args else name
        if name not in REQUESTS or not injection.is_due(statement.encode()):
            return await original(self, function, *args, **kwargs)
        if injection.fault in ERRORS:
            raise ERRORS[injection.fault]
        assert injection.fault == CANCELLED
        # The thread has the call already, and nobody waits for it any more.
        done = threading.Event()
        abandoned.append(done)

        def call() -> Any:
            try:
                return function(*args, **kwargs)
            finally:
                done.set()

        return await original(self, call)

    aiosqlite.Connection._execute = execute  # type: ignore[method-assign]
    try:
        yield
    finally:
        aiosqlite.Connection._execute = original  # type: ignore[method-assign]
        for done in abandoned:
            await asyncio.to_thread(done.wait)
