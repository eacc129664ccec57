"""Clients of the application, and the ledger of what was acknowledged to them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from tests.e2e.app import AccessToken, User
from tests.faults.tally import record
from tests.outages.app import POOL_SIZE, Pool
from tests.outages.server import SECONDS, Server

CLIENTS = 2 * POOL_SIZE
PASSWORD = "a password of the tests"
DRIVERS = {"PostgreSQL": "postgresql+psycopg", "MariaDB": "mysql+pymysql"}


@dataclass
class Ledger:
    """What was acknowledged, and how often it was not."""

    emails: dict[UUID, set[str]] = field(default_factory=dict)
    """By user, what may be the address: the one acknowledged, and one that was asked for since."""
    tokens: set[str] = field(default_factory=set)
    acknowledged: int = 0
    errors: int = 0
    progress: asyncio.Event = field(default_factory=asyncio.Event)

    def lost(self, url: URL) -> list[str]:
        """Return what was acknowledged and is not there, read with a connection of its own."""
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            emails = {row.id: row.email for row in connection.execute(select(User.id, User.email))}
            tokens = set(connection.scalars(select(AccessToken.token)))
        return [
            *(f"user {user}" for user, may in self.emails.items() if emails.get(user) not in may),
            *(f"a token of {len(self.tokens)}" for _ in self.tokens - tokens),
        ]


@dataclass(frozen=True)
class Site:
    """The application, the server below it, and what its clients know."""

    app: FastAPI
    pool: Pool
    server: Server
    url: URL
    client: httpx.AsyncClient
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def database(self) -> str:
        assert self.url.database is not None
        return self.url.database

    async def send(self, method: str, path: str, **options: Any) -> dict[str, Any] | None:
        """Send a request that writes. Return the answer, or `None` if it failed with 5xx."""
        try:
            # Each request is a task, as under a server: `databases` keeps a connection for each.
            request = self.client.request(method, path, **options)
            response = await asyncio.create_task(request)
        except asyncio.CancelledError:
            self.ledger.errors += 1
            raise
        if response.status_code >= 500:
            self.ledger.errors += 1
            return None
        # What was acknowledged before is there: nothing is refused.
        assert response.is_success, response.text
        self.ledger.acknowledged += 1
        self.ledger.progress.set()
        answer: dict[str, Any] = response.json()
        return answer

    async def visit(self) -> bool:
        """Register, log in, and change the address. Stop, and tell it, if something fails."""
        email = f"{uuid4().hex}@example.com"
        registered = await self.send(
            "POST", "/auth/register", json={"email": email, "password": PASSWORD}
        )
        if registered is None:
            return False
        may = self.ledger.emails[UUID(registered["id"])] = {email}
        login = await self.send(
            "POST", "/auth/login", data={"username": email, "password": PASSWORD}
        )
        if login is None:
            return False
        self.ledger.tokens.add(login["access_token"])
        may.add(f"changed-{email}")
        changed = await self.send(
            "PATCH",
            "/users/me",
            json={"email": f"changed-{email}"},
            headers={"Authorization": f"Bearer {login['access_token']}"},
        )
        if changed is not None:
            may.discard(email)
        return changed is not None

    async def more(self, number: int) -> None:
        """Wait until so many more writes were acknowledged."""
        goal = self.ledger.acknowledged + number
        while self.ledger.acknowledged < goal:
            self.ledger.progress.clear()
            await asyncio.wait_for(self.ledger.progress.wait(), SECONDS)

    async def under_load(self, harm: Callable[[], Awaitable[None]], times: int) -> None:
        """Do harm while clients write."""
        over = False

        async def client() -> None:
            while not over:
                if not await self.visit():
                    # A request may fail without ever waiting. The others have their turn.
                    await asyncio.sleep(0)

        clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
        try:
            for _ in range(times):
                work = asyncio.create_task(self._harm(harm))
                await asyncio.wait({work, *clients}, return_when=asyncio.FIRST_COMPLETED)
                for task in clients:
                    if task.done():
                        work.cancel()
                        task.result()
                await work
            over = True
            await asyncio.gather(*clients)
        finally:
            for task in clients:
                task.cancel()

    async def _harm(self, harm: Callable[[], Awaitable[None]]) -> None:
        await self.more(CLIENTS)
        await harm()

    async def assert_recovers(self, tries: int) -> None:
        """Let each of some clients at once succeed, in so many tries."""

        async def succeed() -> bool:
            for _ in range(tries):
                if await self.visit():
                    return True
            return False

        assert all(await asyncio.gather(*(succeed() for _ in range(CLIENTS)))), "no recovery"

    async def assert_none_leaked(self, patience: float = 20) -> None:
        """All connections of the pool can be had at once, and there are no others."""
        try:
            async with self.pool.full(patience):
                await self.assert_connections(POOL_SIZE)
        except asyncio.TimeoutError:
            raise AssertionError("a connection has leaked from the pool") from None

    async def assert_connections(self, number: int) -> None:
        deadline = time.monotonic() + SECONDS / 6
        while True:
            found = len(await asyncio.to_thread(self.server.connections, self.database))
            if found == number:
                return
            assert time.monotonic() < deadline, f"{found} connections and not {number}"

    def lost(self) -> list[str]:
        """Return what was acknowledged and is not there."""
        return self.ledger.lost(self.url.set(drivername=DRIVERS[self.server.kind.name]))

    def assert_nothing_lost(self, fault: str, injected: int) -> None:
        """Compare the ledger with the database, and count for the table."""
        lost = self.lost()
        record(
            fault,
            injected=injected,
            acknowledged=self.ledger.acknowledged,
            errors=self.ledger.errors,
            lost=len(lost),
        )
        assert not lost, f"acknowledged, and lost: {lost}"
