import uuid
from collections.abc import AsyncIterator

from databases import Database
from fastapi_users import schemas
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserDB(schemas.BaseUser[uuid.UUID]):
    hashed_password: str


database = Database(DATABASE_URL)


async def get_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[UserDB, uuid.UUID]]:
    yield SQLAlchemyUserDatabase(UserDB, database, User.__table__)
