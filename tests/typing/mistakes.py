# pyright: basic
"""Mistakes that both type checkers reject: a comment that is not needed is an error itself."""

import uuid

from databases import Database
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Session

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


UserDB = SQLAlchemyUserDatabase[User, uuid.UUID]


def wrong_arguments(session: AsyncSession, sync_session: Session, database: Database) -> None:
    UserDB(User, session)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserDB(session)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    UserDB(sync_session, User)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserDB(database, User)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserDB(session, User())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    UserDB(session, User, None, False)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    SQLAlchemyAccessTokenDatabase(AccessToken, session)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SQLAlchemyAccessTokenDatabase(session, User)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    DatabasesUserDatabase(session, User)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DatabasesUserDatabase(User, database)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def wrong_values(user_db: UserDB, user: User) -> None:
    await user_db.get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await user_db.get_by_email(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await user_db.update({"email": ""}, user)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await user_db.update(user, email="")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    user.email = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    user.is_active = "yes"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    found = await user_db.get(user.id)
    str(found.email)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def wrong_types(user_db: SQLAlchemyUserDatabase[User, int]) -> None:
    UserManager(user_db)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SQLAlchemyUserDatabase[int, User]  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeArguments]
    FastAPIUsers[Base, uuid.UUID]  # type: ignore[type-var]  # pyright: ignore[reportInvalidTypeArguments]
