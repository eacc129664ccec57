# --8<-- [start:imports]
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from app import Base, User, UserCreate, UserManager, app, get_session, get_user_manager
from fastapi_users.password import PasswordHelper
from httpx import ASGITransport, AsyncClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from fastapi_users_db import SQLAlchemyUserDatabase

# --8<-- [end:imports]
# --8<-- [start:engine]
DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "sqlite+aiosqlite:///./test.db")


def let_sqlalchemy_begin(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")


@pytest.fixture(scope="session")
async def engine() -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(DATABASE_URL)
    if engine.dialect.name == "sqlite":
        let_sqlalchemy_begin(engine)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


# --8<-- [end:engine]
# --8<-- [start:session]
@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()


# --8<-- [end:session]
# --8<-- [start:hasher]
cheap = PasswordHelper(PasswordHash([Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)]))


@pytest.fixture
def user_manager(session: AsyncSession) -> UserManager:
    return UserManager(SQLAlchemyUserDatabase(session, User), cheap)


# --8<-- [end:hasher]
# --8<-- [start:client]
@pytest.fixture
async def client(session: AsyncSession, user_manager: UserManager) -> AsyncIterator[AsyncClient]:
    app.dependency_overrides[get_session] = lambda: session
    app.dependency_overrides[get_user_manager] = lambda: user_manager
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client
    app.dependency_overrides.clear()


# --8<-- [end:client]
# --8<-- [start:factory]
CreateUser = Callable[..., Awaitable[User]]


@pytest.fixture
def create_user(user_manager: UserManager) -> CreateUser:
    numbers = itertools.count(1)

    async def create_user(**values: Any) -> User:
        given = {"email": f"user{next(numbers)}@example.com", "password": "secret", **values}
        return await user_manager.create(UserCreate(**given))

    return create_user


# --8<-- [end:factory]
