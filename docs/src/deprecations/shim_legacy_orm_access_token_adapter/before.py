import uuid
from collections.abc import AsyncIterator
from datetime import datetime

from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseAccessTokenTableUUID, SQLAlchemyBaseUserTableUUID

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class AccessTokenModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    token: str
    user_id: uuid.UUID
    created_at: datetime


engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


async def get_access_token_db() -> AsyncIterator[SQLAlchemyAccessTokenDatabase[AccessTokenModel]]:
    async with async_session_maker() as session:
        yield SQLAlchemyAccessTokenDatabase(AccessTokenModel, session, AccessToken)
