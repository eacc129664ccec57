"""The page of the differences from upstream: each names its test, and that exists."""

import re

import pytest

from tests.docs.samples import ROOT

PAGE = (ROOT / "docs" / "differences.md").read_text()
DIFFERENCES = re.findall(r"^\| (\d+)\. [^|]+ \|(?: [^|]+ \|){3}$", PAGE, flags=re.MULTILINE)
TESTS = re.findall(r"^\| (\d+) \| `(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, flags=re.MULTILINE)
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][2:]  # without the headings


def test_every_difference_names_its_reason_and_its_test() -> None:
    numbers = [str(number) for number in range(1, len(ROWS) // 2 + 1)]
    assert numbers == DIFFERENCES
    assert [number for number, _, _ in TESTS] == numbers


@pytest.mark.parametrize(("number", "file", "test"), TESTS)
def test_the_test_of_a_difference_exists(number: str, file: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("place", ["zensical.toml", "docs/migrating/upstream.md"])
def test_the_page_is_found(place: str) -> None:
    assert "differences.md" in (ROOT / place).read_text()
