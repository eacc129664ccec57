"""Runs the same operation on several sides, interleaved in one process, and compares medians."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Runner = Callable[[int], Awaitable[Callable[[], Awaitable[Any]]]]
"""Prepares the n-th round, which is not measured, and returns what is."""

CLOCKS = {"wall": time.perf_counter_ns, "cpu": time.process_time_ns}


async def interleaved(
    runners: Mapping[str, Runner],
    rounds: int,
    *,
    seconds: float = float("inf"),
    clock: str = "wall",
    warm_up: int = 10,
) -> dict[str, list[float]]:
    """Run every side once in each round, each time in another order.

    Parameters:
        runners: the sides by name.
        rounds: how many rounds are measured.
        seconds: after which no new round begins, though there are five in any case.
        clock: `wall`, or `cpu` for the time that this process spends.
        warm_up: how many rounds go before them.

    Returns:
        The milliseconds of each round, by the name of the side.
    """
    now = CLOCKS[clock]
    names = list(runners)
    measured: dict[str, list[float]] = {name: [] for name in names}
    deadline = time.monotonic() + seconds
    gc.collect()
    gc.disable()
    try:
        for number in range(-warm_up, rounds):
            if number >= 5 and time.monotonic() > deadline:
                break
            first = number % len(names)
            for name in names[first:] + names[:first]:
                run = await runners[name](number)
                began = now()
                await run()
                took = (now() - began) / 1e6
                if number >= 0:
                    measured[name].append(took)
            if number % 50 == 0:
                gc.collect()
    finally:
        gc.enable()
    return measured


def median(milliseconds: list[float]) -> float:
    """Return the median, rounded to a microsecond's tenth."""
    return round(statistics.median(milliseconds), 4)


def percentile_99(values: list[float]) -> float:
    """Return what 99 of 100 values do not exceed."""
    return round(sorted(values)[len(values) * 99 // 100], 2)
