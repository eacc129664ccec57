"""An app on the `databases` adapters: the same types, and any class as the user's model."""

import uuid
from dataclasses import dataclass

from databases import Database
from fastapi_users import BaseUserManager, UUIDIDMixin
from sqlalchemy import Table
from sqlalchemy.orm import DeclarativeBase
from typing_extensions import assert_type

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


@dataclass
class UserModel:
    id: uuid.UUID
    email: str
    hashed_password: str
    is_active: bool
    is_superuser: bool
    is_verified: bool


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


async def mapped_class(database: Database) -> None:
    user_db = DatabasesUserDatabase[User, uuid.UUID](database, User)
    UserManager(user_db)
    assert_type(await user_db.get(uuid.uuid4()), User | None)
    assert_type(
        await DatabasesAccessTokenDatabase(database, AccessToken).get_by_token(""),
        AccessToken | None,
    )


async def bare_table(database: Database, users: Table) -> None:
    user_db = DatabasesUserDatabase[UserModel, uuid.UUID](database, users, user_model=UserModel)
    assert_type(await user_db.get(uuid.uuid4()), UserModel | None)
