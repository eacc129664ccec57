"""What each operation sends to the database, to the last round trip.

For comparison, upstream 7.0.0 over the ORM sends BEGIN, INSERT, COMMIT, BEGIN, SELECT for `create`
and for the creation of an access token, and UPDATE, COMMIT, BEGIN, SELECT for `update`; upstream
1.1.0 over `databases` sends two SELECTs for each look-up of a user with OAuth accounts. The
sequences here were seen to change when a refresh was put back after the commit.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime, timezone
from typing import Any

import aiosqlite
import asyncpg
import pytest
from databases import Database
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE
from tests.races.tables import declare
from tests.sharing import delete_rows


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


# The same tables, with the indexes that an app may add.
Indexed = declare(indexed=True)

BOB = {"email": "bob@example.com", "hashed_password": "hash"}
OTHER_ACCOUNT = {**ACCOUNT, "account_id": "2"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


class Subject:
    """The adapters, with Anne and her token, and what they have sent since the last look."""

    def __init__(self, connection: Any, users: Any, tokens: Any, sent: list[str]) -> None:
        self._connection = connection
        self.users = users(connection, User, OAuthAccount)
        self.plain_users = users(connection, User)
        self.indexed_users = users(connection, Indexed.User, Indexed.OAuthAccount)
        self.tokens = tokens(connection, AccessToken)
        self._sent = sent

    async def prepare(self) -> None:
        anne = await self.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await self.tokens.create({"token": "token", "user_id": anne.id})
        if isinstance(self._connection, AsyncSession):
            self._connection.expunge_all()
        # A request reads what another has written, and writes itself.
        self.anne = await self.users.get(anne.id)
        self.token = await self.tokens.get_by_token("token")
        self._sent.clear()

    def sent(self) -> str:
        # asyncpg resets a connection that goes back to its pool.
        sent = [statement for statement in self._sent if "pg_advisory_unlock" not in statement]
        return " ".join(statement.split()[0].strip(";").upper() for statement in sent)


OpenSubject = Callable[[], AbstractAsyncContextManager[Subject]]

OPERATIONS: dict[str, Callable[[Subject], Any]] = {
    "get": lambda on: on.users.get(on.anne.id),
    "get_by_email": lambda on: on.users.get_by_email("anne@example.com"),
    "get_by_email_in_another_case": lambda on: on.users.get_by_email("ANNE@example.com"),
    "get_by_email_that_is_unknown": lambda on: on.users.get_by_email("bob@example.com"),
    "get_by_email_in_another_case_with_index": lambda on: on.indexed_users.get_by_email(
        "ANNE@example.com"
    ),
    "get_by_email_that_is_unknown_with_index": lambda on: on.indexed_users.get_by_email(
        "bob@example.com"
    ),
    "get_by_oauth_account": lambda on: on.users.get_by_oauth_account("provider", "1"),
    "create": lambda on: on.plain_users.create(BOB),
    "create_with_account": lambda on: on.users.create({**BOB, "oauth_accounts": [OTHER_ACCOUNT]}),
    "update": lambda on: on.plain_users.update(on.anne, {"email": "new@example.com"}),
    "update_to_the_same": lambda on: on.plain_users.update(on.anne, {"is_active": True}),
    "delete": lambda on: on.users.delete(on.anne),
    "add_oauth_account": lambda on: on.users.add_oauth_account(on.anne, OTHER_ACCOUNT),
    "update_oauth_account": lambda on: on.users.update_oauth_account(
        on.anne, on.anne.oauth_accounts[0], {"access_token": "new"}
    ),
    "get_by_token": lambda on: on.tokens.get_by_token("token", LONG_AGO),
    "token_create": lambda on: on.tokens.create({"token": "new", "user_id": on.anne.id}),
    "token_update": lambda on: on.tokens.update(on.token, {"created_at": LONG_AGO}),
    "token_delete": lambda on: on.tokens.delete(on.token),
    "delete_expired": lambda on: on.tokens.delete_expired(datetime.now(timezone.utc)),
    "delete_none_expired": lambda on: on.tokens.delete_expired(LONG_AGO),
}

# The transaction was begun by the read before.
ORM = {
    "get": "SELECT",
    "get_by_email": "SELECT",
    "get_by_email_in_another_case": "SELECT SELECT",
    "get_by_email_that_is_unknown": "SELECT SELECT",
    "get_by_email_in_another_case_with_index": "SELECT",
    "get_by_email_that_is_unknown_with_index": "SELECT SELECT",
    "get_by_oauth_account": "SELECT",
    "create": "INSERT COMMIT",
    "create_with_account": "SELECT INSERT INSERT COMMIT",
    "update": "UPDATE COMMIT",
    "update_to_the_same": "UPDATE COMMIT",
    "delete": "DELETE DELETE COMMIT",
    "add_oauth_account": "SELECT INSERT COMMIT",
    "update_oauth_account": "SELECT UPDATE COMMIT",
    "get_by_token": "SELECT",
    "token_create": "INSERT COMMIT",
    "token_update": "UPDATE COMMIT",
    "token_delete": "DELETE COMMIT",
    "delete_expired": "SELECT DELETE COMMIT BEGIN SELECT",
    "delete_none_expired": "SELECT",
}
# Where no foreign key refuses it, another SELECT tells whether the user is still there, and another
# DELETE removes what was linked meanwhile.
ORM_ON_SQLITE = {
    "delete": "DELETE DELETE DELETE COMMIT",
    "add_oauth_account": "SELECT INSERT SELECT COMMIT",
    "update_oauth_account": "SELECT UPDATE SELECT COMMIT",
    "token_create": "INSERT SELECT COMMIT",  # nothing else refuses one of a user who is gone
}

DATABASES = {
    "get": "SELECT",
    "get_by_email": "SELECT",
    "get_by_email_in_another_case": "SELECT SELECT",
    "get_by_email_that_is_unknown": "SELECT SELECT",
    "get_by_email_in_another_case_with_index": "SELECT",
    "get_by_email_that_is_unknown_with_index": "SELECT SELECT",
    "get_by_oauth_account": "SELECT",
    "create": "INSERT",
    "create_with_account": "SELECT BEGIN INSERT INSERT COMMIT",
    "update": "UPDATE",
    "update_to_the_same": "UPDATE",
    "delete": "BEGIN DELETE DELETE COMMIT",
    "add_oauth_account": "SELECT INSERT",
    "update_oauth_account": "SELECT UPDATE",
    "get_by_token": "SELECT",
    "token_create": "INSERT",
    "token_update": "UPDATE",
    "token_delete": "DELETE",
    "delete_expired": "SELECT DELETE SELECT",
    "delete_none_expired": "SELECT",
}
# Without RETURNING it takes a SELECT to tell how many rows were there, on the same connection,
# and without foreign keys that are enforced one whether the user is.
DATABASES_ON_SQLITE = {
    "update": "UPDATE SELECT",
    "update_to_the_same": "UPDATE SELECT",
    "delete": "BEGIN DELETE DELETE COMMIT",
    "add_oauth_account": "SELECT BEGIN INSERT SELECT COMMIT",
    "update_oauth_account": "SELECT UPDATE SELECT",
    "token_create": "BEGIN INSERT SELECT COMMIT",
    "token_update": "UPDATE SELECT",
    "delete_expired": "SELECT DELETE SELECT SELECT",
}


@asynccontextmanager
async def orm(addresses: Addresses) -> AsyncIterator[OpenSubject]:
    engine = create_async_engine(addresses.orm)
    sent: list[str] = []
    on: Any = engine.sync_engine
    event.listen(on, "begin", lambda connection: sent.append("BEGIN"))
    event.listen(on, "commit", lambda connection: sent.append("COMMIT"))
    event.listen(on, "before_cursor_execute", lambda _, __, sql, *___: sent.append(sql))

    @asynccontextmanager
    async def open_subject() -> AsyncIterator[Subject]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield Subject(session, SQLAlchemyUserDatabase, SQLAlchemyAccessTokenDatabase, sent)

    yield open_subject
    await engine.dispose()


@asynccontextmanager
async def databases(addresses: Addresses) -> AsyncIterator[OpenSubject]:
    sent: list[str] = []

    async def listen(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(lambda query: sent.append(query.query))

    options = {"init": listen, "min_size": 1} if addresses.name == "postgresql" else {}
    async with Database(addresses.databases, **options) as database:

        @asynccontextmanager
        async def open_subject() -> AsyncIterator[Subject]:
            with warnings.catch_warnings(), listening_to_aiosqlite(sent):
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                yield Subject(database, DatabasesUserDatabase, DatabasesAccessTokenDatabase, sent)

        yield open_subject


@contextmanager
def listening_to_aiosqlite(sent: list[str]) -> Iterator[None]:
    def listening(execute: Any) -> Any:
        def listened(self: Any, sql: str, *parameters: Any) -> Any:
            sent.append(sql)
            return execute(self, sql, *parameters)

        return listened

    with pytest.MonkeyPatch.context() as patch:
        for of in (aiosqlite.Connection, aiosqlite.Cursor):
            patch.setattr(of, "execute", listening(of.execute))
        yield


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, Indexed.Base.metadata))
    return addresses


async def sent_by_each(open_subject: OpenSubject, engine: AsyncEngine) -> dict[str, str]:
    sent = {}
    for name, operation in OPERATIONS.items():
        async with open_subject() as subject:
            await subject.prepare()
            await operation(subject)
            sent[name] = subject.sent()
        await delete_rows(engine, Indexed.Base.metadata)
    return sent


async def test_statements_of_the_orm_adapter(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> None:
    async with orm(addresses) as open_subject:
        sent = await sent_by_each(open_subject, engine_of(addresses))
    assert sent == {**ORM, **(ORM_ON_SQLITE if addresses.name == "sqlite" else {})}


@pytest.mark.parametrize("is_watched_by_the_app", [False, True])
async def test_an_account_is_linked_without_a_savepoint_where_the_app_has_only_read(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine], is_watched_by_the_app: bool
) -> None:
    """Account of that is kept from the first call on, but not beside listeners of the app's own:
    SQLAlchemy would raise an error in one that waits just then."""
    engine = create_async_engine(addresses.orm)
    on: Any = engine.sync_engine
    began: list[str] = []
    event.listen(on, "savepoint", lambda _, name: began.append("SAVEPOINT"))
    if is_watched_by_the_app:
        event.listen(on, "before_cursor_execute", lambda *_: None)
    for account_id in ("first", "second", "third"):
        async with AsyncSession(engine, expire_on_commit=False) as session:
            users: Any = SQLAlchemyUserDatabase(session, Indexed.User, Indexed.OAuthAccount)
            anne = await users.create({**ANNE, "email": f"{account_id}@example.com"})
            found = await users.get(anne.id)
            if account_id == "third":
                # What the app has executed is not to be lost.
                await session.execute(update(Indexed.User).values(is_verified=True))
            began.append(account_id)
            await users.add_oauth_account(found, {**ACCOUNT, "account_id": account_id})
    await engine.dispose()
    await delete_rows(engine_of(addresses), Indexed.Base.metadata)
    in_between = ["SAVEPOINT"] if is_watched_by_the_app else []
    assert began == ["first", "SAVEPOINT", "second", *in_between, "third", "SAVEPOINT"]


async def test_statements_of_the_databases_adapter(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> None:
    async with databases(addresses) as open_subject:
        sent = await sent_by_each(open_subject, engine_of(addresses))
    assert sent == {**DATABASES, **(DATABASES_ON_SQLITE if addresses.name == "sqlite" else {})}


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
@pytest.mark.parametrize("addresses", ["sqlite", "postgresql", "mariadb-aiomysql"], indirect=True)
@pytest.mark.parametrize("adapter", ["orm", "databases"])
async def test_addresses_are_looked_up_by_an_index_that_is_there(
    addresses: Addresses,
    adapter: str,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> None:
    """MariaDB has no index on lower(), whatever the class declares, and needs none: its collation
    has found every case already."""
    by_lower = []
    base: Any = SQLAlchemyUserDatabase if adapter == "orm" else DatabasesUserDatabase

    class Users(base):
        async def _get_user(self, statement: Any) -> Any:
            by_lower.append("lower(" in str(statement))
            return await super()._get_user(statement)

    async with AsyncSession(engine_of(addresses)) as session:
        connection = session if adapter == "orm" else await database_of(addresses)
        users = Users(connection, Indexed.User, Indexed.OAuthAccount)
        assert await users.get_by_email("bob@example.com") is None
    assert by_lower == ([False] if addresses.name.startswith("mariadb") else [True, False])
