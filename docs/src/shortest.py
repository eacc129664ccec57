import asyncio
import uuid

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


async def main() -> None:
    engine = create_async_engine(DATABASE_URL)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User)
        user = await user_db.get_by_email("Ada@Example.com")
        if user is None:
            user = await user_db.create({"email": "ada@example.com", "hashed_password": "..."})
            print(f"Created {user.email} with the id {user.id}")
        else:
            print(f"Found {user.email} with the id {user.id}")
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
