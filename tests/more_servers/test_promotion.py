"""The primary fails under load, and its synchronous standby is promoted: nothing is lost."""

import asyncio
import itertools
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import (
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyUserDatabase,
)
from tests import servers
from tests.conformance.models import Base, User
from tests.conftest import SOAK
from tests.more_servers import standby
from tests.outages.server import CRASH
from tests.people import ANNE

pytestmark = pytest.mark.thorough

CLIENTS = 15
BEFORE, AFTER = (2000, 500) if SOAK else (60, 30)
"""How many users are registered before the primary fails, and after it."""
BOUND_SECONDS = 120


@pytest.fixture
def pair() -> Iterator[standby.Pair]:
    with standby.running() as pair:
        servers._execute(
            servers.POSTGRESQL,
            pair.primary.url,
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
        )
        standby.ask(pair.primary.url, "SELECT pg_reload_conf()")
        yield pair


@pytest.mark.parametrize("backend", ["orm", "databases"])
async def test_nothing_is_lost(pair: standby.Pair, backend: str) -> None:
    """Whatever was answered with success is there, and the app goes on with the same pool."""
    ports = [server.url.port for server in (pair.primary, pair.standby)]
    hosts = "&".join(f"host=127.0.0.1:{port}" for port in ports)
    url = f"postgresql+asyncpg://postgres@/postgres?{hosts}&target_session_attrs=primary"
    engine = create_async_engine(url, pool_pre_ping=True, pool_size=CLIENTS)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    registered: list[str] = []
    moments: list[float] = []
    numbers = itertools.count()
    reached = asyncio.Event()
    wanted = BEFORE

    async def with_orm(values: dict[str, Any]) -> None:
        async with AsyncSession(engine) as session:
            await SQLAlchemyUserDatabase[Any, Any](session, User).create(values)

    async def visit(create: Callable[[dict[str, Any]], Awaitable[Any]]) -> None:
        while len(registered) < BEFORE + AFTER or not reached.is_set():
            email = f"{next(numbers)}@example.com"
            try:
                await create({**ANNE, "email": email})
            except Exception:
                # Nobody promised anything; a driver that is refused at once is not to spin.
                await asyncio.sleep(0.01)
                continue
            registered.append(email)
            moments.append(time.monotonic())
            if len(registered) >= wanted:
                reached.set()

    async def run(create: Callable[[dict[str, Any]], Awaitable[Any]]) -> float:
        nonlocal wanted
        visitors = [asyncio.create_task(visit(create)) for _ in range(CLIENTS)]
        await reached.wait()
        reached.clear()
        await asyncio.to_thread(pair.primary.stop, CRASH)
        wanted = len(registered) + AFTER
        promoted = time.monotonic()
        await asyncio.to_thread(standby.ask, pair.standby.url, "SELECT pg_promote()")
        await asyncio.gather(*visitors)
        return next(moment for moment in moments if moment > promoted) - promoted

    if backend == "orm":
        seconds = await asyncio.wait_for(run(with_orm), BOUND_SECONDS)
    else:
        databases = pytest.importorskip("databases")
        where = {"host": ["127.0.0.1"] * 2, "port": ports, "target_session_attrs": "primary"}
        async with databases.Database("postgresql://postgres@/postgres", **where) as database:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                users = DatabasesUserDatabase[Any, Any](database, User)
            seconds = await asyncio.wait_for(run(users.create), BOUND_SECONDS)
    await engine.dispose()
    found = standby.ask(pair.standby.url, 'SELECT array_agg(email) FROM "user"')
    lost = {*registered} - {*found}
    if SOAK:
        print(f"{backend}: {len(registered)} answered, {len(lost)} lost, {seconds:.2f} s")  # noqa: T201
    assert lost == set()
