"""An app's database layer of 2021, as it was: FastAPI Users 8 and `databases`."""

import asyncio
import sys

import databases
import sqlalchemy
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from fastapi_users.models import BaseUserDB
from sqlalchemy.orm import declarative_base

DATABASE_URL = f"sqlite:///{sys.argv[1]}"
Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


async def main():
    Base.metadata.create_all(sqlalchemy.create_engine(DATABASE_URL))
    async with databases.Database(DATABASE_URL) as database:
        user_db = SQLAlchemyUserDatabase(BaseUserDB, database, UserTable.__table__)
        await user_db.create(BaseUserDB(email="ada@example.com", hashed_password="hash"))
        user = await user_db.get_by_email("ADA@example.com")
        user.is_verified = True
        await user_db.update(user)
        print(user.email, (await user_db.get(user.id)).is_verified)  # noqa: T201


asyncio.run(main())
