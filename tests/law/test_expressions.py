"""Complete is what the mapper of the instance maps: expressions, deferred columns, composites."""

import dataclasses
from typing import Any

import pytest
from sqlalchemy import Computed, ForeignKey, Integer, String, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    composite,
    deferred,
    mapped_column,
    query_expression,
    relationship,
)

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE

READ_BY_BOTH = pytest.mark.parametrize("backend", BOTH, indirect=True)
TOKEN = {"token": "t" * 43}


class Base(DeclarativeBase):
    pass


@dataclasses.dataclass
class Place:
    street: str | None
    town: str | None


class Post(Base):
    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    note: Mapped[str | None] = deferred(mapped_column(String(50)))


Account.label = column_property(Account.oauth_name + ":" + Account.account_id)


class User(SQLAlchemyBaseUserTableUUID, Base):
    first: Mapped[str] = mapped_column(String(50), default="Anne")
    last: Mapped[str] = mapped_column(String(50), default="Smith")
    name = column_property(first + " " + last)
    size: Mapped[int] = mapped_column(default=2)
    double: Mapped[int] = mapped_column(Integer, Computed("size * 2", persisted=True))
    biography: Mapped[str | None] = deferred(mapped_column(String(50)))
    secret: Mapped[str | None] = deferred(mapped_column(String(50)), raiseload=True)
    street: Mapped[str | None] = mapped_column(String(50))
    town: Mapped[str | None] = mapped_column(String(50))
    place: Mapped[Place] = composite("street", "town")
    rank: Mapped[int] = query_expression()
    oauth_accounts: Mapped[list[Account]] = relationship(lazy="selectin")


User.number_of_posts = column_property(
    select(func.count(Post.id)).where(Post.user_id == User.id).scalar_subquery()
)
User.shout = column_property(func.upper(User.last), deferred=True)


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    device: Mapped[str | None] = deferred(mapped_column(String(50)))


Token.length = column_property(func.length(Token.token))


async def test_expressions_are_there_after_every_method(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        created = (user.name, user.shout, user.number_of_posts, user.double)
        await users.update(user, {"last": "Jones", "size": 5})
        updated = (user.name, user.shout, user.number_of_posts, user.double)
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        for account in user.oauth_accounts:
            await users.update_oauth_account(user, account, {"account_email": "new@example.com"})

    assert created == ("Anne Smith", "SMITH", 0, 4)
    assert updated == ("Anne Jones", "JONES", 0, 10)
    assert (user.name, user.shout, user.number_of_posts) == ("Anne Jones", "JONES", 0)
    assert sorted(a.label for a in user.oauth_accounts) == ["provider:1", "provider:2"]


async def test_expressions_are_there_after_a_look_up(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create(ANNE)
    async with app.users(User, Account) as users:
        found = await users.get(user.id)

    assert (found.name, found.shout, found.double) == ("Anne Smith", "SMITH", 4)
    assert (found.biography, found.number_of_posts) == (None, 0)


async def test_an_expression_of_another_table_is_as_the_database_gives_it(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create(ANNE)
        users.session.add(Post(user_id=user.id))
        await users.update(user, {"first": "Ann"})
    async with app.users(User, Account) as users:
        found = await users.get(user.id)

    assert found.number_of_posts == 1


async def test_a_deferred_column_that_may_not_be_loaded_is_left_alone(app: App) -> None:
    async with app.users(User, Account) as users:
        await users.create({**ANNE, "secret": "s", "biography": "b"})
    async with app.users(User, Account) as users:
        user = await users.get_by_email(ANNE["email"])
        await users.update(user, {"biography": "c"})

    assert user.biography == "c"
    assert "secret" not in vars(user)


async def test_a_composite_is_given_and_returned(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "place": Place("1 Road", "York")})
        created = user.place
        await users.update(user, {"place": Place("2 Road", "York")})
    async with app.users(User, Account) as users:
        found = await users.get(user.id)

    assert created == Place("1 Road", "York")
    assert (user.street, found.place) == ("2 Road", Place("2 Road", "York"))


async def test_a_composite_follows_its_columns(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "street": "1 Road"})
        before = user.place
        await users.update(user, {"street": "2 Road", "town": "Bath"})

    assert (before, user.place) == (Place("1 Road", None), Place("2 Road", "Bath"))


async def test_an_expression_cannot_be_given(app: App) -> None:
    async with app.users(User, Account) as users:
        with pytest.raises(TypeError, match=r"User\.name"):
            await users.create({**ANNE, "name": "Somebody Else"})


async def test_a_token_has_its_expressions_and_deferred_columns(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        created = await tokens.create({**TOKEN, "user_id": user.id, "device": "phone"})
        length = created.length
        await tokens.update(created, {"token": "u" * 40})
    async with app.tokens(Token) as tokens:
        found = await tokens.get_by_token("u" * 40)

    assert (length, created.length, created.device) == (43, 40, "phone")
    assert (found.length, found.device) == (40, "phone")


class PlainBase(DeclarativeBase):
    pass


class PlainUser(SQLAlchemyBaseUserTableUUID, PlainBase):
    size: Mapped[int] = mapped_column(default=2)
    double: Mapped[int] = mapped_column(Integer, Computed("size * 2", persisted=True))
    biography: Mapped[str | None] = deferred(mapped_column(String(50)))
    street: Mapped[str | None] = mapped_column(String(50))
    town: Mapped[str | None] = mapped_column(String(50))
    place: Mapped[Place] = composite("street", "town")


@READ_BY_BOTH
async def test_what_is_a_column_of_some_kind_is_read_by_both(app: App) -> None:
    async with app.users(PlainUser) as users:
        user = await users.create({**ANNE, "place": Place("1 Road", "York")})
        created = (user.double, user.place, user.biography)
        await users.update(user, {"size": 3, "place": Place("2 Road", "York"), "biography": "b"})
    async with app.users(PlainUser) as users:
        found = await users.get(user.id)

    assert created == (4, Place("1 Road", "York"), None)
    for one in (user, found):
        assert (one.double, one.place, one.biography) == (6, Place("2 Road", "York"), "b")
