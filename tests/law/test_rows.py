"""What a class says of new and changed values counts over `databases`, which knows rows only."""

from typing import Any

import pytest
from sqlalchemy import JSON, ForeignKey, PickleType, String, func, select, text
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, mapped_column, relationship

from fastapi_users_db import (
    InvalidValueError,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

READ_BY_BOTH = pytest.mark.parametrize("backend", BOTH, indirect=True)


class BaseOfExpression(DeclarativeBase):
    pass


class AccountOfExpression(SQLAlchemyBaseOAuthAccountTable[int], BaseOfExpression):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"))


class UserOfExpression(SQLAlchemyBaseUserTable[str], BaseOfExpression):
    """A user whose id is made by an expression."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=func.lower("FIRST"))
    oauth_accounts: Mapped[list[AccountOfExpression]] = relationship(lazy="joined")


class BaseOfServer(DeclarativeBase):
    pass


class UserOfServer(SQLAlchemyBaseUserTable[str], BaseOfServer):
    """A user whose id the database makes."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, server_default=text("'first'"))


class Vector:
    """What does not say in one word whether it is equal to another."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __eq__(self, other: object) -> Any:
        raise ValueError("which of them?")

    __hash__ = None  # type: ignore[assignment]


def are_alike(one: Any, other: Any) -> bool:
    return getattr(one, "numbers", None) == getattr(other, "numbers", None)


class Name:
    def __init__(self, first: str, last: str) -> None:
        self.first, self.last = first, last

    def __composite_values__(self) -> tuple[str, str]:
        return self.first, self.last


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    first: Mapped[str | None] = mapped_column(String(30))
    last: Mapped[str] = mapped_column(String(30), default="Smith")
    name: Mapped[Name] = composite("first", "last")
    vector: Mapped[Any] = mapped_column(PickleType(comparator=are_alike), nullable=True)
    greeting: Mapped[str] = mapped_column(
        String(80),
        default=lambda context: "{first} {last} {size}".format(**context.get_current_parameters()),
    )
    size: Mapped[int] = mapped_column(default=1)
    preferences: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    changes: Mapped[int] = mapped_column(
        default=0,
        onupdate=lambda context: (context.get_current_parameters().get("size") or 0) + 100,
    )


@READ_BY_BOTH
async def test_an_id_may_be_made_by_an_expression(app: App) -> None:
    async with app.users(UserOfExpression, AccountOfExpression) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update(user, {"is_verified": True})
        found = await users.get_by_oauth_account("provider", "1")
        given = await users.create({**BERT, "id": func.upper("second")})
        [account] = found.oauth_accounts

    assert (user.id, found.id, account.user_id, given.id) == ("first", "first", "first", "SECOND")


@pytest.mark.parametrize("backend", ["databases"], indirect=True)
async def test_an_id_that_the_database_does_not_tell_is_asked_for(app: App) -> None:
    """The number of the row, or how many there are, is none."""
    async with app.users(UserOfServer) as users:
        if app.addresses.name == "postgresql":
            user = await users.create(ANNE)
        else:
            with pytest.raises(InvalidValueError, match="does not tell"):
                await users.create(ANNE)
            assert await app.number(UserOfServer) == 0
            user = await users.create({**ANNE, "id": "first"})
        found = await users.get("first")

    assert user.id == found.id


@READ_BY_BOTH
async def test_a_composite_is_that_of_its_columns_after_an_update(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "first": "Anne"})
        await users.update(user, {"first": "Hanna"})

    assert (user.name.first, user.name.last) == ("Hanna", "Smith")


@READ_BY_BOTH
async def test_a_value_that_was_written_is_as_mutable_as_before(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
        await users.update(user, {"preferences": {"language": "en"}})
        user.preferences["theme"] = "dark"
        await users.update(user, {"preferences": user.preferences})
        found = await users.get(user.id)

    assert found.preferences == {"language": "en", "theme": "dark"}


@READ_BY_BOTH
async def test_a_type_says_which_values_are_the_same(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "vector": Vector(1)})
        await users.update(user, {"is_verified": True, "vector": Vector(1)})
        await users.update(user, {"vector": Vector(2)})
        found = await users.get(user.id)

    assert found.vector.numbers == (2,)


@READ_BY_BOTH
async def test_a_default_knows_the_other_values(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)
        other = await users.create({**BERT, "first": "Bert", "last": "Jones", "size": 7})

    assert (user.greeting, other.greeting) == ("None Smith None", "Bert Jones 7")


@READ_BY_BOTH
async def test_a_value_may_be_an_expression_or_an_attribute(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "first": "Anne"})
        await users.update(user, {"size": User.size + 5, "last": User.first})
    async with app.engine.connect() as connection:
        written = select(User.size, User.last, User.changes)
        [row] = await connection.execute(written)

    assert tuple(row) == (6, "Anne", 100)
    assert (user.size, user.last) == (6, "Anne")


@READ_BY_BOTH
async def test_no_drivers_error_shows_what_could_not_be_encoded(app: App) -> None:
    async with app.users(User) as users:
        with pytest.raises(Exception) as caught:  # noqa: PT011  the driver's own
            await users.create({**ANNE, "hashed_password": "SECRET", "first": "\ud800"})

    error: BaseException | None = caught.value
    while error is not None:
        assert "SECRET" not in f"{error!r} {error} {error.args} {getattr(error, 'object', None)}"
        error = error.__cause__
