"""Four generations share one database without an error, a lost write or a mixed one."""

from collections.abc import Callable

import pytest

from tests.conftest import Addresses
from tests.four_generations.__main__ import ROUNDS, table
from tests.four_generations.story import tell
from tests.programs import SHIM


@pytest.mark.skipif(not SHIM[-1].is_dir(), reason="the shim is one of the generations")
def test_no_error_and_no_write_lost_or_mixed(new_database: Callable[[str], Addresses]) -> None:
    figures = tell(new_database("postgresql").databases, ROUNDS)

    print(table(figures))  # noqa: T201
    assert not any(figures.errors.values()), figures.errors
    assert figures.lost == []
    assert figures.mixed == []
    # All of them had their share.
    assert all(done.total() > ROUNDS for done in figures.done.values())
