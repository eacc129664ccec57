"""The table at the end of a run: which fault happened how often, and what became of the writes.

A plugin of pytest. The processes of pytest-xdist each count for themselves, and hand it over.
"""

from collections import Counter
from typing import Any

import pytest

COLUMNS = ("injected", "acknowledged", "errors", "lost")
_counts: dict[str, Counter[str]] = {}


def record(fault: str, **counts: int) -> None:
    """Count a fault.

    Parameters:
        fault: what happened.
        counts: by column: how often it was `injected`, how many writes were `acknowledged`, how
            many ended in `errors`, how many acknowledged ones were `lost`.
    """
    assert counts.keys() <= set(COLUMNS)
    _counts.setdefault(fault, Counter()).update(counts)


def table(counts: dict[str, Counter[str]]) -> list[str]:
    """Return the lines of the table."""
    width = max(map(len, counts), default=0)
    lines = [f"{'fault':{width}}" + "".join(f"{column:>14}" for column in COLUMNS)]
    for fault in sorted(counts):
        lines.append(f"{fault:{width}}" + "".join(f"{counts[fault][c]:>14}" for c in COLUMNS))
    return lines


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["faults"] = {fault: dict(counts) for fault, counts in _counts.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # A worker that has crashed hands over nothing.
    for fault, counts in getattr(node, "workeroutput", {}).get("faults", {}).items():
        record(fault, **counts)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _counts:
        terminalreporter.section("faults")
        for line in table(_counts):
            terminalreporter.write_line(line)
