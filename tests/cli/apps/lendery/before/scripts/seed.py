"""Members for a demonstration, straight through the adapter."""
import asyncio
import sys

from fastapi_users.password import PasswordHelper

from app.db import Base, database, engine
from app.schemas import UserDB
from app.users.adapter import get_user_db

NAMES = ["Grace", "Barbara", "Radia"]
password_helper = PasswordHelper()


async def seed(password: str) -> None:
    Base.metadata.create_all(engine)
    await database.connect()
    async for user_db in get_user_db():
        for name in NAMES:
            user = UserDB(
                email=f"{name.lower()}@example.com",
                hashed_password=password_helper.hash(password),
                first_name=name,
                is_active=True,
                is_verified=True,
            )
            await user_db.create(user)
    await database.disconnect()


if __name__ == "__main__":
    asyncio.run(seed(sys.argv[1]))
