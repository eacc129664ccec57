"""What the old forms make of rows, and of a user that is written as a whole."""

from typing import Any, Optional

import pydantic
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from sqlalchemy import JSON, Column, String, select, update
from sqlalchemy.orm import declarative_base

from tests.compat.conftest import Form
from tests.compat.models import (
    BaseUserDB,
    UserDB,
    anne,
    databases_form,
    on_every_database,
)


class Strict(UserDB):
    """A model of what its table has, and of nothing else."""

    nick: Optional[str] = None

    if pydantic.VERSION.startswith("1."):

        class Config:
            extra = "forbid"

    else:
        model_config = {"extra": "forbid"}


class Needing(UserDB):
    needed: str


class Wrapper:
    """A wrapper of the app's own round a database: what upstream calls, and nothing else."""

    def __init__(self, database: Any) -> None:
        self.fetch_one, self.fetch_all = database.fetch_one, database.fetch_all
        self.execute, self.execute_many = database.execute, database.execute_many


@databases_form
@on_every_database
async def test_what_is_json_is_read_through_a_wrapper(database: Any, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        settings = Column(JSON)

    class Settings(BaseUserDB):
        settings: Optional[Any] = None

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(Settings, Wrapper(database), UserTable.__table__)
    user = await user_db.create(Settings(**anne(settings={"a": [1, None]})))

    assert (await user_db.get(user.id)).settings == {"a": [1, None]}


async def test_a_model_that_forbids_a_column_refuses_the_row(legacy_form: Form, rows: Any) -> None:
    """The error is the model's own and names the column; nothing is written."""
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne()))
    user_db.user_db_model = Needing

    for call in (user_db.get(user.id), user_db.get_by_email(user.email)):
        with pytest.raises(pydantic.ValidationError, match="needed"):
            await call
    with pytest.raises(pydantic.ValidationError, match="needed"):
        await user_db.create({**anne(email="bert@example.com"), "id": None})

    assert await rows(select(users.c.email)) == [("anne@example.com",)]


@databases_form
async def test_extra_columns_are_refused_by_the_model(
    database: Any, create_all: Any, rows: Any
) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        username = Column(String(20))
        tenant = Column(String(20))
        nick = Column(String(20))
        added = Column(String(20), server_default="later")

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(Strict, database, UserTable.__table__)
    given = Strict(**anne(nick="anne"))
    given.tenant = None  # type: ignore[assignment]

    assert await user_db.create(given) is given
    with pytest.raises(pydantic.ValidationError, match="added"):
        await user_db.get(given.id)
    given.nick = "bert"
    # It could not read the row before: that is not for this change to mend.
    assert await user_db.update(given) is given
    assert await rows(select(UserTable.nick, UserTable.added)) == [("bert", "later")]


@on_every_database
async def test_of_two_stale_writers_the_first_ones_change_is_lost(
    legacy_form: Form, rows: Any
) -> None:
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne(username="anne")))
    first, second = await user_db.get(user.id), await user_db.get(user.id)
    first.username, second.is_verified = "bert", True

    await user_db.update(first)
    await user_db.update(second)

    found = await rows(select(users.c.username, users.c.is_verified))
    assert [tuple(row) for row in found] == [("anne", True)]


async def test_of_two_dicts_both_changes_stay(legacy_form: Form, rows: Any) -> None:
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne(username="anne")))
    first, second = await user_db.get(user.id), await user_db.get(user.id)

    await user_db.update(first, {"username": "bert"})
    await user_db.update(second, {"is_verified": True})

    found = await rows(select(users.c.username, users.c.is_verified))
    assert [tuple(row) for row in found] == [("bert", True)]


async def test_of_a_mapped_object_only_what_was_changed_is_written(
    form: Form, session: Any, rows: Any
) -> None:
    if form.name == "databases":
        pytest.skip("it has no mapped objects")
    user = await form.user_db.create(anne() if form.name == "current" else UserDB(**anne()))
    kind = form.user_db.user_table
    held = await session.get(kind, user.id)
    name = getattr(held, "username", None)
    await rows_of_another(session, update(form.users).values(username="bert"))
    held.is_verified = True

    await form.user_db.update(held)

    found = await rows(select(form.users.c.username, form.users.c.is_verified))
    assert (name, [tuple(row) for row in found]) == (None, [("bert", True)])


async def rows_of_another(session: Any, statement: Any) -> None:
    """Execute a statement as another process does."""
    await session.commit()
    async with session.bind.begin() as connection:
        await connection.execute(statement)
