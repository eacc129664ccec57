import uuid
from collections.abc import AsyncIterator

from databases import Database
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyBaseUserTableUUID

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


database = Database(DATABASE_URL)


async def get_user_db() -> AsyncIterator[DatabasesUserDatabase[User, uuid.UUID]]:
    yield DatabasesUserDatabase(database, User)
