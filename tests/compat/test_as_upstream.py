"""What apps on FastAPI Users 7 to 9 count on, because upstream's releases happened to do it."""

import uuid
from types import SimpleNamespace
from typing import Any, Optional

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from pydantic import BaseModel
from sqlalchemy import Column, MetaData, String, literal, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from tests.compat.conftest import Form
from tests.compat.models import (
    BaseUserDB,
    UserDB,
    anne,
    databases_form,
    legacy_orm_form,
    on_every_database,
)


class Joined(UserDB):
    role: Optional[str] = None


class Public(BaseModel):
    """What the app shows of a user: not the adapter's model."""

    id: uuid.UUID
    is_active: bool = True


@databases_form
@on_every_database
async def test_the_hook_takes_a_row_of_a_join_and_of_few_select(
    database: Any, legacy: SimpleNamespace
) -> None:
    user = UserDB(**anne(username="anne"))
    await SQLAlchemyUserDatabase(UserDB, database, legacy.users).create(user)
    user_db: Any = SQLAlchemyUserDatabase(Joined, database, legacy.users)

    c = legacy.users.c
    joined = select(*legacy.users.columns, literal("admin").label("role"))
    made = await user_db._make_user(await database.fetch_one(joined))
    assert (made.id, made.username, made.role) == (user.id, "anne", "admin")
    few = select(c.id, c.email, c.hashed_password)
    assert (await user_db._make_user(await database.fetch_one(few))).username is None


@databases_form
async def test_a_row_that_lacks_what_the_model_needs_is_the_models_error(
    database: Any, legacy: SimpleNamespace
) -> None:
    user_db: Any = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
    await user_db.create(UserDB(**anne()))
    row = await database.fetch_one(select(legacy.users.c.id, legacy.users.c.email))

    with pytest.raises(ValueError, match="hashed_password"):
        await user_db._make_user(row)


@legacy_orm_form
async def test_a_look_up_of_the_apps_own_takes_the_first(
    session: AsyncSession, legacy: SimpleNamespace
) -> None:
    user_db: Any = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable)
    for name in ("bert", "anne"):
        await user_db.create(UserDB(**anne(email=f"{name}@example.com")))

    found = await user_db._get_user(select(legacy.UserTable).order_by(legacy.UserTable.email))

    assert found.email == "anne@example.com"


@databases_form
@on_every_database
async def test_a_default_that_only_the_database_has_is_left_to_it(
    database: Any, create_all: Any, rows: Any
) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        plan = Column(String(9), server_default="free", nullable=False)

    await create_all(base)
    # A migration has added the default: the app's class does not know it.
    users = UserTable.__table__.to_metadata(MetaData())
    users.c.plan.server_default = None
    user_db: Any = SQLAlchemyUserDatabase(BaseUserDB, database, users)

    await user_db.create(BaseUserDB(**anne()))

    assert await rows(select(UserTable.__table__.c.plan)) == [("free",)]


@databases_form
@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_ids_are_what_the_driver_takes(database: Any, create_all: Any, rows: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        id = Column(postgresql.UUID, primary_key=True)

    await create_all(base)
    users = UserTable.__table__
    user_db: Any = SQLAlchemyUserDatabase(BaseUserDB, database, users)
    user = BaseUserDB(**anne())

    await user_db.create(user)
    assert (await user_db.get(user.id)).id == user.id
    user.hashed_password = "new"
    await user_db.update(user)
    assert await rows(select(users.c.hashed_password)) == [("new",)]
    await user_db.delete(SimpleNamespace(id=user.id))
    assert await rows(select(users.c.email)) == []


async def test_another_model_stands_for_its_row(legacy_form: Form, rows: Any) -> None:
    user_db = legacy_form.user_db
    kept = await user_db.create(user_db.user_db_model(**anne(email="kept@example.com")))
    user = await user_db.create(user_db.user_db_model(**anne()))

    await user_db.delete(Public(id=user.id))

    assert await rows(select(legacy_form.users.c.email)) == [(kept.email,)]


@databases_form
async def test_another_model_is_written_as_far_as_it_goes(
    database: Any, legacy: SimpleNamespace, rows: Any
) -> None:
    user_db: Any = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
    user = await user_db.create(UserDB(**anne()))
    part = Public(id=user.id, is_active=False)

    assert await user_db.update(part) is part

    assert await rows(select(legacy.users.c.email, legacy.users.c.is_active)) == [
        (user.email, False)
    ]
