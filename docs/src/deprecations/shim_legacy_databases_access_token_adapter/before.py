import uuid
from collections.abc import AsyncIterator
from datetime import datetime

from databases import Database
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase
from pydantic import BaseModel, ConfigDict
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


database = Database(DATABASE_URL)


async def get_access_token_db() -> AsyncIterator[SQLAlchemyAccessTokenDatabase[AccessTokenModel]]:
    yield SQLAlchemyAccessTokenDatabase(AccessTokenModel, database, AccessToken.__table__)
