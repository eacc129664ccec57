"""The reference of the tables says of each column what the mixins declare."""

import re
from typing import Any

import pytest
from sqlalchemy import Column
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
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
