"""Users, accounts and tokens of several kinds: what counts is the instance's own mapper."""

from typing import Any

import pytest
from sqlalchemy import DateTime, ForeignKey, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    UserAlreadyExistsError,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE, BERT

OVER_DATABASES = pytest.mark.parametrize("backend", ["databases"], indirect=True)


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    kind: Mapped[str] = mapped_column(String(10))

    __mapper_args__ = {  # noqa: RUF012
        "polymorphic_on": "kind",
        "polymorphic_identity": "plain",
        "with_polymorphic": "*",
    }


class WorkAccount(Account):
    __tablename__ = None

    company: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__ = {"polymorphic_identity": "work"}  # noqa: RUF012


class User(SQLAlchemyBaseUserTableUUID, Base):
    kind: Mapped[str] = mapped_column(String(10))
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="selectin", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "user"}  # noqa: RUF012


class Clerk(User):
    """In a table of its own, which the base class does not load."""

    __tablename__ = "clerk"

    id: Mapped[Any] = mapped_column(GUID, ForeignKey("user.id"), primary_key=True)
    room: Mapped[str | None] = mapped_column(String(20))
    changed: Mapped[Any] = mapped_column(DateTime, server_default=func.now())
    desks: Mapped[list["Desk"]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    __mapper_args__ = {"polymorphic_identity": "clerk"}  # noqa: RUF012


class Desk(Base):
    __tablename__ = "desk"

    id: Mapped[int] = mapped_column(primary_key=True)
    clerk_id: Mapped[Any] = mapped_column(GUID, ForeignKey("clerk.id"))


class Guest(User):
    """In the same table as the base class."""

    __tablename__ = None

    host: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__ = {"polymorphic_identity": "guest"}  # noqa: RUF012


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    kind: Mapped[str] = mapped_column(String(10))

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "token"}  # noqa: RUF012


class Refresh(Token):
    __tablename__ = "refresh"

    token: Mapped[str] = mapped_column(ForeignKey("accesstoken.token"), primary_key=True)
    family: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__ = {"polymorphic_identity": "refresh"}  # noqa: RUF012


async def test_the_base_class_finds_a_leaf_complete(app: App) -> None:
    async with app.users(Clerk) as clerks:
        await clerks.create({**ANNE, "room": "1", "desks": [Desk()]})
    async with app.users(User) as users:
        found = await users.get_by_email(ANNE["email"])

    assert (type(found), found.room, len(found.desks)) == (Clerk, "1", 1)
    assert found.changed


async def test_the_base_class_changes_what_only_the_leaf_has(app: App) -> None:
    async with app.users(Clerk) as clerks:
        clerk = await clerks.create({**ANNE, "room": "1"})
    async with app.users(Guest) as guests:
        guest = await guests.create({**BERT, "host": "Anne"})
    async with app.users(User) as users:
        clerk = await users.update(await users.get(clerk.id), {"room": "2", "is_verified": True})
        guest = await users.update(await users.get(guest.id), {"host": "Nobody"})
    async with app.users(Clerk) as clerks:
        found = await clerks.get(clerk.id)

    assert (clerk.room, clerk.is_verified, clerk.desks, guest.host) == ("2", True, [], "Nobody")
    assert (found.room, found.is_verified) == ("2", True)


async def test_the_base_class_has_not_what_only_a_leaf_has(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
        with pytest.raises(TypeError, match="room"):
            await users.create({**BERT, "room": "1"})

    assert type(user) is User


async def test_a_leaf_finds_its_own_only(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
    async with app.users(Clerk) as clerks:
        found = [await clerks.get(user.id), await clerks.get_by_email(ANNE["email"])]
        with pytest.raises(UserAlreadyExistsError):
            await clerks.create(ANNE)

    assert found == [None, None]


async def test_a_leaf_keeps_accounts_of_the_base_class(app: App) -> None:
    async with app.users(Clerk, Account) as clerks:
        clerk = await clerks.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")
        await users.add_oauth_account(found, {**ACCOUNT, "account_id": "2"})
        await users.update(found, {"oauth_accounts": [{**ACCOUNT, "account_id": "2"}]})

    assert (type(found), found.id) == (Clerk, clerk.id)
    assert [account.account_id for account in found.oauth_accounts] == ["2"]


async def test_accounts_may_be_of_several_kinds(app: App) -> None:
    async with app.users(User, WorkAccount) as users:
        user = await users.create(ANNE)
        await users.add_oauth_account(user, {**ACCOUNT, "company": "Acme"})
    async with app.users(User, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")
        [account] = found.oauth_accounts
        await users.update_oauth_account(found, account, {"access_token": "new"})

    assert (type(account), account.company, account.access_token) == (WorkAccount, "Acme", "new")


async def test_the_base_class_deletes_all_of_a_leaf(app: App) -> None:
    async with app.users(Clerk, Account) as clerks:
        await clerks.create({**ANNE, "desks": [Desk()], "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account) as users:
        await users.delete(await users.get_by_email(ANNE["email"]))

    assert [await app.number(one) for one in (User, Clerk, Desk, Account)] == [0, 0, 0, 0]


async def test_the_base_class_finds_a_token_of_a_leaf_complete(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
    async with app.tokens(Refresh) as tokens:
        created = await tokens.create({"token": "a" * 43, "user_id": user.id, "family": "f"})
    async with app.tokens(Token) as tokens:
        found = await tokens.get_by_token("a" * 43)
        family = found.family
        await tokens.update(found, {"family": "g"})
        changed = found.family
        await tokens.delete(found)

    assert (type(found), created.family, family, changed) == (Refresh, "f", "f", "g")
    assert await app.number(Refresh) == 0


@OVER_DATABASES
@pytest.mark.parametrize("user", [User, Clerk, Guest])
async def test_databases_names_the_class_that_it_cannot_read(app: App, user: Any) -> None:
    async with app.users(user) as users:
        for call in (users.get_by_email(ANNE["email"]), users.create(ANNE)):
            with pytest.raises(TypeError, match=rf"{user.__name__} .* Use the ORM adapter"):
                await call


@OVER_DATABASES
async def test_databases_names_the_class_of_accounts_that_it_cannot_read(app: App) -> None:
    class PlainBase(DeclarativeBase):
        pass

    class Plain(SQLAlchemyBaseOAuthAccountTableUUID, PlainBase):
        kind: Mapped[str] = mapped_column(String(10))

        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "a"}  # noqa: RUF012

    class PlainUser(SQLAlchemyBaseUserTableUUID, PlainBase):
        oauth_accounts: Mapped[list[Plain]] = relationship(Plain)

    async with app.users(PlainUser, Plain) as users:
        with pytest.raises(TypeError, match=r"Plain .* Use the ORM adapter"):
            await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})


@OVER_DATABASES
async def test_databases_names_the_class_of_tokens_that_it_cannot_read(app: App) -> None:
    async with app.tokens(Refresh) as tokens:
        with pytest.raises(TypeError, match=r"Refresh .* Use the ORM adapter"):
            await tokens.get_by_token("a")
