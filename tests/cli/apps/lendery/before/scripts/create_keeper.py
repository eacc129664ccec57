"""python -m scripts.create_keeper ADDRESS PASSWORD"""
import asyncio
import contextlib
import sys

from app.db import Base, database, engine
from app.schemas import UserCreate
from app.users.adapter import get_user_db
from app.users.manager import get_user_manager

get_user_db_context = contextlib.asynccontextmanager(get_user_db)
get_user_manager_context = contextlib.asynccontextmanager(get_user_manager)


async def create_keeper(email: str, password: str) -> None:
    Base.metadata.create_all(engine)
    await database.connect()
    async with get_user_db_context() as user_db:
        async with get_user_manager_context(user_db) as user_manager:
            user = await user_manager.create(
                UserCreate(email=email, password=password, first_name="Keeper", is_superuser=True)
            )
            print("created", user.email)
    await database.disconnect()


if __name__ == "__main__":
    asyncio.run(create_keeper(*sys.argv[1:3]))
