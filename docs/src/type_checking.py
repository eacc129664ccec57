import uuid

from fastapi_users import BaseUserManager, UUIDIDMixin
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


# --8<-- [start:checked]
def create_manager(session: AsyncSession) -> UserManager:
    user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User)
    return UserManager(user_db)


async def email_of(user_db: SQLAlchemyUserDatabase[User, uuid.UUID], id: uuid.UUID) -> str:
    user = await user_db.get(id)  # User | None
    return "" if user is None else user.email  # str


def belongs_to(domain: str) -> ColumnElement[bool]:
    return User.email.endswith(domain)


# --8<-- [end:checked]
