import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends
from fastapi_users import BaseUserManager, UUIDIDMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import (
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class Membership(Base):
    __tablename__ = "membership"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id))
    team: Mapped[str] = mapped_column(String(50))


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


# --8<-- [start:commit-false]
async def create_member(session: AsyncSession, team: str, create_dict: dict[str, Any]) -> User:
    user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User, commit=False)
    async with session.begin():
        user = await user_db.create(create_dict)
        session.add(Membership(user_id=user.id, team=team))
    return user


# --8<-- [end:commit-false]
# --8<-- [start:dependency]
async def get_session() -> AsyncIterator[AsyncSession]:
    async with async_session_maker.begin() as session:
        yield session


async def get_user_db(
    session: Annotated[AsyncSession, Depends(get_session, scope="function")],
) -> SQLAlchemyUserDatabase[User, uuid.UUID]:
    return SQLAlchemyUserDatabase(session, User, commit=False)


async def get_user_manager(
    user_db: Annotated[SQLAlchemyUserDatabase[User, uuid.UUID], Depends(get_user_db)],
) -> UserManager:
    return UserManager(user_db)


# --8<-- [end:dependency]
# --8<-- [start:errors]
async def get_or_create(session: AsyncSession, create_dict: dict[str, Any]) -> User:
    user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User)
    try:
        return await user_db.create(create_dict)
    except UserAlreadyExistsError:
        user = await user_db.get_by_email(create_dict["email"])
        assert user is not None
        return user


# --8<-- [end:errors]
