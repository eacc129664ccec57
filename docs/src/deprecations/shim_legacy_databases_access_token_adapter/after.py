from collections.abc import AsyncIterator

from databases import Database
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
)

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


database = Database(DATABASE_URL)


async def get_access_token_db() -> AsyncIterator[DatabasesAccessTokenDatabase[AccessToken]]:
    yield DatabasesAccessTokenDatabase(database, AccessToken)
