"""Which tests are in `make test`, and which only in `make test-all`: a plugin of pytest.

`make test` leaves out what is marked `thorough`. A test that is marked so in its file is so by
itself. A test that runs on products (each adapter on each database, with each option) is so in
most of its combinations: in `make test` it meets each adapter once, each database and each option,
on combinations that differ from test to test. Without `-m "not thorough"` pytest runs everything.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

AXES = frozenset(
    {
        "addresses",
        "adapter",
        "backend",
        "database",
        "driver",
        "form",
        "indexed",
        "legacy_form",
        "pair",
        "strategy",
    }
)
"""The fixtures and parameters that say where a test runs. All others say what it shows."""

THOROUGH = "thorough"
COMMAND = "make test-all"

Combination = frozenset[tuple[str, int]]
"""The value of each axis on which a test runs."""


def _draw(node_id: str) -> bytes:
    # Not hash(): it differs from process to process. Not a checksum: it keeps the order of names.
    return hashlib.sha256(node_id.encode()).digest()


def _products(items: Iterable[pytest.Item]) -> Iterator[dict[pytest.Item, Combination]]:
    """Group what runs on products: the same test, with the same parameters but for the axes."""
    products: dict[Any, dict[pytest.Item, Combination]] = defaultdict(dict)
    for item in items:
        # By identity: the values of parameters need not be hashable.
        values = {(name, id(value)) for name, value in _parameters(item).items()}
        combination = frozenset(value for value in values if value[0] in AXES)
        products[item.nodeid.partition("[")[0], frozenset(values - combination)][item] = combination
    yield from products.values()


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def chosen(combinations: Mapping[str, Combination]) -> set[str]:
    """Choose among the combinations of one test: each value of each axis, and as few as that takes.

    Parameters:
        combinations: by the name of each, its value on each axis.

    Returns:
        the names of those chosen. They depend on nothing but the names.
    """
    drawn = sorted(combinations, key=_draw)
    missing = frozenset().union(*combinations.values())
    names = {drawn[0]}
    while missing:
        name = max(drawn, key=lambda name: len(missing & combinations[name]))
        missing -= combinations[name]
        names.add(name)
    return names


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the combinations that `make test` leaves out, before pytest selects by marks."""
    # What is long on all combinations, or on this one, is not chosen in place of another.
    for product in _products(item for item in items if not item.get_closest_marker(THOROUGH)):
        names = chosen({item.nodeid: combination for item, combination in product.items()})
        for item in product:
            if item.nodeid not in names:
                item.add_marker(THOROUGH)


_left_out: Counter[str] = Counter()


def pytest_deselected(items: Collection[pytest.Item]) -> None:
    _left_out.update(_place(item) for item in items if item.get_closest_marker(THOROUGH))


def _place(item: pytest.Item) -> str:
    """Return the folder below `tests`, or the file."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # Every worker collects, and leaves out, the same.
    _left_out.update(Counter(getattr(node, "workeroutput", {}).get("left_out", {})) - _left_out)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _left_out:
        places = ", ".join(f"{place} {number}" for place, number in _left_out.most_common())
        terminalreporter.write_line(
            f"Left out: {_left_out.total()} long tests and further combinations of adapter, "
            f"database and option ({places}). All of them: {COMMAND}"
        )
