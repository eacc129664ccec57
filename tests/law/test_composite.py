"""Primary keys, and references to users, may be of several columns."""

import uuid
from typing import Any

import pytest
from sqlalchemy import ForeignKeyConstraint, Integer, String
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

READ_BY_BOTH = pytest.mark.parametrize("backend", BOTH, indirect=True)


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTable[uuid.UUID], Base):
    id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True, default=uuid.uuid4)
    tenant_id: Mapped[int] = mapped_column()
    user_id: Mapped[uuid.UUID] = mapped_column(GUID)

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user.tenant_id", "user.id"]),
    )


class User(SQLAlchemyBaseUserTable[uuid.UUID], Base):
    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True, default=uuid.uuid4)
    oauth_accounts: Mapped[list[Account]] = relationship(lazy="joined")


class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    user_id: Mapped[uuid.UUID] = mapped_column(GUID)

    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user.tenant_id", "user.id"]),
    )


class AllBase(DeclarativeBase):
    pass


class AllAccount(SQLAlchemyBaseOAuthAccountTable[int], AllBase):
    """The external account is the key."""

    oauth_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    region: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int] = mapped_column()

    __table_args__ = (ForeignKeyConstraint(["region", "user_id"], ["user.region", "user.id"]),)


class AllUser(SQLAlchemyBaseUserTable[int], AllBase):
    region: Mapped[str] = mapped_column(String(10), primary_key=True, default="eu")
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    oauth_accounts: Mapped[list[AllAccount]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )


@READ_BY_BOTH
async def test_a_user_with_a_key_of_two_columns_lives_its_whole_life(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "tenant_id": 1, "oauth_accounts": [ACCOUNT]})
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        [first] = [a for a in user.oauth_accounts if a.account_id == "1"]
        await users.update_oauth_account(user, first, {"access_token": "new"})
        await users.update(user, {"is_active": False, "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")
        await users.delete(await users.get(user.id))

    assert [(a.tenant_id, a.user_id) for a in found.oauth_accounts] == [(1, user.id)]
    assert await app.number(User) == await app.number(Account) == 0


@READ_BY_BOTH
async def test_of_one_id_in_two_tenants_nobody_is_chosen(app: App) -> None:
    user_id = uuid.uuid4()
    async with app.users(User, Account) as users:
        await users.create({**ANNE, "tenant_id": 1, "id": user_id})
        bert = await users.create({**BERT, "tenant_id": 2, "id": user_id})
        await users.add_oauth_account(bert, ACCOUNT)
        await users.update(bert, {"is_verified": True})
        found = await users.get_by_oauth_account("provider", "1")
        with pytest.raises(MultipleResultsFound):
            await users.get(user_id)
        anne = await users.get_by_email(ANNE["email"])
        await users.delete(bert)

    assert (found.tenant_id, anne.is_verified, anne.oauth_accounts) == (2, False, [])
    assert await app.number(User) == 1


@READ_BY_BOTH
async def test_a_key_may_be_changed_with_a_taken_address_or_without(app: App) -> None:
    async with app.users(User) as users:
        await users.create({**ANNE, "tenant_id": 1})
        bert = await users.create({**BERT, "tenant_id": 1})
        with pytest.raises(UserAlreadyExistsError):
            await users.update(bert, {"tenant_id": 2, "email": ANNE["email"]})
        before = bert.tenant_id
        await users.update(bert, {"tenant_id": 2})
        found = await users.get(bert.id)

    assert (before, bert.tenant_id, found.tenant_id) == (1, 2, 2)


@READ_BY_BOTH
async def test_accounts_may_have_the_external_account_as_key(app: App) -> None:
    async with app.users(AllUser, AllAccount) as users:
        user = await users.create({**ANNE, "id": 1})
        await users.add_oauth_account(user, ACCOUNT)
        await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
        await users.update(user, {"oauth_accounts": [{**ACCOUNT, "account_id": "2"}, ACCOUNT]})
        for account in user.oauth_accounts:
            await users.update_oauth_account(
                user, account, {"access_token": f"of {account.account_id}"}
            )
    async with app.users(AllUser, AllAccount) as users:
        found = await users.get_by_oauth_account("provider", "2")
        await users.delete(found)

    assert sorted(a.access_token for a in found.oauth_accounts) == ["of 1", "of 2"]
    assert {a.region for a in found.oauth_accounts} == {"eu"}
    assert await app.number(AllAccount) == 0


@READ_BY_BOTH
async def test_one_who_is_gone_is_not_one_of_the_same_id(app: App) -> None:
    user_id = uuid.uuid4()
    async with app.users(User, Account) as users:
        await users.create({**ANNE, "tenant_id": 1, "id": user_id})
        bert = await users.create({**BERT, "tenant_id": 2, "id": user_id})
    async with app.users(User, Account) as users:
        await users.delete(await users.get_by_email(BERT["email"]))
    async with app.users(User, Account) as users:
        with pytest.raises(UserNotFoundError):
            await users.update(bert, {"is_verified": True})
        with pytest.raises(UserNotFoundError):
            await users.add_oauth_account(bert, ACCOUNT)

    assert await app.number(Account) == 0


@READ_BY_BOTH
async def test_a_token_may_have_a_key_of_two_columns(app: App) -> None:
    async with app.users(User, Account) as users:
        user: Any = await users.create({**ANNE, "tenant_id": 1})
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "tenant_id": 1, "user_id": user.id})
        found = await tokens.get_by_token("a" * 43)
        await tokens.update(token, {"token": "b" * 43})
        await tokens.delete(token)

    assert (found.tenant_id, found.user_id, token.token) == (1, user.id, "b" * 43)
    assert await app.number(Token) == 0
