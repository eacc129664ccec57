"""One database, through the package and through the import name of old."""

import asyncio
import sys

from fastapi_users.db import SQLAlchemyUserDatabase as OldUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


async def main() -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{sys.argv[1]}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        old = OldUserDatabase(session, User)
        user = await old.create({"email": "ada@example.com", "hashed_password": "hash"})
        await SQLAlchemyUserDatabase(session, User).update(user, {"is_verified": True})
        found = await old.get_by_email("ADA@example.com")
        print(found.email, found.is_verified)  # noqa: T201
    await engine.dispose()


asyncio.run(main())
