"""Nothing is left out of both suites, and the quick one meets what it says."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.choice import chosen
from tests.conformance.conftest import ADAPTERS
from tests.conftest import DATABASES
from tests.soak.__main__ import DIRECTORIES, SERIAL, SUITES

TESTS = Path(__file__).parent
NOXFILE = (TESTS.parent / "noxfile.py").read_text()
MAKEFILE = (TESTS.parent / "Makefile").read_text()


def combinations(*axes: int) -> dict[str, frozenset[tuple[str, int]]]:
    """Name all combinations of axes that have so many values."""
    return {
        f"test[{'-'.join(map(str, values))}]": frozenset(
            (f"axis {number}", value) for number, value in enumerate(values)
        )
        for values in itertools.product(*map(range, axes))
    }


@pytest.mark.parametrize("axes", [(1,), (5,), (5, 4), (4, 3, 2), (1, 1, 1)])
def test_each_value_of_each_axis_is_met(axes: tuple[int, ...]) -> None:
    all_of_them = combinations(*axes)
    names = chosen(all_of_them)
    met = frozenset().union(*(all_of_them[name] for name in names))
    assert met == frozenset().union(*all_of_them.values())
    assert len(names) <= sum(axes)


def test_what_runs_on_no_product_is_chosen() -> None:
    assert chosen({"test": frozenset()}) == {"test"}


def test_the_choice_depends_on_the_names_alone() -> None:
    forwards = combinations(5, 4)
    assert chosen(dict(reversed(forwards.items()))) == chosen(forwards)


def test_other_tests_meet_other_combinations() -> None:
    def values(name: str) -> set[Any]:
        named = {f"{name} {key}": value for key, value in combinations(5, 4).items()}
        return {named[key] for key in chosen(named)}

    assert values("one") != values("another")


def quick(file: str) -> list[str]:
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "-m", "not thorough"]
    options = ["-p", "no:cacheprovider", "-p", "no:xdist"]
    run = subprocess.run(
        [*command, *options, file], cwd=TESTS.parent, capture_output=True, text=True, check=True
    )
    return [line for line in run.stdout.splitlines() if "::" in line]


@pytest.mark.thorough
def test_the_quick_tests_meet_each_adapter_on_each_database() -> None:
    names = quick("tests/conformance/test_oauth_accounts.py")
    for adapter, database in itertools.product(ADAPTERS, DATABASES):
        assert any(f"{database}-{adapter}]" in name for name in names), (adapter, database)


def test_no_test_is_in_neither_suite(pytestconfig: pytest.Config) -> None:
    """What `make test-all` does not collect runs with `make stacks` or `make soak`."""
    folders = {path.name for path in TESTS.iterdir() if path.is_dir()}
    soaked = {DIRECTORIES.get(suite, suite) for suite in (*SERIAL, *SUITES)}
    on_stacks = {folder for folder in folders if f'"{folder}"' in NOXFILE}
    assert folders & set(pytestconfig.getini("norecursedirs")) <= soaked | on_stacks


@pytest.mark.parametrize("part", ["$(QUICK)", "-m thorough"])
def test_both_parts_of_make_test_all_have_the_short_differential_test(part: str) -> None:
    assert f"$(IN_PARALLEL) {part} tests tests/differential\n" in MAKEFILE


def test_every_file_of_tests_is_collected() -> None:
    """By their names: pytest passes over others without a word."""
    for path in TESTS.rglob("*.py"):
        is_collected = path.name.startswith("test_")
        assert is_collected or "\ndef test_" not in path.read_text(), path
