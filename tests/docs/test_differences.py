"""The page of the differences from upstream: each names its test, and that exists."""

import re

import pytest

from tests.docs.samples import ROOT

PAGE = (ROOT / "docs" / "differences.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]  # without the headings
DIFFERENCES = re.findall(
    r"^(?:\| [^|]+ ){4}\| `(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, flags=re.MULTILINE
)


def test_every_difference_names_its_reason_and_its_test() -> None:
    assert len(DIFFERENCES) == len(ROWS)


@pytest.mark.parametrize(("file", "test"), DIFFERENCES)
def test_the_test_of_a_difference_exists(file: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("place", ["zensical.toml", "docs/migrating/upstream.md"])
def test_the_page_is_found(place: str) -> None:
    assert "differences.md" in (ROOT / place).read_text()
