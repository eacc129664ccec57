"""A statement of the app's own, through the hook `_get_user`, may select as it likes."""

import uuid
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest
from sqlalchemy import event, select, text, union_all
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE, BERT


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    note: Mapped[int] = mapped_column(default=1, deferred=True)
    oauth_accounts: Mapped[list[Account]] = relationship()


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    note: Mapped[int] = mapped_column(default=1, deferred=True)


IS_ANNE = User.email == ANNE["email"]


def _alias() -> Any:
    other = aliased(User)
    return select(other).where(other.email == ANNE["email"])


def _union() -> Any:
    nobody = select(User).where(User.email == "")
    return select(aliased(User, union_all(select(User).where(IS_ANNE), nobody).subquery()))


def _text() -> Any:
    table, email = User.__table__, ANNE["email"]
    statement = select(table.c.id, table.c.email).where(table.c.email == email)
    return select(User).from_statement(statement)


def _whole_union() -> Any:
    return select(User).from_statement(union_all(select(User).where(IS_ANNE)))


@pytest.mark.parametrize("build", [_alias, _union, _text, _whole_union])
async def test_whatever_finds_a_user_finds_it_complete(app: App, build: Callable[[], Any]) -> None:
    async with app.users(User, Account) as users:
        await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.create(BERT)
    async with app.users(User, Account) as users:
        user = await users._get_user(build())

    assert (user.email, user.note) == (ANNE["email"], 1)
    assert [account.account_id for account in user.oauth_accounts] == ["1"]


@pytest.mark.parametrize(
    "statement", [select(User.email).where(IS_ANNE), text(f"SELECT '{ANNE['email']}'")]
)
async def test_what_is_no_user_is_returned_as_it_is(app: App, statement: Any) -> None:
    async with app.users(User, Account) as users:
        await users.create(ANNE)
        assert await users._get_user(statement) == ANNE["email"]


@pytest.mark.parametrize(
    "change",
    [
        lambda statement: statement.with_for_update(),
        lambda statement: statement.group_by(User.id),
        lambda statement: statement.distinct(),
    ],
    ids=["for update", "group by", "distinct"],
)
async def test_a_hook_may_lock_and_group(app: App, change: Any) -> None:
    class Changing(SQLAlchemyUserDatabase[Any, Any]):
        async def _get_user(self, statement: Any) -> Any:
            return await super()._get_user(change(statement))

    async with app.users(User, Account, Changing) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account, Changing) as users:
        found = await users.get_by_email("ANNE@example.com")

    assert (found.id, found.note) == (user.id, 1)
    assert [account.account_id for account in found.oauth_accounts] == ["1"]


async def test_a_token_may_be_found_by_an_alias(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        await tokens.create({"token": "a" * 43, "user_id": user.id})
    async with app.tokens(Token) as tokens:
        found = await tokens._get_token(select(aliased(Token)))

    assert (found.token, found.note) == ("a" * 43, 1)


async def test_what_a_hook_has_made_of_a_user_is_not_judged(app: App) -> None:
    made = MagicMock()

    class Making(SQLAlchemyUserDatabase[Any, Any]):
        async def _get_user(self, statement: Any) -> Any:
            return made

    async with app.users(User, Account, Making) as users:
        found = [
            await users.get(uuid.uuid4()),
            await users.get_by_email("anne@example.com"),
            await users.get_by_oauth_account("provider", "1"),
        ]

    assert all(user is made for user in found)


async def test_a_listener_may_refuse_statements_that_change_many_rows(app: App) -> None:
    """The session deletes a user one by one, with the accounts."""

    def refuse(state: Any) -> None:
        assert state.is_select

    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        event.listen(users.session.sync_session, "do_orm_execute", refuse)
        await users.delete(user)

    assert (await app.number(User), await app.number(Account)) == (0, 0)
