"""The file with the DDL of upstream's releases holds what they say themselves."""

import pytest

from tests.upstream_tables import releases


@pytest.mark.parametrize("release", releases.RELEASES)
def test_file_holds_what_the_release_says(release: str) -> None:
    assert releases.ask(release) == releases.read()[release]


def test_file_holds_nothing_else() -> None:
    assert set(releases.read()) == set(releases.RELEASES)
