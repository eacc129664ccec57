"""Servers go away, pools are full and clients vanish, while users register and change.

What was acknowledged is there afterwards, the application goes on without a restart, and no
connection is lost. `test_broken.py` shows that these tests find it when it is not so.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI

from tests.outages import app as apps
from tests.outages.app import POOL_SIZE
from tests.outages.conftest import Place
from tests.outages.visitors import CLIENTS, PASSWORD, Site

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

TRIES = POOL_SIZE + 1
"""Each connection of the pool may be a broken one, once."""


async def assert_sound(site: Site, fault: str, injected: int) -> None:
    await site.assert_recovers(TRIES)
    await site.assert_none_leaked()
    site.assert_nothing_lost(fault, injected)


async def test_connections_are_terminated(site: Site) -> None:
    async def terminate() -> None:
        await asyncio.to_thread(site.server.terminate, site.database)

    await site.under_load(terminate, times=3)
    await assert_sound(site, "connections terminated", 3)


async def test_the_server_restarts(site: Site) -> None:
    async def restart() -> None:
        await asyncio.to_thread(site.server.restart_fast)

    await site.under_load(restart, times=2)
    await assert_sound(site, "server restarted", 2)


async def test_the_server_crashes(site: Site) -> None:
    async def crash() -> None:
        await asyncio.to_thread(site.server.crash)

    await site.under_load(crash, times=2)
    await assert_sound(site, "server crashed", 2)


async def test_an_idle_app_does_not_notice_a_restart(site: Site) -> None:
    async with site.pool.full():
        pass
    await asyncio.to_thread(site.server.restart_fast)
    await site.assert_recovers(tries=1)
    assert site.ledger.errors == 0
    await assert_sound(site, "server restarted while idle", 1)


async def test_the_pool_is_full(site: Site) -> None:
    async with site.pool.full():
        visits = [asyncio.create_task(site.visit()) for _ in range(CLIENTS)]
        done, _ = await asyncio.wait(visits, timeout=0.1)
        assert not done
    assert all(await asyncio.gather(*visits))
    await assert_sound(site, "pool full", 1)


async def test_the_pool_is_full_for_too_long(place: Place) -> None:
    if place.backend != "orm":
        pytest.skip("the pools of `databases` wait without end")
    async with place.site(apps.orm(place.addresses, pool_timeout=0.1)) as site:
        async with site.pool.full():
            assert not any(await asyncio.gather(*(site.visit() for _ in range(CLIENTS))))
        # One by one: of several at once some may again wait for too long.
        assert await site.visit()
        await site.assert_none_leaked()
        site.assert_nothing_lost("pool full for too long", 1)


async def test_the_event_loop_is_blocked(site: Site) -> None:
    async def block() -> None:
        await site.client.get("/block")

    await site.under_load(block, times=3)
    assert site.ledger.errors == 0
    await assert_sound(site, "event loop blocked", 3)


async def test_requests_are_cancelled(site: Site) -> None:
    cancelled = 0
    # From the first turn of the event loop to the last that the visits take.
    turns, left = 1.0, CLIENTS
    while left:
        visits = [asyncio.create_task(site.visit()) for _ in range(CLIENTS)]
        for _ in range(int(turns)):
            await asyncio.sleep(0)
        for visit in visits:
            visit.cancel()
        await asyncio.wait(visits)
        left = sum(visit.cancelled() for visit in visits)
        cancelled += left
        turns *= 1.3
    assert cancelled
    await assert_sound(site, "request cancelled", cancelled)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """Serve the application, and give its port. The lifespan is the caller's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def test_clients_disconnect(site: Site) -> None:
    number, arrived, all_arrived = 2 * CLIENTS, 0, asyncio.Event()

    async def counted(scope: object, receive: object, send: object) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == number:
            all_arrived.set()
        await site.app(scope, receive, send)  # type: ignore[arg-type]

    async def ask(port: int, *, whole: bool) -> asyncio.StreamWriter:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        email = f"{uuid4().hex}@example.com"
        body = json.dumps({"email": email, "password": PASSWORD}).encode()
        writer.write(
            b"POST /auth/register HTTP/1.1\r\nHost: app\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body if whole else body[:10])
        await writer.drain()
        return writer

    async with served(counted) as port:  # type: ignore[arg-type]
        # All of them wait for a connection of the pool, or for the rest of a request, when they go.
        async with site.pool.full():
            writers = [await ask(port, whole=n % 2 == 0) for n in range(number)]
            await asyncio.wait_for(all_arrived.wait(), 20)
            for writer in writers:
                writer.transport.abort()
        await site.assert_recovers(tries=1)
        # And these are anywhere.
        for turns in range(CLIENTS):
            writer = await ask(port, whole=True)
            for _ in range(2**turns):
                await asyncio.sleep(0)
            writer.transport.abort()
        await site.assert_recovers(tries=1)
    assert site.ledger.errors == 0
    await assert_sound(site, "client disconnected", number + CLIENTS)
