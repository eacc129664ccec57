"""The access token adapter, in each of its forms."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import fastapi_users_db_sqlalchemy as package
import pydantic
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import Column, DateTime, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from fastapi_users_db import AccessTokenNotFoundError
from tests.compat.models import (
    FASTAPI_USERS,
    UPSTREAM,
    AccessTokenDB,
    BaseUserDB,
    anne,
    current_form,
    databases_form,
    legacy_orm_form,
    on_every_database,
    ours,
)

pytestmark = pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought access tokens")
NOW = datetime.now(timezone.utc)
EARLIER = NOW - timedelta(minutes=1)


@pytest.fixture
def tables(request: pytest.FixtureRequest) -> SimpleNamespace:
    if UPSTREAM in (None, 1, 3):
        legacy = request.getfixturevalue("legacy")
        return SimpleNamespace(User=legacy.UserTable, AccessToken=legacy.AccessToken)
    return request.getfixturevalue("current")


@dataclass
class Tokens:
    """A token adapter, and how its convention writes."""

    database: Any
    returned: type[Any]
    user_id: uuid.UUID

    async def create(self, token: str, **values: Any) -> Any:
        values = {"token": token, "user_id": self.user_id, **values}
        if self.returned is AccessTokenDB:
            return await self.database.create(AccessTokenDB(**values))
        return await self.database.create(values)

    async def update(self, access_token: Any, **values: Any) -> Any:
        if self.returned is not AccessTokenDB:
            return await self.database.update(access_token, values)
        for key, value in values.items():
            setattr(access_token, key, value)
        return await self.database.update(access_token)


@pytest.fixture(
    params=[
        pytest.param("databases", marks=databases_form),
        pytest.param("legacy-orm", marks=legacy_orm_form),
        pytest.param("current", marks=current_form),
    ]
)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connection(form: str, addresses: Any, request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("database" if form == "databases" else "session")


@pytest.fixture
async def tokens(form: str, connection: Any, tables: SimpleNamespace) -> Tokens:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    if form == "databases":
        users: Any = SQLAlchemyUserDatabase(BaseUserDB, connection, tables.User.__table__)
        table = tables.AccessToken.__table__
        database = SQLAlchemyAccessTokenDatabase(AccessTokenDB, connection, table)
    elif form == "legacy-orm":
        users = SQLAlchemyUserDatabase(BaseUserDB, connection, tables.User)
        database = SQLAlchemyAccessTokenDatabase(AccessTokenDB, connection, tables.AccessToken)
    else:
        users = SQLAlchemyUserDatabase(connection, tables.User)
        database = SQLAlchemyAccessTokenDatabase(connection, tables.AccessToken)
        user = await users.create(anne())
        return Tokens(database, tables.AccessToken, user.id)
    user = await users.create(BaseUserDB(**anne()))
    return Tokens(database, AccessTokenDB, user.id)


@on_every_database
async def test_create_and_get_by_token(tokens: Tokens) -> None:
    created = await tokens.create("token")

    found = await tokens.database.get_by_token("token")

    assert isinstance(created, tokens.returned)
    assert isinstance(found, tokens.returned)
    assert (found.token, found.user_id) == ("token", tokens.user_id)
    assert await tokens.database.get_by_token("other") is None


@on_every_database
async def test_max_age(tokens: Tokens) -> None:
    await tokens.create("token", created_at=NOW - timedelta(hours=1))

    get_by_token = tokens.database.get_by_token

    assert await get_by_token("token", NOW - timedelta(hours=2)) is not None
    assert await get_by_token("token", max_age=NOW - timedelta(minutes=30)) is None


async def test_update(tokens: Tokens) -> None:
    access_token = await tokens.create("token")

    await tokens.update(access_token, created_at=NOW - timedelta(hours=1))

    assert await tokens.database.get_by_token("token", NOW - timedelta(minutes=30)) is None


async def test_delete(tokens: Tokens) -> None:
    access_token = await tokens.create("token")

    await tokens.database.delete(access_token)

    assert await tokens.database.get_by_token("token") is None


async def test_database_strategy_of_the_framework(form: str, tokens: Tokens) -> None:
    if form == "current" and FASTAPI_USERS < 10:
        pytest.skip("the framework is legacy")
    from fastapi_users.authentication.strategy.db import DatabaseStrategy

    strategy: Any = DatabaseStrategy(tokens.database, lifetime_seconds=3600)
    user: Any = SimpleNamespace(id=tokens.user_id)
    manager: Any = SimpleNamespace(get=AsyncMock(return_value=user), parse_id=lambda value: value)

    token = await strategy.write_token(user)

    assert await strategy.read_token(token, manager) is user
    manager.get.assert_awaited_once_with(tokens.user_id)
    await strategy.destroy_token(token, user)
    assert await strategy.read_token(token, manager) is None


@ours
@on_every_database
async def test_created_at_is_aware(tokens: Tokens) -> None:
    await tokens.create("token", created_at=NOW)

    found = await tokens.database.get_by_token("token")

    assert found.created_at.replace(microsecond=0) == NOW.replace(microsecond=0)


@ours
async def test_both_conventions_in_every_form(tokens: Tokens) -> None:
    with_dict = await tokens.database.create({"token": "1", "user_id": tokens.user_id})
    with_model = await tokens.database.create(AccessTokenDB(token="2", user_id=tokens.user_id))
    await tokens.database.update(with_dict, {"created_at": NOW - timedelta(hours=1)})
    with_model.created_at = NOW - timedelta(hours=1)
    await tokens.database.update(with_model)

    for token in ("1", "2"):
        assert isinstance(await tokens.database.get_by_token(token), tokens.returned)
        assert await tokens.database.get_by_token(token, NOW - timedelta(minutes=1)) is None


@ours
@on_every_database
async def test_delete_of_an_access_token_that_is_gone(tokens: Tokens) -> None:
    access_token = await tokens.create("token")

    for _ in range(2):
        await tokens.database.delete(access_token)

    assert await tokens.database.get_by_token("token") is None


@ours
@on_every_database
async def test_update_of_an_access_token_that_is_gone(tokens: Tokens) -> None:
    access_token = await tokens.create("token")
    await tokens.database.delete(await tokens.database.get_by_token("token"))

    with pytest.raises(AccessTokenNotFoundError):
        await tokens.update(access_token, created_at=NOW)

    assert await tokens.database.get_by_token("token") is None


@ours
async def test_class_in_place_of_an_access_token(tokens: Tokens) -> None:
    await tokens.create("token", created_at=NOW)

    for cls in {tokens.returned, getattr(tokens.database, "access_token_table", AccessTokenDB)}:
        with pytest.raises(TypeError, match="Expected an instance"):
            await tokens.database.delete(cls)
        for values in ({"created_at": NOW - timedelta(hours=1)}, None):
            with pytest.raises(TypeError, match=r"Expected|token must be a str"):
                await tokens.database.update(cls, values)

    assert await tokens.database.get_by_token("token", NOW - timedelta(minutes=1))


@ours
@on_every_database
async def test_delete_expired(tokens: Tokens) -> None:
    await tokens.create("old", created_at=NOW - timedelta(hours=1))
    await tokens.create("new", created_at=NOW)

    assert await tokens.database.delete_expired(NOW - timedelta(minutes=1), batch_size=10) == 1

    assert await tokens.database.get_by_token("old") is None
    assert await tokens.database.get_by_token("new") is not None


@ours
@on_every_database
async def test_sessions_are_listed_and_ended(tokens: Tokens) -> None:
    for number in range(4):
        await tokens.create(f"token {number}", created_at=NOW - timedelta(hours=number))

    newest, *others = await tokens.database.list_sessions(tokens.user_id)

    assert (newest.last_four, len(others)) == ("n 0", 3)
    assert await tokens.database.end_session(tokens.user_id, newest.id)
    assert not await tokens.database.end_session(uuid.uuid4(), others[0].id)
    assert await tokens.database.end_sessions(tokens.user_id, but="token 2") == 2
    assert await tokens.database.get_by_token("token 2") is not None
    assert await tokens.database.end_sessions(tokens.user_id) == 1


@databases_form
async def test_databases_attributes_and_keywords(database: Any, tables: SimpleNamespace) -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    table = tables.AccessToken.__table__

    tokens: Any = SQLAlchemyAccessTokenDatabase(
        access_token_model=AccessTokenDB, database=database, access_tokens=table
    )

    assert tokens.access_token_model is AccessTokenDB
    assert tokens.database is database
    assert tokens.access_tokens is table


@legacy_orm_form
async def test_legacy_orm_attributes_and_keywords(
    session: AsyncSession, tables: SimpleNamespace
) -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    tokens: Any = SQLAlchemyAccessTokenDatabase(
        access_token_model=AccessTokenDB, session=session, access_token_table=tables.AccessToken
    )

    assert tokens.access_token_model is AccessTokenDB
    assert tokens.session is session
    assert tokens.access_token_table is tables.AccessToken


@current_form
async def test_attributes_and_keywords(session: AsyncSession, tables: SimpleNamespace) -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    tokens: Any = SQLAlchemyAccessTokenDatabase(
        session=session, access_token_table=tables.AccessToken
    )

    assert tokens.session is session
    assert tokens.access_token_table is tables.AccessToken


@current_form
async def test_subclass_that_adds_expires_at(session: AsyncSession, create_all: Any) -> None:
    from fastapi_users_db_sqlalchemy.access_token import (
        SQLAlchemyAccessTokenDatabase,
        SQLAlchemyBaseAccessTokenTableUUID,
    )

    class AccessTokenDatabase(SQLAlchemyAccessTokenDatabase):
        async def create(self, create_dict: dict[str, Any]) -> Any:
            return await super().create({**create_dict, "expires_at": datetime(2020, 1, 1)})

        async def get_by_token(self, token: str, max_age: datetime | None = None) -> Any:
            statement = select(self.access_token_table).where(
                self.access_token_table.token == token,
                self.access_token_table.expires_at >= datetime(2021, 1, 1),
            )
            return (await self.session.execute(statement)).scalar_one_or_none()

    base: Any = declarative_base()

    class User(package.SQLAlchemyBaseUserTableUUID, base):
        pass

    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, base):
        expires_at = Column(DateTime)

    await create_all(base)
    users = SQLAlchemyUserDatabase(session, User)
    user_id = (await users.create(anne())).id
    tokens = AccessTokenDatabase(session, AccessToken)

    access_token = await tokens.create({"token": "token", "user_id": user_id})

    assert access_token.expires_at == datetime(2020, 1, 1)
    assert await tokens.get_by_token("token") is None


@legacy_orm_form
async def test_legacy_subclass_that_overrides_get_by_token(
    session: AsyncSession, tables: SimpleNamespace
) -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    class AccessTokenDatabase(SQLAlchemyAccessTokenDatabase):
        async def get_by_token(self, token: str, max_age: datetime | None = None) -> Any:
            return await super().get_by_token(token.strip(), max_age)

    tokens: Any = AccessTokenDatabase(AccessTokenDB, session, tables.AccessToken)

    assert await tokens.get_by_token(" token ") is None


def test_type_parameter() -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    assert SQLAlchemyAccessTokenDatabase[AccessTokenDB].__args__ == (AccessTokenDB,)


async def test_arguments_by_upstreams_names(tokens: Tokens) -> None:
    if tokens.returned is not AccessTokenDB:
        pytest.skip("the current form has today's names alone")
    given = AccessTokenDB(token="token", user_id=tokens.user_id, created_at=NOW)

    token = await tokens.database.create(access_token=given)
    await tokens.database.update(access_token=token)
    assert await tokens.database.get_by_token(token="token", max_age=EARLIER) is not None
    await tokens.database.delete(access_token=token)

    assert await tokens.database.get_by_token(token="token") is None


@current_form
@pytest.mark.parametrize("name", ["database", "access_tokens", "access_token_model", "commit"])
async def test_attribute_by_a_name_of_another_form(
    session: AsyncSession, current: SimpleNamespace, name: str
) -> None:
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    user = await SQLAlchemyUserDatabase(session, current.User).create(anne())
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, current.AccessToken)
    setattr(tokens, name, "tenant_1")
    token = await tokens.create({"token": "token", "user_id": user.id})

    assert await tokens.get_by_token("token") is token


class _Marked(AccessTokenDB):
    def dict(self, **options: Any) -> Any:
        dump = "dict" if pydantic.VERSION.startswith("1.") else "model_dump"
        return {**getattr(super(), dump)(**options), "created_at": EARLIER}


async def test_own_dict_of_a_model_has_the_say(tokens: Tokens) -> None:
    if tokens.returned is not AccessTokenDB:
        pytest.skip("the current form has no models")
    given = _Marked(token="token", user_id=tokens.user_id, created_at=NOW)

    await tokens.database.create(given)
    assert await tokens.database.get_by_token("token", NOW) is None
    given.created_at = NOW
    await tokens.database.update(given)

    assert await tokens.database.get_by_token("token", NOW) is None
