"""Whatever the classes are: the user of a token is found, and sessions are ended."""

import uuid
from datetime import datetime
from typing import Any

import pytest
from fastapi_users import BaseUserManager, UUIDIDMixin
from sqlalchemy import DateTime, ForeignKey, ForeignKeyConstraint, String, event
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    mapped_column,
    relationship,
    synonym,
)

from fastapi_users_db import (
    GUID,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    TIMESTAMPAware,
)
from fastapi_users_db.authentication import DatabaseStrategy
from fastapi_users_db.types import now_utc
from tests.law.conftest import App
from tests.people import ANNE, BERT

USER = "user.id"


class Manager(UUIDIDMixin, BaseUserManager[Any, uuid.UUID]):
    reset_password_token_secret = verification_token_secret = "secret"


def with_a_key_of_its_own() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        id: Mapped[int] = mapped_column(primary_key=True)
        token: Mapped[str] = mapped_column(String(43), unique=True)

    return User, Token


def with_other_names() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        id: Mapped[uuid.UUID] = mapped_column("key", GUID, primary_key=True, default=uuid.uuid4)

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        value: Mapped[str] = mapped_column("v", String(43), primary_key=True)
        token = synonym("value")  # type: ignore[assignment]
        user_id: Mapped[uuid.UUID] = mapped_column("owner", ForeignKey("user.key"), index=True)

    return User, Token


def with_two_keys() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        tenant: Mapped[str] = mapped_column(String(9), primary_key=True, default="red")

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        tenant: Mapped[str] = mapped_column(String(9), primary_key=True, default="red")
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)

        __table_args__ = (ForeignKeyConstraint(["tenant", "user_id"], ["user.tenant", USER]),)

    return User, Token


def with_dataclasses() -> Any:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTable[uuid.UUID], Base):
        id: Mapped[uuid.UUID] = mapped_column(
            GUID, primary_key=True, default_factory=uuid.uuid4, init=False
        )
        email: Mapped[str] = mapped_column(String(320), unique=True)
        hashed_password: Mapped[str] = mapped_column(String(1024))
        is_active: Mapped[bool] = mapped_column(default=True)
        is_superuser: Mapped[bool] = mapped_column(default=False)
        is_verified: Mapped[bool] = mapped_column(default=False)

    class Token(Base):
        __tablename__ = "token"

        token: Mapped[str] = mapped_column(String(43), primary_key=True)
        user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(USER), index=True)
        created_at: Mapped[Any] = mapped_column(
            TIMESTAMPAware(timezone=True), default_factory=now_utc
        )

    return User, Token


def with_naive_times() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        created_at: Mapped[datetime] = mapped_column(
            DateTime, default=lambda: now_utc().replace(tzinfo=None)
        )

    return User, Token


def with_kinds_of_users() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        kind: Mapped[str] = mapped_column(String(9))

        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "user"}  # noqa: RUF012

    class Admin(User):
        __tablename__ = "admin"

        id: Mapped[uuid.UUID] = mapped_column(ForeignKey(USER), primary_key=True)
        level: Mapped[int] = mapped_column(default=3)

        __mapper_args__ = {"polymorphic_identity": "admin"}  # noqa: RUF012

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        pass

    return Admin, Token


def with_kinds_of_tokens() -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        kind: Mapped[str] = mapped_column(String(9))

        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "plain"}  # noqa: RUF012

    class Refresh(Token):
        __tablename__ = "refresh"

        token: Mapped[str] = mapped_column(ForeignKey("accesstoken.token"), primary_key=True)
        note: Mapped[str] = mapped_column(String(9), default="none")

        __mapper_args__ = {"polymorphic_identity": "refresh"}  # noqa: RUF012

    return User, Refresh


def related(lazy: Any) -> Any:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        tokens: Mapped[list["Token"]] = relationship(lazy=lazy, back_populates="user")

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        user: Mapped[User] = relationship(lazy=lazy, back_populates="tokens")

    # The names are those of this call's.
    User.tokens.property.argument = Token
    return User, Token


SHAPES = {
    function.__name__: function
    for function in (
        with_a_key_of_its_own,
        with_other_names,
        with_two_keys,
        with_dataclasses,
        with_naive_times,
        with_kinds_of_users,
        with_kinds_of_tokens,
    )
}
LOADING = ["joined", "selectin", "raise"]
QUICK = ("with_a_key_of_its_own", "with_other_names", "with_naive_times", "with_kinds_of_users")


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(shape, marks=[] if shape in QUICK else pytest.mark.thorough)
        for shape in (*SHAPES, *LOADING)
    ],
)
async def test_whoever_has_a_token_is_found_and_sessions_are_ended(app: App, shape: str) -> None:
    user_table, token_table = SHAPES[shape]() if shape in SHAPES else related(shape)
    await app.use(user_table.metadata)
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    options: Any = {"commit": False} if app.backend == "orm-no-commit" else {}
    async with app.sessions() as session:
        users = SQLAlchemyUserDatabase(session, user_table, **options)
        tokens = SQLAlchemyAccessTokenDatabase(session, token_table, **options)
        anne, bert = await users.create(ANNE), await users.create(BERT)
        for settings in ({}, {"hash_tokens": True}):
            strategy: Any = DatabaseStrategy(tokens, 3600, **settings)
            of_bert = await strategy.write_token(bert)
            first, second = [await strategy.write_token(anne) for _ in range(2)]
            session.expunge_all()
            event.listen(app.engine.sync_engine, "before_cursor_execute", note)
            manager = Manager(users)
            found = await strategy.read_token(first, manager)
            event.remove(app.engine.sync_engine, "before_cursor_execute", note)
            assert (found.id, found.email) == (anne.id, ANNE["email"])
            assert any("JOIN" in statement for statement in statements)
            session.expunge_all()
            listed = await tokens.list_sessions(anne.id)
            assert len(listed) == 2
            assert not await tokens.end_session(bert.id, listed[0].id)
            assert await tokens.end_session(anne.id, listed[0].id)
            third = await strategy.write_token(anne)
            assert await tokens.end_sessions(anne.id, but=third) == 1
            for token, is_good in ((first, False), (second, False), (third, True), (of_bert, True)):
                assert (await strategy.read_token(token, manager) is not None) is is_good
            await strategy.destroy_token(third, anne)
            assert await tokens.end_sessions(anne.id) == 0
            assert await tokens.end_sessions(bert.id) == 1
