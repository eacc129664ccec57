"""The database, and the two ways to it.

An app that has left `databases` behind has no use for `database` and `Database`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import databases
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from .models import Base

DATABASE_FILE = os.environ.get("DATABASE_FILE", "app.db")

database = databases.Database(f"sqlite:///{DATABASE_FILE}")
engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE_FILE}")
session_maker = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with database:
        yield
    await engine.dispose()


async def get_database() -> databases.Database:
    return database


async def get_session() -> AsyncIterator[AsyncSession]:
    async with session_maker() as session:
        yield session


Database = Annotated[databases.Database, Depends(get_database)]
Session = Annotated[AsyncSession, Depends(get_session)]
