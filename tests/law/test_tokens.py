"""Access tokens are completed as users are: relationships, joined collections, kinds of them."""

import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, TypeDecorator, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.orm.exc import DetachedInstanceError

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    UserNotFoundError,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE, BERT

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
OVER_DATABASES = pytest.mark.parametrize("backend", ["databases"], indirect=True)


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="joined", cascade="all, delete-orphan", order_by=Account.account_id.desc()
    )


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    uses: Mapped[list["Use"]] = relationship(
        lazy="joined", order_by="Use.place.desc()", cascade="all, delete-orphan"
    )
    again: Mapped[list["Use"]] = relationship(lazy="selectin", viewonly=True)


class Use(Base):
    __tablename__ = "use"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(String(20))
    token: Mapped[Any] = mapped_column(ForeignKey("accesstoken.token", onupdate="cascade"))


class Alone(SQLAlchemyBaseAccessTokenTableUUID, Base):
    __tablename__ = "alone"


async def user_of(app: App, values: Any = ANNE) -> Any:
    async with app.users(User, Account) as users:
        user = await users.create({**values, "oauth_accounts": [ACCOUNT]})
        return await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})


async def test_a_new_token_has_its_user_and_the_users_accounts(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})

    assert token.user.email == ANNE["email"]
    assert [account.account_id for account in token.user.oauth_accounts] == ["2", "1"]
    assert (token.uses, token.again) == ([], [])


async def test_a_token_is_found_once_with_its_collections(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Token) as tokens:
        uses = [Use(place="A"), Use(place="B")]
        created = await tokens.create({"token": "a" * 43, "user": user, "uses": uses})
    async with app.tokens(Token) as tokens:
        found = await tokens.get_by_token("a" * 43)

    for token in (created, found):
        assert [use.place for use in token.uses] == ["B", "A"]
        assert (token.user_id, token.user.id) == (user.id, user.id)
    assert len(found.again) == 2


async def test_a_token_that_changes_hands_has_its_new_user(app: App) -> None:
    async with app.users(User) as users:
        anne, bert = await users.create(ANNE), await users.create(BERT)
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": anne.id})
        await tokens.update(token, {"user_id": bert.id})

    assert token.user.email == BERT["email"]


async def test_a_collection_that_was_changed_is_in_the_databases_order(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Token) as tokens:
        uses = [Use(place="A"), Use(place="C")]
        token = await tokens.create({"token": "a" * 43, "user_id": user.id, "uses": uses})
        token.uses.append(Use(place="B"))
        await tokens.update(token, {"created_at": LONG_AGO})

    assert [use.place for use in token.uses] == ["C", "B", "A"]


async def test_a_token_goes_with_what_is_its_own(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Token) as tokens:
        await tokens.create({"token": "a" * 43, "user_id": user.id, "uses": [Use(place="A")]})
    async with app.tokens(Token) as tokens:
        await tokens.delete(await tokens.get_by_token("a" * 43))

    assert (await app.number(Token), await app.number(Use), await app.number(User)) == (0, 0, 1)


async def test_expired_tokens_go_with_what_is_their_own(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Token) as tokens:
        for token, moment in (("a", LONG_AGO), ("b", LONG_AGO), ("c", datetime.now(timezone.utc))):
            uses = [Use(place=token)]
            values = {"user_id": user.id, "created_at": moment, "uses": uses}
            await tokens.create({"token": token * 43, **values})
        deleted = await tokens.delete_expired(LONG_AGO + timedelta(days=1), batch_size=1)

    assert deleted == 2
    assert (await app.number(Token), await app.number(Use), await app.number(User)) == (1, 1, 1)


class LeafBase(DeclarativeBase):
    pass


class Plain(SQLAlchemyBaseAccessTokenTable[int], LeafBase):
    user_id: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(String(10))

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "plain"}  # noqa: RUF012


class Refresh(Plain):
    __tablename__ = "refresh"

    token: Mapped[str] = mapped_column(ForeignKey("accesstoken.token"), primary_key=True)

    __mapper_args__ = {"polymorphic_identity": "refresh"}  # noqa: RUF012


@pytest.mark.parametrize(("kind", "left"), [(Plain, ["c"]), (Refresh, ["b", "c"])])
async def test_expired_tokens_of_the_adapters_class_go_from_all_tables(
    app: App, kind: Any, left: list[str]
) -> None:
    async with app.tokens(Refresh) as tokens:
        await tokens.create({"token": "a", "user_id": 1, "created_at": LONG_AGO})
        await tokens.create({"token": "c", "user_id": 1})
    async with app.tokens(Plain) as tokens:
        await tokens.create({"token": "b", "user_id": 1, "created_at": LONG_AGO})
    async with app.tokens(kind) as tokens:
        deleted = await tokens.delete_expired(LONG_AGO + timedelta(days=1))
    async with app.tokens(Plain) as tokens:
        found = [token for token in "abc" if await tokens.get_by_token(token)]

    assert (deleted, found) == (3 - len(left), left)
    assert await app.number(Refresh) == 1


@OVER_DATABASES
async def test_databases_loads_a_tokens_columns_and_says_so_of_the_rest(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create(ANNE)
    async with app.tokens(Token) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        with pytest.raises(TypeError, match=r"Token\.user is a relationship: with databases"):
            await tokens.create({"token": "b" * 43, "user": user})

    assert token.user_id == user.id
    with pytest.raises(DetachedInstanceError, match="user"):
        token.user  # noqa: B018


async def test_a_foreign_key_of_another_table_says_nothing_of_the_user(app: App) -> None:
    user = await user_of(app)
    async with app.tokens(Alone) as tokens:
        session = tokens.session
        if app.engine.dialect.name == "sqlite":
            await session.execute(text("PRAGMA foreign_keys = ON"))
        session.add(Use(place="A", token="of nobody"))
        with pytest.raises(IntegrityError) as raised:
            await tokens.create({"token": "a" * 43, "user_id": user.id})
        await session.rollback()
        with pytest.raises(UserNotFoundError):
            await tokens.create({"token": "a" * 43, "user_id": uuid.uuid4()})

    assert not isinstance(raised.value, UserNotFoundError)


class Secret:
    """What is compared with its like only."""

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: Any) -> bool:
        return bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash(self.value)


class SecretType(TypeDecorator[Any]):
    impl = String(50)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.value if isinstance(value, Secret) else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return Secret(value)


class SecretBase(DeclarativeBase):
    pass


class Hidden(SQLAlchemyBaseAccessTokenTable[int], SecretBase):
    __tablename__ = "hidden"

    token: Mapped[Any] = mapped_column(SecretType, primary_key=True)
    user_id: Mapped[int]


async def test_a_token_of_the_apps_own_type_is_the_databases_to_compare(app: App) -> None:
    async with app.tokens(Hidden) as tokens:
        await app.execute(insert(Hidden.__table__).values(token="abc", user_id=1))
        found = await tokens.get_by_token("abc")

    assert found.token.value == "abc"
