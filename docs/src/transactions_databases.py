import uuid
from typing import Any

from databases import Database
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyBaseUserTableUUID


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


# --8<-- [start:transaction]
async def create_all_or_none(database: Database, create_dicts: list[dict[str, Any]]) -> list[User]:
    user_db = DatabasesUserDatabase[User, uuid.UUID](database, User)
    async with database.transaction():
        return [await user_db.create(create_dict) for create_dict in create_dicts]


# --8<-- [end:transaction]
