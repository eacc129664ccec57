"""Rows that the app's own filters hide are not gone: tenants, and deletion by a mark."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import DateTime, Integer, event, func
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    with_loader_criteria,
)

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE, BERT

NOW = datetime(2030, 1, 1)


class Base(DeclarativeBase):
    pass


class Hidden:
    """Rows that are another tenant's, or are marked as deleted."""

    tenant_id: Mapped[int] = mapped_column(Integer, default=1)
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime)
    changed_at: Mapped[datetime] = mapped_column(
        DateTime, server_default=func.now(), onupdate=func.now()
    )


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Hidden, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Hidden, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="joined", cascade="all, delete-orphan"
    )


class Token(SQLAlchemyBaseAccessTokenTableUUID, Hidden, Base):
    user: Mapped[User] = relationship(lazy="joined")


FILTER = with_loader_criteria(
    Hidden,
    lambda cls: (cls.tenant_id == 1) & cls.deleted_at.is_(None),
    include_aliases=True,
)


def _filter_queries(state: Any) -> None:
    if state.is_select and not (state.is_column_load or state.is_relationship_load):
        state.statement = state.statement.options(FILTER)


def _filter_everything(state: Any) -> None:
    if state.is_select:
        state.statement = state.statement.options(FILTER)


class Filtering(SQLAlchemyUserDatabase[Any, Any]):
    async def _get_user(self, statement: Any) -> Any:
        return await super()._get_user(statement.options(FILTER))


@pytest.fixture(params=["queries", "everything", "hook"])
def kind(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The adapter's class, with the app's filter at one of the places where apps have it."""
    if request.param == "hook":
        yield Filtering
        return
    listener = _filter_queries if request.param == "queries" else _filter_everything
    event.listen(Session, "do_orm_execute", listener)
    yield None
    event.remove(Session, "do_orm_execute", listener)


@pytest.fixture
def backend() -> str:
    return "orm"


async def test_a_user_of_the_tenant_lives_its_whole_life(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        [first] = [a for a in user.oauth_accounts if a.account_id == "1"]
        await users.update_oauth_account(user, first, {"access_token": "new"})
        await users.update(user, {"is_verified": True, "oauth_accounts": [ACCOUNT]})
        found = await users.get_by_oauth_account("provider", "1")
        await users.delete(found)

    assert (found.id, [a.account_id for a in found.oauth_accounts]) == (user.id, ["1"])
    assert await app.number(User) == await app.number(Account) == 0


async def test_a_first_account_is_linked(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create(ANNE)
    async with app.users(User, Account, kind) as users:
        found = await users.get(user.id)
        await users.add_oauth_account(found, ACCOUNT)

    assert [account.account_id for account in found.oauth_accounts] == ["1"]


@pytest.mark.parametrize("hiding", [{"deleted_at": NOW}, {"tenant_id": 2}], ids=["mark", "tenant"])
async def test_an_update_may_hide_the_user(app: App, kind: Any, hiding: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update(user, hiding)
        found = [await users.get(user.id), await users.get_by_email(ANNE["email"])]

    assert found == [None, None]
    assert {key: getattr(user, key) for key in hiding} == hiding
    assert (user.email, len(user.oauth_accounts)) == (ANNE["email"], 1)
    assert await app.number(User) == 1


async def test_an_update_may_hide_the_user_and_change_its_accounts(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update(user, {"deleted_at": NOW, "oauth_accounts": []})

    assert user.deleted_at == NOW
    assert (await app.number(User), await app.number(Account)) == (1, 0)


async def test_a_hidden_user_may_be_created(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "tenant_id": 2})
        found = await users.get(user.id)

    assert (user.tenant_id, found) == (2, None)
    assert (user.email, user.oauth_accounts) == (ANNE["email"], [])


async def test_a_hidden_user_whom_the_app_holds_is_changed(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create(ANNE)
        await users.update(user, {"deleted_at": NOW})
        await users.update(user, {"hashed_password": "new"})
        await users.add_oauth_account(user, ACCOUNT)
        await users.update(user, {"deleted_at": None})
        found = await users.get(user.id)

    assert (found.hashed_password, len(found.oauth_accounts)) == ("new", 1)


async def test_a_hidden_user_is_deleted(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update(user, {"deleted_at": NOW})
        await users.delete(user)

    assert await app.number(User) == await app.number(Account) == 0


async def test_an_account_may_hide_itself(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update_oauth_account(user, user.oauth_accounts[0], {"deleted_at": NOW})
        found = await users.get_by_oauth_account("provider", "1")

    assert found is None
    assert await app.number(Account) == 1


async def test_an_address_that_is_hidden_is_taken(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        await users.create({**ANNE, "tenant_id": 2})
        bert = await users.create(BERT)
        for write in (users.create(ANNE), users.update(bert, {"email": ANNE["email"]})):
            with pytest.raises(UserAlreadyExistsError):
                await write

    assert bert.email == BERT["email"]


async def test_a_user_who_is_gone_is_gone(app: App, kind: Any) -> None:
    async with app.users(User, Account, kind) as users:
        user = await users.create(ANNE)
    async with app.users(User, Account, kind) as others:
        await others.delete(await others.get(user.id))
    async with app.users(User, Account, kind) as users:
        for write in (
            users.update(user, {"hashed_password": "new"}),
            users.add_oauth_account(user, ACCOUNT),
        ):
            with pytest.raises(UserNotFoundError):
                await write


@pytest.mark.parametrize("kind", ["queries", "everything"], indirect=True)
async def test_an_update_may_hide_a_token(app: App, kind: Any) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        await tokens.update(token, {"deleted_at": NOW})
        found = await tokens.get_by_token("a" * 43)

    assert (found, token.deleted_at, token.user.email) == (None, NOW, ANNE["email"])
    assert await app.number(Token) == 1


@pytest.mark.parametrize("kind", ["queries", "everything"], indirect=True)
async def test_a_token_of_a_hidden_user_is_written(app: App, kind: Any) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "tenant_id": 2})
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        await tokens.update(token, {"token": "b" * 43})
        await tokens.delete(token)

    assert token.token == "b" * 43
    assert await app.number(Token) == 0
