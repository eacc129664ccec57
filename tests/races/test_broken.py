"""The races are lost by adapters without what wins them: the tests would notice."""

from typing import Any

import pytest

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyUserDatabase
from tests.faults.secrets import planted
from tests.races import test_two_parties as races
from tests.races.conftest import Duel
from tests.races.parties import Outcome, Party

pytestmark = pytest.mark.parametrize("pair", [("orm", "orm"), ("databases", "databases")])
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


async def never(*_: Any, **__: Any) -> bool:
    return False


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Break both adapters: let a question be answered with no."""

    def break_adapters(question: str) -> None:
        for adapter in (SQLAlchemyUserDatabase, DatabasesUserDatabase):
            monkeypatch.setattr(adapter, question, never)

    return break_adapters


@on_postgresql
async def test_a_secret_in_an_error_is_found(duel: Duel) -> None:
    async def fail(party: Party) -> None:
        raise ValueError(planted("hash"))

    async def check(*_: Outcome) -> None:
        pass

    with pytest.raises(AssertionError, match="a secret is shown"):
        await duel.at_each_statement(races.nothing, fail, fail, check)


@on_postgresql
async def test_registering_needs_a_look_at_the_address(duel: Duel, broken: Any) -> None:
    broken("_is_taken")
    with pytest.raises(AssertionError, match=r"Integrity|Unique"):
        await races.test_one_of_two_registers_an_address(duel)


@on_postgresql
async def test_changing_needs_a_look_at_the_address(duel: Duel, broken: Any) -> None:
    broken("_is_taken")
    with pytest.raises(AssertionError, match=r"Integrity|Unique"):
        await races.test_one_of_two_changes_to_an_address(duel)


@on_postgresql
async def test_linking_needs_a_look_at_the_user(duel: Duel, broken: Any) -> None:
    if duel.pair[0] == "orm":
        pytest.skip("its second try finds that the user is gone")
    broken("_is_gone")
    with pytest.raises(AssertionError, match=r"ForeignKeyViolation"):
        await races.test_linking_against_deleting(duel)


@on_postgresql
async def test_one_owner_needs_the_index(duel: Duel) -> None:
    """Without `unique_oauth_account_index` both users can be linked."""
    with pytest.raises(AssertionError, match="done>, <done"):
        await races.test_one_of_two_users_is_linked(duel)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_linking_on_sqlite_needs_a_second_look(duel: Duel, broken: Any) -> None:
    """SQLite does not enforce foreign keys: the link of a deleted user would stay."""
    broken("_is_gone")
    with pytest.raises(AssertionError, match="done>, <done"):
        await races.test_linking_against_deleting(duel)
