"""Which errors ask for a write to be repeated, and which tell of a server that is another."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from databases import Database
from sqlalchemy import event, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.util import await_only

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
    UnsuitableServerError,
    UserAlreadyExistsError,
    is_retryable,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User
from tests.conftest import Addresses
from tests.people import ANNE

pytestmark = [
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
    pytest.mark.usefixtures("conflicts"),  # there are none here, but the rows go
]


on_postgresql = pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("addresses", ["mariadb-aiomysql"], indirect=True)


NEW = {**ANNE, "email": "new@example.com"}


async def error_of(action: Awaitable[Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011  whichever it is
        await action
    return caught.value


async def deadlock(engine: AsyncEngine) -> BaseException:
    """Return the error of the one of two transactions that the server has chosen."""
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM deadlock"))
        await connection.execute(text("INSERT INTO deadlock VALUES (1, 0), (2, 0)"))
    update = "UPDATE deadlock SET value = value + 1 WHERE id = :id"
    async with engine.connect() as one, engine.connect() as other:
        await one.execute(text(update), {"id": 1})
        await other.execute(text(update), {"id": 2})
        results = await asyncio.gather(
            one.execute(text(update), {"id": 2}),
            other.execute(text(update), {"id": 1}),
            return_exceptions=True,
        )
        [error] = [result for result in results if isinstance(result, Exception)]
    return error


DRIVERS = {
    "postgresql": ["postgresql+asyncpg", "postgresql+psycopg"],
    "mariadb-aiomysql": ["mysql+aiomysql", "mysql+asyncmy"],
}


@pytest.mark.parametrize("addresses", DRIVERS, indirect=True)
async def test_a_deadlock_is_retryable_with_each_driver(addresses: Addresses) -> None:
    for driver in DRIVERS[addresses.name]:
        engine = create_async_engine(make_url(addresses.orm).set(drivername=driver))
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE IF EXISTS deadlock"))
            await connection.execute(text("CREATE TABLE deadlock (id int primary key, value int)"))
        error = await deadlock(engine)
        assert is_retryable(error)
        # The driver's own, too.
        assert is_retryable(error.__cause__ or error)
        await engine.dispose()


@on_postgresql
@pytest.mark.parametrize("driver", DRIVERS["postgresql"])
async def test_a_serialization_failure_is_retryable(addresses: Addresses, driver: str) -> None:
    engine = create_async_engine(
        make_url(addresses.orm).set(drivername=driver), isolation_level="REPEATABLE READ"
    )
    async with engine.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS serialized"))
        await connection.execute(text("CREATE TABLE serialized AS SELECT 1 AS value"))
    async with engine.connect() as connection:
        await connection.execute(text("SELECT * FROM serialized"))
        async with engine.begin() as other:
            await other.execute(text("UPDATE serialized SET value = 2"))
        error = await error_of(connection.execute(text("UPDATE serialized SET value = 3")))
    assert is_retryable(error)
    await engine.dispose()


@on_mariadb
async def test_a_lock_that_is_held_is_retryable(addresses: Addresses) -> None:
    engine = create_async_engine(addresses.orm)
    async with engine.connect() as connection, engine.connect() as other:
        await connection.execute(insert(User).values(**NEW))
        await other.execute(text("SET innodb_lock_wait_timeout = 0"))
        error = await error_of(other.execute(select(User.id).with_for_update()))
    assert is_retryable(error)
    await engine.dispose()


@on_mariadb
@pytest.mark.parametrize("driver", DRIVERS["mariadb-aiomysql"])
@pytest.mark.parametrize("code", [1205, 1213, 1020])
async def test_each_code_of_mariadbs_is_retryable(
    addresses: Addresses, driver: str, code: int
) -> None:
    engine = create_async_engine(make_url(addresses.orm).set(drivername=driver))
    async with engine.connect() as connection:
        signal = text(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}")
        assert is_retryable(await error_of(connection.execute(signal)))
    await engine.dispose()


async def test_a_busy_database_of_sqlite_is_retryable(tmp_path: Path) -> None:
    path = tmp_path / "busy.db"
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}?timeout=0")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    async with AsyncSession(engine) as session:
        error = await error_of(SQLAlchemyUserDatabase(session, User).create(ANNE))
    assert is_retryable(error)
    async with Database(f"sqlite:///{path}", timeout=0) as database:
        error = await error_of(DatabasesUserDatabase(database, User).create(ANNE))
    assert is_retryable(error)
    lock.close()
    await engine.dispose()


@on_postgresql
async def test_other_errors_are_not_retryable(addresses: Addresses) -> None:
    engine = create_async_engine(addresses.orm)
    async with AsyncSession(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User)
        await users.create(ANNE)
        taken = await error_of(users.create(ANNE))
        assert isinstance(taken, UserAlreadyExistsError)
        missing = await error_of(session.execute(text("SELECT * FROM missing")))
        await session.rollback()
        # It is gone in the middle of a write: whether it is done, nobody knows.
        await session.execute(select(User.id))
        connection = await session.connection()
        pid = await connection.scalar(text("SELECT pg_backend_pid()"))
        address = make_url(addresses.orm).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False)) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        lost = await error_of(users.create({**ANNE, "email": "other@example.com"}))
    for error in (taken, missing, lost, ValueError(), ValueError("1213"), OSError(111, "refused")):
        assert not is_retryable(error)
    await engine.dispose()


# A server that is not what the adapters need.


def check_advice(error: BaseException, advice: str) -> None:
    assert isinstance(error, UnsuitableServerError)
    assert advice in str(error)
    assert "/servers/" in str(error)
    assert NEW["email"] not in str(error)


async def test_a_database_that_only_reads_is_no_primary(addresses: Addresses) -> None:
    url = make_url(addresses.orm)
    options: dict[str, Any] = {}
    if addresses.name == "sqlite":
        file = f"file:{url.database}"
        url = url.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})
    elif addresses.name == "postgresql":
        options = {"server_settings": {"default_transaction_read_only": "on"}}
    else:
        options = {"init_command": "SET SESSION TRANSACTION READ ONLY"}
    engine = create_async_engine(url, connect_args=options)
    async with AsyncSession(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        error = await error_of(users.create(NEW))
        check_advice(error, "give the adapter the primary")
        assert isinstance(error, DBAPIError)
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
        error = await error_of(tokens.create({"token": "token", "user_id": uuid4()}))
        check_advice(error, "give the adapter the primary")
        assert await users.get_by_email(NEW["email"]) is None
    await engine.dispose()
    if addresses.name != "sqlite":  # `databases` knows no way to open one for reading only
        async with Database(addresses.databases, **options) as database:
            error = await error_of(DatabasesUserDatabase(database, User).create(NEW))
            check_advice(error, "give the adapter the primary")


@pytest.fixture
async def forgetful(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    """An engine whose prepared statements get lost, as behind a pooler with other options."""
    engine = create_async_engine(addresses.orm, pool_size=1)

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def forget(connection: Any, _: Any, statement: str, *__: Any) -> None:
        await_only(connection.connection.driver_connection.execute("DEALLOCATE ALL"))

    yield engine
    await engine.dispose()


@on_postgresql
async def test_a_pooler_that_loses_prepared_statements_is_named(forgetful: AsyncEngine) -> None:
    async with AsyncSession(forgetful) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        await users.get_by_email(ANNE["email"])
        error = await error_of(users.get_by_email(ANNE["email"]))
    check_advice(error, "statement_cache_size=0")
    assert isinstance(error, DBAPIError)


@on_postgresql
async def test_a_pooler_is_named_over_databases(addresses: Addresses) -> None:
    async with Database(addresses.databases, min_size=1, max_size=1) as database:
        users: Any = DatabasesUserDatabase(database, User)
        await users.get_by_email(ANNE["email"])
        await users.get_by_email(ANNE["email"])
        async with database.connection() as connection:
            await connection.raw_connection.execute("DEALLOCATE ALL")
        error = await error_of(users.get_by_email(ANNE["email"]))
    check_advice(error, "statement_cache_size=0")
