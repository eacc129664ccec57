"""What is deleted or changed passes through the unit of work: cascades, listeners, histories."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


class Base(DeclarativeBase):
    pass


class History(Base):
    """What was done to whom."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(100))


class Scope(Base):
    __tablename__ = "scope"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    oauth_account_id: Mapped[Any] = mapped_column(ForeignKey("oauth_account.id"))


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))
    scopes: Mapped[list[Scope]] = relationship(cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))
    replies: Mapped[list["Reply"]] = relationship(cascade="all, delete-orphan")


class Reply(Base):
    __tablename__ = "reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("post.id"))


class Upload(Base):
    """Outlives its user."""

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any | None] = mapped_column(ForeignKey("user.id"))


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(cascade="all, delete-orphan")
    posts: Mapped[list[Post]] = relationship(cascade="all, delete-orphan")
    uploads: Mapped[list[Upload]] = relationship()


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))


@pytest.fixture(params=["flush", "rows"])
def history(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep a history, in one of the two ways that apps have: per flush, or per row."""

    def of_flush(session: Session, *_: Any) -> None:
        for verb, instances in (
            ("add", session.new),
            ("change", session.dirty),
            ("delete", session.deleted),
        ):
            for instance in list(instances):
                if isinstance(instance, (User, Account, Token)):
                    session.add(History(what=f"{verb} {type(instance).__name__}"))

    def of_row(verb: str) -> Any:
        def listener(mapper: Any, connection: Any, instance: Any) -> None:
            what = f"{verb} {type(instance).__name__}"
            connection.execute(History.__table__.insert().values(what=what))

        return listener

    if request.param == "flush":
        listeners: list[Any] = [(Session, "before_flush", of_flush)]
    else:
        verbs = {"before_insert": "add", "before_update": "change", "before_delete": "delete"}
        listeners = [
            (kind, name, of_row(verb))
            for kind in (User, Account, Token)
            for name, verb in verbs.items()
        ]
    for target, name, listener in listeners:
        event.listen(target, name, listener)
    yield
    for target, name, listener in listeners:
        event.remove(target, name, listener)


async def told(app: App) -> list[str]:
    """Return the history, and forget it."""
    async with app.engine.begin() as connection:
        table = History.__table__
        rows = (await connection.execute(table.select().order_by(table.c.id))).all()
        await connection.execute(table.delete())
    return sorted(row.what for row in rows)


async def user_with_everything(app: App) -> Any:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        [account] = user.oauth_accounts
        users.session.add_all(
            [
                Scope(name="email", oauth_account_id=account.id),
                Post(user_id=user.id, replies=[Reply()]),
                Upload(user_id=user.id),
            ]
        )
        user_id = user.id
        await users.session.commit()
        return await users.get(user_id)


async def test_a_user_goes_with_all_that_is_its_own(app: App) -> None:
    user = await user_with_everything(app)
    async with app.users(User, Account) as users:
        await users.delete(await users.get(user.id))

    own = [User, Account, Scope, Post, Reply]
    assert [await app.number(one) for one in own] == [0, 0, 0, 0, 0]
    assert await app.number(Upload) == 1


async def test_a_user_of_another_session_goes_with_all_that_is_its_own(app: App) -> None:
    user = await user_with_everything(app)
    async with app.users(User, Account) as users:
        await users.delete(user)

    own = [User, Account, Scope, Post, Reply]
    assert [await app.number(one) for one in own] == [0, 0, 0, 0, 0]


async def test_an_unlinked_account_goes_with_what_is_its_own(app: App) -> None:
    user = await user_with_everything(app)
    async with app.users(User, Account) as users:
        await users.update(await users.get(user.id), {"oauth_accounts": []})

    assert [await app.number(one) for one in (User, Account, Scope)] == [1, 0, 0]


@pytest.mark.usefixtures("history")
async def test_every_change_of_a_user_and_its_accounts_is_heard(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        created = await told(app) if app.backend != "orm-no-commit" else None
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        [first] = [a for a in user.oauth_accounts if a.account_id == "1"]
        await users.update_oauth_account(user, first, {"access_token": "new"})
        await users.update(user, {"hashed_password": "new", "oauth_accounts": [ACCOUNT]})
    changed = await told(app)
    async with app.users(User, Account) as users:
        await users.delete(await users.get(user.id))

    if created is not None:
        assert created == ["add Account", "add User"]
    assert changed.count("add Account") == (1 if created is not None else 2)
    assert changed.count("delete Account") == 1
    assert {"change Account", "change User"} <= set(changed)
    assert await told(app) == ["delete Account", "delete User"]


@pytest.mark.usefixtures("history")
async def test_every_change_of_a_token_is_heard(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        await tokens.update(token, {"created_at": LONG_AGO})
        await tokens.delete(token)

    tokens_only = [what for what in await told(app) if what.endswith("Token")]
    assert tokens_only == ["add Token", "change Token", "delete Token"]


@pytest.mark.usefixtures("history")
async def test_expired_tokens_are_heard_of(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        for token in "ab":
            values = {"user_id": user.id, "created_at": LONG_AGO}
            await tokens.create({"token": token * 43, **values})
        await tokens.delete_expired(LONG_AGO + timedelta(days=1))

    assert (await told(app)).count("delete Token") == 2
