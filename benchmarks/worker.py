"""Measures inside an environment that has upstream's release: one line of JSON per operation."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from benchmarks.timing import Runner, interleaved, median, percentile_99


def tell(**facts: Any) -> None:
    """Hand a result to the process that started this one."""
    print(json.dumps(facts), flush=True)  # noqa: T201  it is read there


async def measure(name: str, runners: Mapping[str, Runner], options: argparse.Namespace) -> None:
    """Run one operation on all sides and tell the medians."""
    rounds, seconds = options.rounds, options.seconds
    measured = await interleaved(runners, rounds, seconds=seconds, clock=options.clock)
    tell(
        operation=name,
        rounds=min(map(len, measured.values())),
        **{side: median(values) for side, values in measured.items()},
    )


def names_of(operations: Any, only: list[str]) -> list[str]:
    """Return the operations that are wanted."""
    return [n for n in vars(operations) if not n.startswith("_") and (not only or n in only)]


async def orm(options: argparse.Namespace) -> None:
    """The ORM adapter beside upstream's; on PostgreSQL beside the bare driver, too."""
    import asyncpg
    from sqlalchemy.ext.asyncio import create_async_engine

    from benchmarks.orm import Bare, Operations, sides

    engine = create_async_engine(options.url)
    operations = Operations(options.users)
    pool = None
    if options.url.startswith("postgresql"):
        pool = await asyncpg.create_pool(options.url.replace("+asyncpg", ""), min_size=1)
    bare = Bare(pool, options.users)
    both = sides(engine, email_index=options.email_index)
    if "itself" in options.only:
        same = {"upstream": both["upstream"], "ours": both["upstream"]}
        await measure("itself", _runners(operations.get, same), options)
    for name in names_of(Operations, options.only):
        runners = _runners(getattr(operations, name), both)
        if pool is not None and hasattr(bare, name):
            runners["bare"] = getattr(bare, name)
        await measure(name, runners, options)
    await engine.dispose()
    if pool is not None:
        await pool.close()


async def databases(options: argparse.Namespace) -> None:
    """The `databases` adapter beside upstream's."""
    from databases import Database

    from benchmarks.databases_backend import Operations, our_side, upstream_side

    async with Database(options.url) as database:
        both = {
            "upstream": upstream_side(database),
            "ours": our_side(database, email_index=options.email_index),
        }
        for name in names_of(Operations, options.only):
            runners = _runners(getattr(Operations(options.users), name), both)
            await measure(name, runners, options)


async def advice(options: argparse.Namespace) -> None:
    """What an operator can do: reads on AUTOCOMMIT, and the size of the pool."""
    from sqlalchemy.ext.asyncio import create_async_engine

    from benchmarks.orm import Operations, sides

    operations = Operations(options.users)
    engines = [create_async_engine(options.url) for _ in range(2)]
    transaction, autocommit = (
        engines[0],
        engines[1].execution_options(isolation_level="AUTOCOMMIT"),
    )
    both = {"transaction": sides(transaction)["ours"], "autocommit": sides(autocommit)["ours"]}
    await measure("autocommit", _runners(operations.get, both), options)
    for engine in engines:
        await engine.dispose()
    for size in (1, 5, 20, 64):
        engine = create_async_engine(options.url, pool_size=size, max_overflow=0)
        side = sides(engine)["ours"]
        await _many(operations, side, 64)
        began = time.perf_counter()
        latencies = await _many(operations, side, options.rounds * 4)
        took = time.perf_counter() - began
        p99 = percentile_99([latency * 1000 for latency in latencies])
        tell(pool_size=size, per_second=round(len(latencies) / took), p99=p99)
        await engine.dispose()


async def _many(operations: Any, side: Any, requests: int) -> list[float]:
    """Look up users, 64 at a time."""
    numbers = iter(range(requests))
    latencies: list[float] = []

    async def look_up() -> None:
        for number in numbers:
            run = await operations.get(side, number)
            began = time.perf_counter()
            await run()
            latencies.append(time.perf_counter() - began)

    await asyncio.gather(*(look_up() for _ in range(64)))
    return latencies


async def delete_expired(options: argparse.Namespace) -> None:
    """`delete_expired`: its memory, its longest transaction, and how others fare meanwhile."""
    from sqlalchemy import event
    from sqlalchemy.ext.asyncio import create_async_engine

    from benchmarks.orm import Operations, sides

    engine = create_async_engine(options.url)
    side = sides(engine)["ours"]
    operations = Operations(options.users)
    transactions: list[float] = []
    began: dict[int, float] = {}

    async def requests() -> list[float]:
        latencies: list[float] = []
        with suppress(asyncio.CancelledError):
            while True:
                run = await operations.get(side, len(latencies))
                start = time.perf_counter()
                await run()
                latencies.append((time.perf_counter() - start) * 1000)
                await asyncio.sleep(0.005)
        return latencies

    async def others_during(work: Any) -> list[float]:
        task = asyncio.ensure_future(requests())
        await work
        task.cancel()
        return await task

    before = await others_during(asyncio.sleep(2))

    def began_at(connection: Any) -> None:
        began[id(connection)] = time.perf_counter()

    def ended(connection: Any) -> None:
        transactions.append(time.perf_counter() - began.pop(id(connection)))

    event.listen(engine.sync_engine, "begin", began_at)
    event.listen(engine.sync_engine, "commit", ended)
    event.listen(engine.sync_engine, "rollback", ended)
    memory: list[int] = []
    deleted = 0

    async def delete() -> None:
        nonlocal deleted
        max_age = datetime.now(timezone.utc) - timedelta(days=10)
        async with side.sessions() as session:
            deleted = await side.tokens(session).delete_expired(max_age)

    memory.append(_peak_memory())
    start = time.perf_counter()
    during = await others_during(delete())
    took = time.perf_counter() - start
    memory.append(_peak_memory())
    await engine.dispose()
    tell(
        deleted=deleted,
        seconds=round(took, 1),
        longest_transaction=round(max(transactions), 3),
        memory_mib=round((memory[1] - memory[0]) / 1024, 1),
        others_before={"median": median(before), "p99": percentile_99(before)},
        others_during={"median": median(during), "p99": percentile_99(during)},
    )


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _runners(operation: Callable[..., Any], sides: Mapping[str, Any]) -> dict[str, Runner]:
    return {name: partial(operation, side) for name, side in sides.items()}


SUITES = {
    "orm": orm,
    "databases": databases,
    "advice": advice,
    "delete_expired": delete_expired,
}


def main() -> None:
    """Run one suite."""
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("url")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--email-index", action="store_true", help="our class declares it")
    parser.add_argument("--clock", default="wall")
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args(namespace=argparse.Namespace())
    asyncio.run(SUITES[options.suite](options))


if __name__ == "__main__":
    main()
