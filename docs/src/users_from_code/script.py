# --8<-- [start:imports]
import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from getpass import getpass

from app import User, UserCreate, UserManager, async_session_maker, engine
from fastapi_users.exceptions import UserAlreadyExists

from fastapi_users_db import SQLAlchemyUserDatabase


# --8<-- [end:imports]
# --8<-- [start:open]
@asynccontextmanager
async def open_user_manager() -> AsyncIterator[UserManager]:
    async with async_session_maker() as session:
        yield UserManager(SQLAlchemyUserDatabase(session, User))


# --8<-- [end:open]
# --8<-- [start:script]
async def create_superuser(email: str, password: str) -> None:
    async with open_user_manager() as user_manager:
        try:
            user = await user_manager.create(
                UserCreate(email=email, password=password, is_superuser=True, is_verified=True)
            )
        except UserAlreadyExists:
            print(f"{email} has an account already.")
        else:
            print(f"{user.email} is now a superuser with the id {user.id}.")
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(create_superuser(sys.argv[1], getpass()))
# --8<-- [end:script]


# --8<-- [start:adapter]
async def import_user(email: str, hashed_password: str) -> User:
    async with async_session_maker() as session:
        user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User)
        return await user_db.create({"email": email, "hashed_password": hashed_password})


# --8<-- [end:adapter]
