"""Statements are compiled once, whatever their values; `databases` compiles each anew.

Without `CompiledOnce`, what is counted here is some 20 and not 0.
"""

import asyncio
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from databases import Database
from sqlalchemy import Column, MetaData, String, Table, TypeDecorator, func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import compiler

from fastapi_users_db import (
    GUID,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
)
from fastapi_users_db.adapters.rows import CompiledOnce
from tests.conformance.models import AccessToken, Base, OAuthAccount, User
from tests.conftest import DATABASES, Addresses, create_tables
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


class Shout(TypeDecorator[str]):
    """A type of an app's own, which does not say whether it may be part of a cache key."""

    impl = String

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.upper()


shouts = MetaData()
loud_users = Table(
    "loud_users",
    shouts,
    Column("id", GUID, primary_key=True, default=uuid.uuid4),
    Column("email", String(320), nullable=False),
    Column("hashed_password", String(1024), nullable=False),
    Column("name", Shout(20)),
)


@pytest.fixture(scope="module", params=DATABASES)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    for metadata in (Base.metadata, shouts):
        asyncio.run(create_tables(addresses, metadata))
    return addresses


@pytest.fixture
async def database(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[Database]:
    # One of its own: for one that others have used, nothing is compiled any more.
    options = {} if addresses.name == "sqlite" else {"min_size": 1}
    async with Database(addresses.databases, **options) as database:
        yield database
    for metadata in (Base.metadata, shouts):
        await delete_rows(engine_of(addresses), metadata)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements that have been compiled."""
    statements: list[str] = []
    compile_ = compiler.SQLCompiler.__init__

    def counting(self: Any, dialect: Any, statement: Any, *args: Any, **options: Any) -> None:
        if statement is not None:
            statements.append(type(statement).__name__)
        compile_(self, dialect, statement, *args, **options)

    monkeypatch.setattr(compiler.SQLCompiler, "__init__", counting)
    return statements


async def test_the_second_time_nothing_is_compiled(database: Database, compiled: list[str]) -> None:
    async def operate(person: dict[str, str], account: dict[str, str], token: str) -> None:
        users: Any = DatabasesUserDatabase(database, User, OAuthAccount)
        tokens: Any = DatabasesAccessTokenDatabase(database, AccessToken)
        await users.create(person)
        user = await users.get_by_email(person["email"])
        await users.add_oauth_account(user, account)
        user = await users.get_by_oauth_account("provider", account["account_id"])
        await users.update(user, {"name": person["email"][:4]})
        found = await users.get(user.id)
        assert found.name == person["email"][:4]
        assert [account["account_id"]] == [a.account_id for a in found.oauth_accounts]
        await tokens.create({"token": token, "user_id": user.id})
        assert (await tokens.get_by_token(token)).user_id == user.id
        await tokens.delete(await tokens.get_by_token(token))
        assert await tokens.get_by_token(token) is None
        await users.delete(user)

    await operate(ANNE, ACCOUNT, "a")
    assert compiled
    compiled.clear()
    await operate(BERT, {**ACCOUNT, "account_id": "2"}, "b")
    # Of what SQLite is asked for itself: SELECT changes()
    assert [statement for statement in compiled if statement != "TextClause"] == []


async def test_a_list_of_values_is_compiled_at_its_length(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, User)
    people = [(await users.create(person)).email for person in (ANNE, BERT)]
    for emails in (people[:1], people, people[1:], []):
        statement = CompiledOnce(select(User.email).where(User.email.in_(emails)), {})
        records = await database.fetch_all(statement)
        assert {record[0] for record in records} == {*emails}


async def test_an_expression_is_no_parameter(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, User)
    anne = await users.create({**ANNE, "name": func.lower("ANNE")})
    assert anne.name == "anne"
    assert (await users.update(anne, {"name": func.upper("anne")})).name == "ANNE"
    assert (await users.update(anne, {"name": "Ann"})).name == "Ann"
    assert (await users.get(anne.id)).name == "Ann"


async def test_a_type_that_does_not_say_whether_it_may_be_cached_is_not_warned_of(
    database: Database,
) -> None:
    users: Any = DatabasesUserDatabase(database, loud_users, user_model=SimpleNamespace)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anne = await users.create({**ANNE, "name": "anne"})
        bert = await users.create({**BERT, "name": "bert"})
        assert (await users.get(anne.id)).name == "ANNE"
        await users.update(bert, {"hashed_password": "new"})
        assert (await users.get_by_email("bert@example.com")).hashed_password == "new"


def test_it_shows_the_statement() -> None:
    assert str(CompiledOnce(select(User.id), {})) == str(select(User.id))
