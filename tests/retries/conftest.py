"""Databases that undo a write and ask for it to be repeated, as often as a test wants.

A trigger does it on the servers, with the code that they use for a conflict. How often it still
does is kept where no rollback reaches: in a sequence, or in a table without transactions. On SQLite
another connection has the lock, and lets go of it once as many have been refused.
"""

import sqlite3
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from databases import Database
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE

TABLES = [User.__table__, OAuthAccount.__table__, AccessToken.__table__]

ON_POSTGRESQL = """
CREATE SEQUENCE conflicts MINVALUE -1000 START 1;
CREATE FUNCTION refuse() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('conflicts') < 0 THEN
        RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
    END IF;
    RETURN true;
END $$;
CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM refuse();
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
"""
TRIGGER_ON_POSTGRESQL = """
CREATE TRIGGER conflict BEFORE INSERT OR UPDATE OR DELETE ON "{0}"
    FOR EACH ROW EXECUTE FUNCTION refuse_row();
CREATE CONSTRAINT TRIGGER conflict_at_commit AFTER INSERT OR UPDATE OR DELETE ON "{0}"
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_row();
ALTER TABLE "{0}" DISABLE TRIGGER conflict_at_commit;
"""
TRIGGER_ON_MARIADB = """
CREATE TRIGGER `conflict_{0}_{1}` BEFORE {1} ON `{0}` FOR EACH ROW BEGIN
    UPDATE conflicts SET number = number + 1;
    IF (SELECT number FROM conflicts) <= 0 THEN
        SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock found';
    END IF;
END
"""


@dataclass
class Conflicts:
    """How often writes are refused from now on."""

    addresses: Addresses
    engine: AsyncEngine
    lock: sqlite3.Connection | None = None
    remaining: int = 0

    async def execute(self, *statements: str) -> None:
        async with self.engine.connect() as connection:
            connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in statements:
                await connection.execute(text(statement))

    async def refuse(self, number: int) -> None:
        """Refuse so many writes, at the first row that each of them touches."""
        if self.lock is not None:
            if number:
                self.lock.execute("BEGIN IMMEDIATE")
            self.remaining = number
        elif self.addresses.name == "postgresql":
            await self.execute(f"SELECT setval('conflicts', {-number}, false)")
        else:
            await self.execute(f"UPDATE conflicts SET number = {-number}")

    def refused(self) -> None:
        """SQLite only: let go of the lock, once as many as wanted have met it."""
        self.remaining -= 1
        assert self.lock is not None
        if self.remaining == 0:
            self.lock.rollback()


@pytest.fixture(scope="package", params=["sqlite", "postgresql", "mariadb-aiomysql"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> AsyncIterator[Addresses]:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    async with engine.begin() as connection:
        raw: Any = await connection.get_raw_connection()
        if addresses.name == "postgresql":
            await raw.driver_connection.execute(ON_POSTGRESQL)
            for table in TABLES:
                await raw.driver_connection.execute(TRIGGER_ON_POSTGRESQL.format(table.name))
        elif addresses.name != "sqlite":
            # No transaction reaches this engine's tables.
            for statement in [
                "CREATE TABLE conflicts (number int) ENGINE=MEMORY",
                "INSERT INTO conflicts VALUES (1)",
                *(
                    TRIGGER_ON_MARIADB.format(table.name, operation)
                    for table in TABLES
                    for operation in ("INSERT", "UPDATE", "DELETE")
                ),
            ]:
                await connection.exec_driver_sql(statement)
    yield addresses
    await engine.dispose()


@pytest.fixture
async def engine(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    url = make_url(addresses.orm)
    if addresses.name == "sqlite":
        url = url.update_query_dict({"timeout": "0"})
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def conflicts(addresses: Addresses, engine: AsyncEngine) -> AsyncIterator[Conflicts]:
    if addresses.name != "sqlite":
        conflicts = Conflicts(addresses, engine)
        yield conflicts
        await conflicts.refuse(0)
    else:
        lock = sqlite3.connect(str(make_url(addresses.orm).database), isolation_level=None)
        conflicts = Conflicts(addresses, engine, lock)
        yield conflicts
        lock.close()
    async with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(table.delete())


@dataclass
class Repeating:
    """Adapters that repeat, and what they talk through."""

    users: Any
    tokens: Any
    connection: Any
    attempts: list[str]


Open = Callable[[str, int], Awaitable[Repeating]]


@pytest.fixture
async def open_adapters(
    addresses: Addresses, engine: AsyncEngine, conflicts: Conflicts, monkeypatch: Any
) -> AsyncIterator[Open]:
    """Adapters of a kind, with so many retries."""
    async with AsyncExitStack() as stack:

        async def opened(kind: str, retries: int) -> Repeating:
            attempts: list[str] = []
            connection: Any
            if kind == "orm":
                connection = AsyncSession(engine)
                await stack.enter_async_context(connection)
                users: Any = SQLAlchemyUserDatabase
                tokens: Any = SQLAlchemyAccessTokenDatabase
            else:
                options = {"timeout": 0} if addresses.name == "sqlite" else {"min_size": 1}
                connection = await stack.enter_async_context(
                    Database(addresses.databases, **options)
                )
                users, tokens = DatabasesUserDatabase, DatabasesAccessTokenDatabase
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                adapters = Repeating(
                    users(connection, User, OAuthAccount, retries=retries),
                    tokens(connection, AccessToken, retries=retries),
                    connection,
                    attempts,
                )

            async def pause(seconds: float) -> None:
                attempts.append("again")
                if conflicts.lock is not None:
                    conflicts.refused()

            monkeypatch.setattr("fastapi_users_db.adapters.retries.sleep", pause)
            return adapters

        yield opened


@pytest.fixture(params=["orm", "databases"])
async def adapter(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
async def anne(open_adapters: Open, adapter: str) -> Any:
    """Anne, read by adapters that are gone."""
    adapters = await open_adapters(adapter, 0)
    user = await adapters.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    await adapters.tokens.create({"token": "token", "user_id": user.id})
    if adapter == "orm":
        await adapters.connection.close()
    return user
