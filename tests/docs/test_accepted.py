"""The page of the old forms lists what the differential test accepts, and nothing else."""

from tests.differential.accepted import table
from tests.environments import ROOT


def test_the_page_has_what_is_accepted() -> None:
    assert table() in (ROOT / "docs" / "migrating" / "legacy.md").read_text()
