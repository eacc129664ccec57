"""An app on FastAPI Users 15 and our ORM adapter."""

import asyncio
import sys
from contextlib import asynccontextmanager

from current import AccessToken, Accounts, OAuthAccount, User, build_app
from fastapi import Depends
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from worker import Worker, serve

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase

engine = create_async_engine(sys.argv[1].replace("postgresql", "postgresql+asyncpg", 1))
new_session = async_sessionmaker(engine)


async def get_session():
    async with new_session() as session:
        yield session


async def get_user_db(session=Depends(get_session)):  # noqa: B008
    yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


async def get_access_token_db(session=Depends(get_session)):  # noqa: B008
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


@asynccontextmanager
async def user_db():
    async with new_session() as session:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


async def main():
    await serve(Worker(build_app(get_user_db, get_access_token_db), Accounts(user_db)))
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
