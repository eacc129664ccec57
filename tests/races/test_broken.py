"""The races are lost by adapters without what wins them: the tests would notice."""

from typing import Any

import pytest

from fastapi_users_db.adapters import databases, orm
from tests.faults.secrets import planted
from tests.races import test_two_parties as races
from tests.races.conftest import Duel
from tests.races.parties import Outcome, Party

pytestmark = pytest.mark.parametrize("pair", [("orm", "orm"), ("databases", "databases")])
on_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break both adapters: what the driver says of a refused statement is not understood."""
    for module in (orm, databases):
        monkeypatch.setattr(module, "violation", lambda *_: None)


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Break both adapters: a user who is gone is taken to be there."""

    async def exists(*_: Any) -> bool:
        return True

    monkeypatch.setattr(orm.SessionUnit, "_is_there", lambda *_, **__: True)
    for unit in (orm.SessionUnit, databases.RowsUnit):
        monkeypatch.setattr(unit, "exists", exists)


@on_postgresql
async def test_a_secret_in_an_error_is_found(duel: Duel) -> None:
    async def fail(party: Party) -> None:
        raise ValueError(planted("hash"))

    async def check(*_: Outcome) -> None:
        pass

    with pytest.raises(AssertionError, match="a secret is shown"):
        await duel.at_each_statement(races.nothing, fail, fail, check)


@on_postgresql
@pytest.mark.usefixtures("deaf")
async def test_registering_needs_what_the_driver_says(duel: Duel) -> None:
    with pytest.raises(AssertionError, match=r"Integrity|Unique"):
        await races.test_one_of_two_registers_an_address(duel)


@on_postgresql
@pytest.mark.usefixtures("deaf")
async def test_changing_an_address_needs_what_the_driver_says(duel: Duel) -> None:
    with pytest.raises(AssertionError, match=r"Integrity|Unique"):
        await races.test_one_of_two_changes_to_an_address(duel)


@on_postgresql
@pytest.mark.usefixtures("blind")
async def test_linking_needs_a_look_at_the_user(duel: Duel) -> None:
    with pytest.raises(AssertionError, match=r"ForeignKeyViolation|IntegrityError"):
        await races.test_linking_against_deleting(duel)


@on_postgresql
async def test_one_owner_needs_the_index(duel: Duel) -> None:
    """Without `unique_oauth_account_index` both users can be linked."""
    with pytest.raises(AssertionError, match="done>, <done"):
        await races.test_one_of_two_users_is_linked(duel)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("blind")
async def test_linking_on_sqlite_needs_a_second_look(duel: Duel) -> None:
    """SQLite does not enforce foreign keys: the link of a deleted user would stay."""
    with pytest.raises(AssertionError, match="done>, <done"):
        await races.test_linking_against_deleting(duel)
