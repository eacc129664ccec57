"""Each write happens or does not, whatever fails on the way to the database.

`test_broken.py` shows that these tests fail for adapters that are not like this.
"""

from typing import Any

import pytest

from tests.atomicity.killing import run_and_kill
from tests.atomicity.operations import UPDATE_WHOLE, Operation
from tests.atomicity.trial import (
    DATABASES,
    DATABASES_TRANSACTION,
    ORM,
    ORM_NO_COMMIT,
    SHIMS,
    WRITES,
    Kind,
    Place,
    harm_at_each_request,
)
from tests.conftest import SOAK
from tests.faults.injection import (
    ANSWER_LOST,
    ERROR,
    INTEGRITY_ERROR,
    KILLED,
    ON_SERVERS,
    ON_SQLITE,
)
from tests.faults.secrets import Texts

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

# The writes of most statements, and one that reads between two transactions.
SOME = (
    (ORM, "update-with-accounts"),
    (ORM, "delete-expired"),
    (ORM_NO_COMMIT, "update-with-accounts"),
    (DATABASES, "update-with-accounts"),
    (DATABASES_TRANSACTION, "update-with-accounts"),
    *((shim, "update-whole") for shim in SHIMS),
)


def case(kind: Kind, operation: Operation, *, quick: bool) -> Any:
    return pytest.param(kind, operation, marks=() if quick else pytest.mark.thorough)


# The shim's writes are those of the others, but for the one that only it has.
BY_ERROR = [
    case(kind, operation, quick=kind not in SHIMS or operation is UPDATE_WHOLE)
    for kind, operation in WRITES
]


def writes(quick: str, *kinds: Kind) -> list[Any]:
    """Return what is harmed in more costly ways: in a long run all writes.

    Parameters:
        quick: the one that even a quick run harms so, on each database.
        kinds: through which adapters.
    """
    return [
        case(kind, operation, quick=operation.name == quick and kind in kinds)
        for kind, operation in WRITES
        if SOAK or (kind, operation.name) in SOME or (operation.name == quick and kind in kinds)
    ]


def faults_of(place: Place, kind: Kind) -> tuple[str, ...]:
    """Return what happens to a write besides an error."""
    if kind is DATABASES_TRANSACTION:
        # With the connection `databases` loses its own way out of the app's transaction.
        return (INTEGRITY_ERROR,)
    if place.addresses.name == "sqlite":
        faults = ON_SQLITE
    else:
        faults = ON_SERVERS if SOAK else (ANSWER_LOST,)
    return tuple(fault for fault in faults if fault != ERROR)


@pytest.mark.parametrize(("adapter", "operation"), BY_ERROR, ids=str)
async def test_as_before_or_as_after(
    harmed: Place, adapter: Kind, operation: Operation, texts: Texts
) -> None:
    assert await harm_at_each_request(harmed, adapter, operation, ERROR, texts) > 0


@pytest.mark.parametrize(
    ("adapter", "operation"),
    # Not the other: not each of these faults happens to it.
    writes("update-with-accounts", ORM, ORM_NO_COMMIT, DATABASES),
    ids=str,
)
async def test_as_before_or_as_after_another_fault(
    harmed: Place, adapter: Kind, operation: Operation, texts: Texts
) -> None:
    for fault in faults_of(harmed, adapter):
        assert await harm_at_each_request(harmed, adapter, operation, fault, texts) > 0


@pytest.mark.parametrize(
    ("adapter", "operation"),
    writes("delete", ORM, ORM_NO_COMMIT, DATABASES, DATABASES_TRANSACTION),
    ids=str,
)
async def test_as_before_or_as_after_when_its_process_is_killed(
    harmed: Place, adapter: Kind, operation: Operation, texts: Texts
) -> None:
    times = await harm_at_each_request(harmed, adapter, operation, KILLED, texts, run_and_kill)
    assert times > 0
