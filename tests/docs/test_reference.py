"""The reference of the tables says of each column what the mixins declare."""

import re
from typing import Any

import pytest
from sqlalchemy import Column
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    AccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    UserDatabase,
    exceptions,
)
from tests.docs.samples import ROOT

PAGE = (ROOT / "docs" / "reference" / "tables.md").read_text()


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


def described(column: Column[Any]) -> list[str]:
    """Return the row of a column, as the page has it."""
    kind = f"`{column.type!r}`".replace("length=", "").replace("()", "")
    without = "`NULL`" if column.nullable else "refused"
    if column.default is not None:
        without = f"`{column.default.arg}`"
    index = "primary key" if column.primary_key else "yes" if column.index else ""
    if column.unique:
        index = "unique"
    if column.name == "id":
        kind, without = "`GUID` or `Integer`", "a random UUID, or the next number"
    if column.name == "created_at":
        kind, without = "`TIMESTAMPAware`", "the time now"
    if column.foreign_keys:
        kind, index = "the type of the user's id", f"{index}, and a foreign key to the user"
    return [f"`{column.name}`", kind, without, index]


@pytest.mark.parametrize(
    ("title", "table"),
    [
        ("The user table", User.__table__),
        ("The OAuth account table", OAuthAccount.__table__),
        ("The access token table", AccessToken.__table__),
    ],
)
def test_the_page_describes_every_column(title: str, table: Any) -> None:
    section = PAGE.split(f"\n## {title}\n")[1].split("\n:::")[0]
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in re.findall(r"^\| `.*$", section, flags=re.MULTILINE)
    ]
    assert sorted(rows) == sorted(map(described, table.columns))


def test_the_page_of_exceptions_shows_no_internals() -> None:
    page = (ROOT / "docs" / "reference" / "exceptions.md").read_text()
    left_out = "|".join(re.findall(r'"!([^"]+)"', page))
    own = [
        name
        for name, value in vars(exceptions).items()
        if getattr(value, "__module__", None) == exceptions.__name__
    ]

    shown = {name for name in own if not re.search(left_out, name)}

    assert shown == set(exceptions.__all__)


def test_the_page_of_adapters_shows_what_an_app_calls() -> None:
    page = (ROOT / "docs" / "reference" / "adapters.md").read_text()
    for adapter in (UserDatabase, AccessTokenDatabase):
        of_adapter = page.partition(f"::: fastapi_users_db.{adapter.__name__}\n")[2]
        left_out = "|".join(re.findall(r'"!([^"]+)"', of_adapter.partition("\n\n")[0])) or "^_"
        methods = {name for name in vars(adapter) if callable(getattr(adapter, name))}

        shown = {name for name in methods if not re.search(left_out, name)}

        assert shown
        for name in shown:
            assert f"fastapi_users_db.{adapter.__name__}.{name}]" in page
