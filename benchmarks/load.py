"""Drives a running app over HTTP from another process: requests per second, and latencies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.timing import percentile_99

STARTUP_SECONDS = 60
ROOT = Path(__file__).parents[1]


class Connection:
    """One connection that is kept, as a proxy in front of the app has many."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def request(self, method: str, path: str, headers: str = "", body: str = "") -> Any:
        """Send a request and return what was answered.

        Raises:
            RuntimeError: the answer is not 200.
        """
        self._writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        content = await self._reader.readexactly(int(fields["content-length"]))
        if " 200 " not in head.split("\r\n", 1)[0]:
            raise RuntimeError(f"{method} {path}: {head.splitlines()[0]} {content.decode()}")
        return json.loads(content)


async def log_in(connection: Connection, kind: str, number: int) -> str:
    """Log in as a seeded user and return the header that proves it."""
    answer = await connection.request(
        "POST",
        f"/{kind}/login",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        f"username={data.email(number)}&password=any",
    )
    return f"Authorization: Bearer {answer['access_token']}\r\n"


async def drive(port: int, request: str, connections: int, seconds: float) -> list[float]:
    """Send one kind of request over several connections at once for a while.

    Parameters:
        port: where the app listens.
        request: `jwt` or `database`, for `/users/me` with such a token; `login` for a login.
        connections: how many.
        seconds: how long.

    Returns:
        The milliseconds of each request.
    """
    kind = "jwt" if request == "login" else request
    latencies: list[float] = []
    async with contextlib.AsyncExitStack() as stack:
        numbers = range(connections)
        opened = [await stack.enter_async_context(Connection(port)) for _ in numbers]
        headers = [await log_in(opened[number], kind, number) for number in numbers]
        start = time.perf_counter()

        async def repeat(number: int) -> None:
            while True:
                began = time.perf_counter()
                if request == "login":
                    await log_in(opened[number], "database", number)
                else:
                    await opened[number].request("GET", f"/{kind}/users/me", headers[number])
                ended = time.perf_counter()
                latencies.append((ended - began) * 1000)
                if ended - start > seconds:
                    return

        await asyncio.gather(*map(repeat, numbers))
    return latencies


def summary(latencies: list[float], connections: int) -> dict[str, float]:
    """Return requests per second over all connections, and the 99th percentile."""
    per_second = len(latencies) * connections * 1000 / sum(latencies)
    return {"per_second": round(per_second), "p99": percentile_99(latencies)}


@contextlib.contextmanager
def serving(python: Path, side: str, url: str) -> Iterator[int]:
    """Run the app on one side's adapters under uvicorn and give its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    command = [str(python), "-W", "ignore", "-m", "benchmarks.app", side, url, str(port)]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The app on {side}'s adapters did not start.")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()
