"""The tables of the shim are created by the statements of upstream's releases, to the letter.

`tests/upstream_tables` has those, and shows that they are what the releases say.
"""

import pytest

from fastapi_users_db.versions import fastapi_users
from tests.compat.models import FASTAPI_USERS, ours
from tests.upstream_tables import releases, shapes

pytestmark = [ours, pytest.mark.filterwarnings("ignore:.*deprecated since fastapi-users-db")]

HASH = {"hashed_password VARCHAR(72)": "hashed_password VARCHAR(1024)"}
TIME = {"created_at DATETIME": "created_at TIMESTAMP"}
ZONE = {"created_at TIMESTAMP WITHOUT TIME ZONE": "created_at TIMESTAMP WITH TIME ZONE"}


def differences(release: str) -> dict[str, str]:
    """Return all that differs, on purpose, from a release: by what it has, what the shim has."""
    if release < "3":
        return {**HASH, **TIME}
    if release < "3.0.2":
        return TIME
    return ZONE if "4" < release < "4.0.3" else {}


def expected(release: str) -> releases.Shapes:
    """Return the DDL of a release, but for what differs on purpose."""

    def replaced(statement: str) -> str:
        for theirs, instead in differences(release).items():
            statement = statement.replace(theirs, instead)
        return statement

    return {
        shape: {dialect: list(map(replaced, lines)) for dialect, lines in by_dialect.items()}
        for shape, by_dialect in releases.read()[release].items()
    }


def ours_for(release: str, monkeypatch: pytest.MonkeyPatch) -> releases.Shapes:
    """Return the DDL of the shim's tables on a FastAPI Users of the time of a release."""
    monkeypatch.setattr(fastapi_users, "USERS_ARE_MODELS", release < "4")
    ddl = shapes.ddl_of_shapes(uuids_are_asked_for=release >= "4")
    return without_tokens(ddl) if release == "1.0.0" else ddl


def without_tokens(ddl: releases.Shapes) -> releases.Shapes:
    return {
        shape: {
            dialect: [statement for statement in statements if "accesstoken" not in statement]
            for dialect, statements in by_dialect.items()
        }
        for shape, by_dialect in ddl.items()
    }


@pytest.mark.parametrize("release", releases.RELEASES)
def test_tables_are_upstreams(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = ours_for(release, monkeypatch), expected(release)
    if FASTAPI_USERS < 9:  # it has no access tokens
        mine, theirs = without_tokens(mine), without_tokens(theirs)

    assert mine == theirs
