import uuid
from collections.abc import AsyncIterator

from fastapi_users import schemas
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserDB(schemas.BaseUser[uuid.UUID]):
    hashed_password: str


engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


async def get_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[UserDB, uuid.UUID]]:
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(UserDB, session, User)
