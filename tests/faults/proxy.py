"""Faults between a driver and its server: a proxy that counts requests and harms one of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

from sqlalchemy.engine import URL

from tests import servers
from tests.faults.injection import (
    ANSWER_LOST,
    CONNECTION_LOST,
    ERROR,
    INTEGRITY_ERROR,
    TERMINATED,
    Injection,
)

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
# What a server is asked in place of a request that is to fail: the error is the server's own, and
# so is what becomes of the transaction.
FAILING = {
    servers.POSTGRESQL: {
        ERROR: "DO $$ BEGIN RAISE SQLSTATE '40001' USING MESSAGE = 'injected'; END $$",
        INTEGRITY_ERROR: "DO $$ BEGIN RAISE unique_violation USING MESSAGE = 'injected'; END $$",
    },
    servers.MARIADB: {
        ERROR: "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'injected'",
        INTEGRITY_ERROR: "SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1062, MESSAGE_TEXT = 'in'",
    },
}


POOL = b"pg_advisory_unlock_all"
"""In what asyncpg's pool sends when it is given a connection back: no request of an operation."""
BEGIN = b"BEGIN"
"""PostgreSQL refuses none, and asyncpg would take the next for a savepoint."""
FLUSH = b"H\0\0\0\4"


def _failing(kind: servers.Kind, fault: str, request: bytes) -> bytes:
    """Return what to ask in place of a request, as the kind's protocol writes it."""
    text = FAILING[kind][fault]
    if kind is servers.POSTGRESQL and request.endswith(FLUSH):
        # The driver asks for a statement to be prepared, and expects to end this itself.
        body = b"\0SELECT 'injected'::integer\0\0\0"
        return b"P" + (len(body) + 4).to_bytes(4, "big") + body + FLUSH
    if kind is servers.POSTGRESQL:
        if b"COMMIT" in request:
            text = f"ROLLBACK; {text}"  # a COMMIT that fails ends the transaction too
        body = text.encode() + b"\0"
        return b"Q" + (len(body) + 4).to_bytes(4, "big") + body
    body = b"\x03" + text.encode()
    return len(body).to_bytes(3, "little") + b"\0" + body


class Proxy:
    """Listens where a driver connects to in place of its server.

    Attributes:
        port: where it listens.
        injection: the fault that is to happen; `None` lets everything through.
    """

    def __init__(self, kind: servers.Kind, server: URL) -> None:
        self.kind = kind
        self.server = server
        self.port = 0
        self.injection: Injection | None = None
        self.connections: set[asyncio.Task[None]] = set()

    def address(self, url: str) -> str:
        """Return an address of the server as one of the proxy."""
        return url.replace(f":{self.server.port}/", f":{self.port}/")

    async def settle(self) -> None:
        """Wait until the server has done with every connection, which the drivers have closed."""
        while self.connections:
            await asyncio.gather(*self.connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            upstream = await asyncio.open_connection(self.server.host, self.server.port)
            await _Connection(self, (reader, writer), upstream).run()
        finally:
            self.connections.discard(task)
            writer.transport.abort()


class _Connection:
    """One connection: what the driver sends until it waits for the answer is one request."""

    def __init__(self, proxy: Proxy, driver: Any, server: Any) -> None:
        self.proxy = proxy
        self.from_driver, self.to_driver = driver
        self.from_server, self.to_server = server
        self.is_waiting = False
        self.loses_answer = False

    async def run(self) -> None:
        answers = asyncio.create_task(self._answers())
        try:
            with suppress(ConnectionError):
                await self._requests()
        finally:
            # The server rolls back, and closes when it has.
            with suppress(OSError):
                self.to_server.write_eof()
            await answers
            self.to_server.close()

    async def _requests(self) -> None:
        while data := await self.from_driver.read(2**20):
            if data == SSL_REQUEST:
                self.to_driver.write(b"N")
                continue
            injection = self.proxy.injection
            counts = not self.is_waiting and POOL not in data
            if counts and injection is not None and injection.is_due(data):
                data = self._harmed(injection.fault, data)
            self.is_waiting = True
            self.to_server.write(data)

    def _harmed(self, fault: str, data: bytes) -> bytes:
        if fault in FAILING[self.proxy.kind]:
            if data[5:10] == BEGIN:
                return data
            return _failing(self.proxy.kind, fault, data)
        if fault == CONNECTION_LOST:
            self.to_driver.transport.abort()
            return b""
        if fault == TERMINATED:
            self._terminate()
            return b""
        self.loses_answer = fault == ANSWER_LOST
        return data

    async def _answers(self) -> None:
        with suppress(ConnectionError):
            while data := await self.from_server.read(2**20):
                if self.loses_answer:
                    self.to_driver.transport.abort()
                self.is_waiting = False
                if not self.to_driver.is_closing():
                    self.to_driver.write(data)
        self.to_driver.close()

    def _terminate(self) -> None:
        """Let the server end the session of this connection, as its administrator would."""
        port = self.to_server.get_extra_info("sockname")[1]
        with closing(self.proxy.kind.connect(self.proxy.server)) as connection:
            cursor = connection.cursor()
            if self.proxy.kind is servers.POSTGRESQL:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND client_port = %s",
                    (port,),
                )
                assert cursor.fetchone() == (True,)
            else:
                cursor.execute(
                    "SELECT id FROM information_schema.processlist "
                    "WHERE db = DATABASE() AND host LIKE %s",
                    (f"%:{port}",),
                )
                [(session,)] = cursor.fetchall()
                cursor.execute(f"KILL {session}")


@asynccontextmanager
async def proxy(kind: servers.Kind, server: URL) -> AsyncIterator[Proxy]:
    """Run a proxy before a server."""
    proxy = Proxy(kind, server)
    listener = await asyncio.start_server(proxy.serve, "127.0.0.1")
    proxy.port = listener.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        listener.close()
        await proxy.settle()
