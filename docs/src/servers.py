import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase, is_retryable

DATABASE_URL = "sqlite+aiosqlite:///./app.db"
T = TypeVar("T")


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


# --8<-- [start:retries]
async def register(session: AsyncSession, create_dict: dict[str, Any]) -> User:
    user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User, retries=5)
    return await user_db.create(create_dict)


# --8<-- [end:retries]
# --8<-- [start:whole]
async def in_transaction(work: Callable[[AsyncSession], Awaitable[T]], attempts: int = 5) -> T:
    while True:
        attempts -= 1
        try:
            async with async_session_maker.begin() as session:
                return await work(session)
        except Exception as error:
            if not attempts or not is_retryable(error):
                raise


async def rename(email: str, new: str) -> None:
    async def work(session: AsyncSession) -> None:
        user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User, commit=False)
        user = await user_db.get_by_email(email)
        if user is not None:
            await user_db.update(user, {"email": new})

    await in_transaction(work)


# --8<-- [end:whole]
