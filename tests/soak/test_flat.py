"""An hour's worth of operations in a few minutes: nothing grows, and nothing is left open.

`test_a_leak_is_found` shows that the measurement would notice.
"""

import asyncio
import gc
import os
import sys
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from databases import Database
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from fastapi_users_db import UserAlreadyExistsError
from tests.conftest import SOAK, Addresses, create_tables
from tests.equivalence.forms import FORMS, opened
from tests.races.tables import declare

OPERATIONS = int(os.environ.get("SOAK_OPERATIONS", "50000")) if SOAK else 120
WARM_UP = 2000 if SOAK else 60
ROUNDS = 3
TOLERATED_BYTES = 60_000
NOW = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
CACHE = type(lru_cache(lambda: None))
CONNECTIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE()",
}


async def visit(adapters: Any, number: int) -> int:
    """Do what users do, and return how many operations that were."""
    users, tokens = adapters.users, adapters.tokens
    email = f"{number}@example.com"
    values = {"email": email, "hashed_password": "hash"}
    user = await users.create({**values, "id": _id(number)})
    try:
        await users.create({**values, "id": _id(-number - 1)})
    except UserAlreadyExistsError:
        pass
    else:
        raise AssertionError("It was created twice.")
    user = await users.add_oauth_account(
        user,
        {
            "id": _id(number),
            "oauth_name": "provider",
            "access_token": "token",
            "account_id": email,
            "account_email": email,
        },
    )
    await users.update(user, {"hashed_password": "other"})
    assert await users.get_by_email(email.upper()) is not None
    assert await users.get_by_oauth_account("provider", email) is not None
    created_at = NOW + timedelta(seconds=number)
    await tokens.create({"token": str(number), "user_id": user.id, "created_at": created_at})
    token = await tokens.get_by_token(str(number))
    assert token is not None
    await tokens.delete(token)
    await tokens.delete_expired(NOW)
    await users.delete(await users.get(user.id))
    return 12


def _id(number: int) -> Any:
    return UUID(int=number % 2**128)


def collections() -> dict[str, int]:
    """Return the size of each cache and collection that the packages keep, and of warnings."""
    sizes = {"warnings": 0}
    for name, module in list(sys.modules.items()):
        sizes["warnings"] += len(getattr(module, "__warningregistry__", None) or ())
        if not name.startswith("fastapi_users_db"):
            continue
        for attribute, value in vars(module).items():
            if attribute.startswith("__"):
                continue
            if isinstance(value, CACHE):
                sizes[f"{name}.{attribute}"] = value.cache_info().currsize
            elif isinstance(value, set | dict | list):
                sizes[f"{name}.{attribute}"] = len(value)
    return sizes


async def connections(addresses: Addresses) -> int:
    """Return how many connections there are, but for the one that asks."""
    if addresses.name == "sqlite":
        return 0  # `databases` opens a file for each request, and the pool of the ORM few
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    async with engine.connect() as connection:
        number = await connection.scalar(text(CONNECTIONS[addresses.name.partition("-")[0]]))
    await engine.dispose()
    return int(number) - 1


class Run:
    """Operations on one database, through every form in turn."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine, database: Database) -> None:
        self.addresses = addresses
        self._engine = engine
        self._database = database
        self._tables: SimpleNamespace = declare(True)
        self._number = 0

    async def work(self, operations: int, leak: Callable[[], None]) -> None:
        done = 0
        while done < operations:
            self._number += 1
            form = FORMS[self._number % len(FORMS)]
            async with opened(form, self._engine, self._database, self._tables) as adapters:
                done += await visit(adapters, self._number)
            leak()
            if SOAK and self._number % 250 == 0:
                print(f"{self.addresses.name}: {done} of {operations} operations", flush=True)  # noqa: T201

    async def measure(self, operations: int, leak: Callable[[], None]) -> tuple[int, int, int]:
        """Work, and return the growth in bytes, in collections' items, and the connections."""
        gc.collect()
        before, sizes = tracemalloc.get_traced_memory()[0], collections()
        await self.work(operations, leak)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        items = sum(collections().values()) - sum(sizes.values())
        return grown, items, await connections(self.addresses)


async def growth(addresses: Addresses, leak: Callable[[], None]) -> list[tuple[int, int, int]]:
    """Return what `measure` does, round after round, until one has grown by nothing."""
    await create_tables(addresses, declare(True).Base.metadata)
    engine = create_async_engine(addresses.orm, pool_size=2)
    pool = {} if addresses.name == "sqlite" else {"min_size": 1, "max_size": 2}
    tracemalloc.start()
    rounds = []
    try:
        async with Database(addresses.databases, **pool) as database:
            run = Run(addresses, engine, database)
            await run.work(WARM_UP, leak)
            for _ in range(ROUNDS):
                rounds.append(await run.measure(OPERATIONS // ROUNDS if SOAK else OPERATIONS, leak))
                if SOAK:
                    print(f"{addresses.name}: bytes, items, connections {rounds[-1]}", flush=True)  # noqa: T201
                elif is_flat(rounds[-1]):
                    break
    finally:
        tracemalloc.stop()
        await engine.dispose()
    return rounds


def is_flat(measured: tuple[int, int, int]) -> bool:
    """Tell whether nothing has grown. What grows grows in every round."""
    return measured[0] < TOLERATED_BYTES and measured[1] == 0


@pytest.mark.parametrize(
    "name", ["sqlite", "postgresql", "mariadb-aiomysql"] if SOAK else ["sqlite"]
)
def test_nothing_grows(name: str, new_database: Callable[[str], Addresses]) -> None:
    """Memory, caches, warnings and open connections stay as they are once all is warm."""
    rounds = asyncio.run(growth(new_database(name), lambda: None))
    assert any(map(is_flat, rounds)), rounds
    if name != "sqlite":
        assert max(number for _, _, number in rounds) <= 4, rounds


def test_a_leak_is_found(new_database: Callable[[str], Addresses]) -> None:
    """The measurement notices some kilobytes that each request leaves behind."""
    kept: list[bytearray] = []
    rounds = asyncio.run(growth(new_database("sqlite"), lambda: kept.append(bytearray(10_000))))
    assert not any(map(is_flat, rounds)), rounds
