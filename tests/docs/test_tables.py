"""The samples of own fields and ids, through the adapters on every database."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase
from tests.conftest import DATABASES, Addresses
from tests.docs.samples import load

EmptyDatabase = Callable[[str], Addresses]
every_database = pytest.mark.parametrize("database", DATABASES)
ADA = {"email": "ada@example.com", "hashed_password": "..."}


@asynccontextmanager
async def session_with_tables(sample: Any, address: str) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(address)
    async with engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


@every_database
@pytest.mark.parametrize("kind", ["int_id", "str_id", "synonym_id", "names"])
async def test_users_accounts_and_tokens_share_an_id(
    kind: str, database: str, empty_database: EmptyDatabase
) -> None:
    sample = load(f"tables/{kind}.py")
    async with session_with_tables(sample, empty_database(database).orm) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.User, sample.OAuthAccount)
        user = await user_db.create(ADA)
        account = {"oauth_name": "google", "access_token": "x", "account_id": "1"}
        await user_db.add_oauth_account(user, {**account, "account_email": "a@example.com"})
        token_db: Any = SQLAlchemyAccessTokenDatabase(session, sample.AccessToken)
        await token_db.create({"token": "t", "user_id": user.id})

        assert await user_db.get(user.id) is user
        assert await user_db.get_by_email("ADA@example.com") is user
        assert await user_db.get_by_oauth_account("google", "1") is user
        assert (await token_db.get_by_token("t")).user_id == user.id


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("int_id", "user.id"),
        ("str_id", "user.id"),
        ("synonym_id", "user.user_id"),
        ("names", "member.id"),
    ],
)
def test_foreign_keys_follow_the_user_table(kind: str, column: str) -> None:
    sample = load(f"tables/{kind}.py")
    for table in (sample.OAuthAccount.__table__, sample.AccessToken.__table__):
        [foreign_key] = table.c.user_id.foreign_keys
        assert foreign_key.target_fullname == column
        assert type(table.c.user_id.type) is type(foreign_key.column.type)


@pytest.mark.parametrize(("kind", "value"), [("int_id", 7), ("str_id", "seven")])
def test_user_manager_parses_the_id(kind: str, value: object) -> None:
    manager: Any = load(f"tables/{kind}.py").UserManager(None)
    assert manager.parse_id(str(value)) == value


@every_database
async def test_own_fields_are_read_and_written(
    database: str, empty_database: EmptyDatabase
) -> None:
    sample = load("tables/fields.py")
    async with session_with_tables(sample, empty_database(database).orm) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.User)
        user = await user_db.create({**ADA, "settings": {"theme": "dark"}})
        assert (user.name, user.plan, user.source) == (None, sample.Plan.FREE, "web")

        await user_db.update(user, {"name": "Ada", "plan": sample.Plan.PAID})
        read = sample.UserRead.model_validate(user).model_dump()
        assert (read["name"], read["plan"]) == ("Ada", sample.Plan.PAID)
        assert read["settings"] == {"theme": "dark"}
        assert read["updated_at"].tzinfo is not None
        assert sample.UserCreate(email="a@example.com", password="x").name is None
        assert sample.UserUpdate(name="Ada").create_update_dict() == {"name": "Ada"}


@every_database
async def test_dataclass_is_read_and_written(database: str, empty_database: EmptyDatabase) -> None:
    sample = load("tables/dataclass.py")
    async with session_with_tables(sample, empty_database(database).orm) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.User)
        user = await user_db.create({**ADA, "name": "Ada"})
        assert (user.name, user.email) == ("Ada", "ada@example.com")


def test_columns_of_the_mixin_are_no_arguments_of_a_dataclass() -> None:
    sample = load("tables/dataclass.py")
    assert (sample.user.name, sample.user.email) == ("Ada", "ada@example.com")
    with pytest.raises(TypeError, match="email"):
        sample.User(email="ada@example.com")
