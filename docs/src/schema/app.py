import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


# --8<-- [start:check]
async def check_tables(session: AsyncSession) -> None:
    user_db = SQLAlchemyUserDatabase[User, uuid.UUID](session, User)
    access_token_db = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    problems = [*await user_db.check_schema(), *await access_token_db.check_schema()]
    if problems:
        raise RuntimeError("\n".join(map(str, problems)))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with async_session_maker() as session:
        await check_tables(session)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
# --8<-- [end:check]
