"""`check_schema` of a class whose id is of another type than that of the rows."""

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, relationship

import fastapi_users_db
from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
)
from tests.test_schema import (
    ANNE,
    Live,
    adapter,
    addresses,
    codes,
    lasting,
    live,
    pytestmark,
    user,
    without_foreign_keys,
)

__all__ = ["adapter", "addresses", "lasting", "live", "pytestmark"]


class Base(DeclarativeBase):
    id = sa.Column(sa.Integer, primary_key=True)


class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[int], Base):
    user_id = sa.Column(sa.ForeignKey("user.id"), nullable=False)


class User(SQLAlchemyBaseUserTable[int], Base):
    oauth_accounts = relationship(OAuthAccount)


def declared(fix: str, *bases: Any) -> Any:
    """Return the class that a fix says to write, on a base of its own."""

    class Base(DeclarativeBase):
        pass

    names = {"sa": sa, "uuid": uuid, "fastapi_users_db": fastapi_users_db}
    statement = fix.replace("(...)", "(*bases)")
    exec(statement, names | {"bases": (*bases, Base)}, written := {})
    return written["User"]


async def test_ids_of_another_type_are_the_first_thing(live: Live) -> None:
    live.tables["user"].c.hashed_password.type = sa.Integer()
    del live.tables["accesstoken"]
    live.create()

    problems = await live.problems(User=User, OAuthAccount=OAuthAccount)

    assert codes(problems)[:2] == [
        ("wrong-type", "user", "id"),
        ("wrong-type", "oauth_account", "id"),
    ]
    assert {problem.expected for problem in problems[:2]} == {"INTEGER"}


async def test_class_gets_the_uuid_that_the_rows_have(live: Live, adapter: str) -> None:
    live.create()
    live.insert("user", **user())
    problems = await live.problems(User=User, OAuthAccount=None)
    [problem] = [problem for problem in problems if problem.column == "id"]

    mended = declared(problem.fix, SQLAlchemyBaseUserTable)

    assert isinstance(mended.__table__.c.id.type, GUID)
    async with live.open(adapter, User=mended, OAuthAccount=None) as (users, _, _):
        assert (await users.get(ANNE)).email == "anne@example.com"


async def test_class_gets_the_integer_that_the_rows_have(live: Live, adapter: str) -> None:
    for table in live.tables.values():
        without_foreign_keys(table)
    live.tables["user"].c.id.type = sa.Integer()
    live.create()
    live.insert("user", **user(id=7))  # type: ignore[arg-type]
    problems = await live.problems()
    assert codes(problems)[0] == ("wrong-type", "user", "id")

    mended = declared(problems[0].fix, SQLAlchemyBaseUserTableInt)

    async with live.open(adapter, User=mended, OAuthAccount=None) as (users, _, _):
        assert (await users.get(7)).email == "anne@example.com"


async def test_ids_that_are_neither_are_made_what_the_class_says(live: Live) -> None:
    for table in live.tables.values():
        without_foreign_keys(table)
    live.tables["user"].c.id.type = sa.String(20)
    live.create()

    problems = await live.problems(User=User, OAuthAccount=None)

    [problem] = [problem for problem in problems if problem.column == "id"]
    assert problem.fix.startswith("op.alter_column('user', 'id', type_=sa.Integer()")
