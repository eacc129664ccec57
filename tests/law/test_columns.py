"""The app's columns have the app's rules: e-mail addresses that may be missing, and others."""

import uuid
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates
from sqlmodel import Field, SQLModel

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    UserAlreadyExistsError,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

pytestmark = pytest.mark.parametrize("backend", BOTH, indirect=True)


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    account_email: Mapped[str | None] = mapped_column(String(320))
    access_token: Mapped[str | None] = mapped_column(Text)


class User(SQLAlchemyBaseUserTableUUID, Base):
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    hashed_password: Mapped[str | None] = mapped_column(String(1024))
    phone: Mapped[str | None] = mapped_column(String(20), unique=True)
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="joined", cascade="all, delete-orphan"
    )


async def test_several_users_have_no_address(app: App) -> None:
    async with app.users(User) as users:
        one = await users.create({"phone": "1"})
        two = await users.create({"phone": "2", "email": None, "hashed_password": None})

    assert (one.email, two.email, one.hashed_password) == (None, None, None)


async def test_an_address_is_taken_away_and_given_back(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
        await users.update(user, {"email": None})
        gone = await users.get_by_email(ANNE["email"])
        await users.update(user, {"email": BERT["email"]})
        found = await users.get_by_email("BERT@example.com")

    assert (gone, user.email, found.id) == (None, BERT["email"], user.id)


async def test_a_taken_address_is_refused_to_one_who_has_none(app: App) -> None:
    async with app.users(User) as users:
        await users.create(ANNE)
        guest = await users.create({"phone": "1"})
        with pytest.raises(UserAlreadyExistsError):
            await users.update(guest, {"email": ANNE["email"]})

    assert guest.email is None


async def test_another_unique_column_is_no_taken_address(app: App) -> None:
    async with app.users(User) as users:
        await users.create({"phone": "1"})
        with (
            pytest.raises(IntegrityError)
            if app.backend != "databases"
            else pytest.raises(Exception, match=r"(?i)unique|duplicate") as caught
        ):
            await users.create({"phone": "1", "email": None})

    assert not isinstance(caught.value, UserAlreadyExistsError)


async def test_an_account_need_have_neither_address_nor_token(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({"phone": "1"})
        await users.add_oauth_account(user, {**ACCOUNT, "account_email": None})
        await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": None})
    async with app.users(User, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")

    [account] = found.oauth_accounts
    assert (found.email, account.account_email, account.access_token) == (None, None, None)


class BaseOfRules(DeclarativeBase):
    pass


class UserOfRules(SQLAlchemyBaseUserTableUUID, BaseOfRules):
    email: Mapped[str] = mapped_column(Text().with_variant(String(400), "mysql", "mariadb"))
    first: Mapped[str] = mapped_column(String(1000))
    nickname: Mapped[str | None] = mapped_column(String(100), default="none")

    __table_args__ = (UniqueConstraint("email", "first"),)

    @validates("first")
    def _strip(self, key: str, value: Any) -> Any:
        return str(value).strip()


async def test_a_validator_takes_what_the_column_would_not(app: App) -> None:
    async with app.users(UserOfRules) as users:
        user = await users.create({**ANNE, "first": 5, "nickname": None})
        await users.update(user, {"first": " 6 "})

    assert user.first == "6"


async def test_an_address_may_be_longer_than_the_mixins(app: App) -> None:
    address = "a" * 330 + "@example.com"
    async with app.users(UserOfRules) as users:
        user = await users.create({**ANNE, "email": address, "first": "A"})
        found = await users.get_by_email(address.upper())

    assert (user.email, found.id) == (address, user.id)


class BaseOfTokens(DeclarativeBase):
    pass


class Person(SQLAlchemyBaseUserTableUUID, BaseOfTokens):
    pass


class TokenOfTokens(SQLAlchemyBaseAccessTokenTable[uuid.UUID], BaseOfTokens):
    token: Mapped[str] = mapped_column(String(100), primary_key=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(GUID, ForeignKey("user.id"))


async def test_a_token_may_be_longer_and_nobodys(app: App) -> None:
    async with app.tokens(TokenOfTokens) as tokens:
        token = await tokens.create({"token": "t" * 90, "user_id": None})
        found = await tokens.get_by_token("t" * 90)

    assert (found.token, found.user_id, token.user_id) == ("t" * 90, None, None)


class Member(SQLModel, table=True):
    __tablename__ = "member"

    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    email: str | None = Field(default=None, max_length=320, unique=True)
    hashed_password: str = Field(max_length=1024)
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = False


async def test_a_model_of_sqlmodel_need_have_no_address(app: App) -> None:
    async with app.users(Member) as users:
        one = await users.create({"hashed_password": "hash"})
        two = await users.create(ANNE)
        await users.update(two, {"email": None, "is_verified": True})
    async with app.users(Member) as users:
        found = await users.get(two.id)

    assert (one.email, two.email, found.email, found.is_verified) == (None, None, None, True)
