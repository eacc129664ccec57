"""Each write happens or does not, whatever fails on the way to the database.

`test_broken.py` shows that these tests fail for adapters that are not like this.
"""

import pytest

from tests.atomicity.killing import run_and_kill
from tests.atomicity.operations import Operation
from tests.atomicity.trial import (
    DATABASES,
    DATABASES_TRANSACTION,
    ONLY_STATEMENT_FAILS,
    ORM,
    ORM_NO_COMMIT,
    SHIMS,
    WRITES,
    Kind,
    Place,
    harm_at_each_request,
)
from tests.conftest import SOAK
from tests.faults.injection import ANSWER_LOST, ERROR, KILLED, ON_SERVERS, ON_SQLITE
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
HARMED = [w for w in WRITES if SOAK or (w[0], w[1].name) in SOME]
"""What is harmed: in a long run all writes."""


def faults_of(place: Place, kind: Kind) -> tuple[str, ...]:
    if kind is DATABASES_TRANSACTION:
        # With the connection `databases` loses its own way out of the app's transaction.
        return ONLY_STATEMENT_FAILS
    if place.addresses.name == "sqlite":
        return ON_SQLITE
    return ON_SERVERS if SOAK else (ERROR, ANSWER_LOST)


@pytest.mark.parametrize(("kind", "operation"), HARMED, ids=str)
async def test_as_before_or_as_after(
    harmed: Place, kind: Kind, operation: Operation, texts: Texts
) -> None:
    for fault in faults_of(harmed, kind):
        assert await harm_at_each_request(harmed, kind, operation, fault, texts) > 0


@pytest.mark.parametrize(("kind", "operation"), HARMED, ids=str)
async def test_as_before_or_as_after_when_its_process_is_killed(
    harmed: Place, kind: Kind, operation: Operation, texts: Texts
) -> None:
    times = await harm_at_each_request(harmed, kind, operation, KILLED, texts, run_and_kill)
    assert times > 0
