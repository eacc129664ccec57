"""`check_schema` of tables and columns whose names mean more to SQL, to Python or to a driver."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, relationship

from fastapi_users_db import (
    SchemaProblem,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
    unique_oauth_account_index,
)
from tests.test_schema import (
    ADAPTERS,
    ANNE,
    BERT,
    Live,
    addresses,
    lasting,
    on_postgresql,
    pytestmark,
    without_foreign_keys,
)

__all__ = ["addresses", "lasting", "pytestmark"]

NAMES = {
    "percent": "100% %s %(name)s",
    "quotes": "e\"m'a`i\\l",
    "upper": "EMail",
    "reserved": "order",
    "unicode": "\xe9l\xe8ve \u2713",
    "colon": "e:mail::text",
    "parenthesis": "[e](mail)",
    "long": "e" * 63,
}


QUICK = ("percent", "quotes", "upper", "unicode")


@pytest.fixture(
    params=[n if n in QUICK else pytest.param(n, marks=pytest.mark.thorough) for n in NAMES]
)
def name(request: pytest.FixtureRequest) -> str:
    return NAMES[request.param]


def declare(name: str) -> dict[str, Any]:
    """Declare the tables with this name, and columns of it."""

    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        __tablename__ = f"{name[:50]}_a"
        account_id = sa.Column(name, sa.String(100), nullable=False)

    class User(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = name
        email = sa.Column(name, sa.String(100), unique=True, nullable=False)
        hashed_password = sa.Column(f"{name[:50]}_h", sa.String(1024), nullable=False)
        is_active = sa.Column(f"{name[:50]}_i", sa.Boolean, default=True, nullable=False)
        oauth_accounts = relationship(OAuthAccount)

    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
        __tablename__ = f"{name[:50]}_t"
        created_at = sa.Column(f"{name[:50]}_c", sa.DateTime(timezone=True), nullable=False)

    unique_email_index(User)
    unique_oauth_account_index(OAuthAccount)
    return {"User": User, "OAuthAccount": OAuthAccount, "AccessToken": AccessToken}


@pytest.fixture
def classes(name: str) -> dict[str, Any]:
    return declare(name)


@pytest.fixture
def live(lasting: Live, classes: dict[str, Any]) -> Iterator[Live]:
    """An empty database, and copies of the tables to change before they are created."""
    metadata = MetaData()
    lasting.tables = {
        kind: classes[kind].__table__.to_metadata(metadata)
        for kind in ("User", "OAuthAccount", "AccessToken")
    }
    if lasting.is_mariadb:
        for table in lasting.tables.values():
            # A copy forgets the condition under which an index is created.
            table.indexes -= {i for i in table.indexes if str(i.name).endswith("_lower")}
    yield lasting
    lasting.drop()


def without_unique(table: sa.Table) -> None:
    table.indexes.clear()
    unique = {c for c in table.constraints if isinstance(c, UniqueConstraint)}
    table.constraints.difference_update(unique)


def user(name: str, email: str, user_id: uuid.UUID) -> dict[str, Any]:
    own = {name: email, f"{name[:50]}_h": "hash", f"{name[:50]}_i": True}
    return {"id": user_id, "is_superuser": False, "is_verified": False, **own}


async def problems_of(live: Live, classes: dict[str, Any]) -> list[SchemaProblem]:
    # `databases` formats each statement for SQLite, for its log, and fails at a percent sign.
    fails = live.addresses.name == "sqlite" and "%" in classes["User"].__tablename__
    return await live.problems(ADAPTERS[:2] if fails else ADAPTERS, **classes)


async def mended(live: Live, classes: dict[str, Any]) -> list[str]:
    """Do what each fix says, and return what was wrong."""
    problems = await problems_of(live, classes)
    for problem in problems:
        live.apply(problem)
    return [problem.code for problem in problems]


async def test_sound_tables_have_no_problems(live: Live, classes: dict[str, Any]) -> None:
    live.create()
    assert await problems_of(live, classes) == []


async def test_missing_indexes_are_created(live: Live, classes: dict[str, Any]) -> None:
    for table in live.tables.values():
        without_unique(table)
    live.create()
    # MariaDB makes one of its own for the foreign key.
    user, lower = (
        ([], []) if live.is_mariadb else (["missing-user-index"], ["missing-lower-email-index"])
    )
    expected = ["missing-email-index", *lower, "missing-oauth-account-index", *user]
    assert await mended(live, classes) == expected
    assert await problems_of(live, classes) == []


async def test_missing_columns_are_added(live: Live, classes: dict[str, Any], name: str) -> None:
    users = live.tables["User"]
    users._columns.remove(users.c[f"{name[:50]}_i"])
    live.create()
    assert await mended(live, classes) == ["missing-column"]
    assert await problems_of(live, classes) == []


async def test_narrow_columns_are_widened(live: Live, classes: dict[str, Any], name: str) -> None:
    live.tables["User"].c[name].type = sa.String(20)
    live.tables["User"].c[f"{name[:50]}_h"].type = sa.String(20)
    live.create()
    if live.addresses.name == "sqlite":
        assert await problems_of(live, classes) == []
    else:
        assert await mended(live, classes) == ["narrow-column", "narrow-column"]
        assert await problems_of(live, classes) == []


@on_postgresql
async def test_wrong_types_are_altered(live: Live, classes: dict[str, Any], name: str) -> None:
    live.tables["AccessToken"].c[f"{name[:50]}_c"].type = sa.TIMESTAMP(timezone=False)
    live.create()
    assert await mended(live, classes) == ["wrong-type"]
    assert await problems_of(live, classes) == []


async def test_rows_are_found_and_removed(live: Live, classes: dict[str, Any], name: str) -> None:
    for table in live.tables.values():
        without_unique(table)
        without_foreign_keys(table)
    live.create()
    live.insert("User", **user(name, "Anne@example.com", ANNE))
    live.insert("User", **user(name, "anne@example.com", BERT))
    stranger = {"user_id": uuid.UUID(int=3)}
    live.insert("AccessToken", token="secret", **{f"{name[:50]}_c": sa.func.now()}, **stranger)
    problems = [
        problem
        for problem in await problems_of(live, classes)
        if problem.code in ("emails-differing-by-case", "orphaned-rows")
    ]
    assert len(problems) == 2
    for problem in problems:
        live.apply(problem)
    assert live.rows("AccessToken") == []


async def test_missing_tables_are_named(live: Live, classes: dict[str, Any], name: str) -> None:
    problems = await problems_of(live, classes)
    assert [problem.code for problem in problems] == ["missing-table"] * 3
    assert problems[0].table == name
