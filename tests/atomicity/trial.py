"""One operation, harmed at each of its requests in turn, and what the database holds afterwards."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import fastapi_users_db_sqlalchemy as shim
from databases import Database
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as ShimAccessTokenDatabase,
)
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests import servers
from tests.atomicity.operations import (
    APP,
    APPS_OWN,
    LATER,
    OPERATIONS,
    SEED,
    UPDATE_WHOLE,
    Adapters,
    Operation,
    Ready,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User
from tests.conftest import Addresses
from tests.equivalence.forms import AccessTokenDB, UserDB
from tests.faults import tally
from tests.faults.injection import CANCELLED, ERROR, INTEGRITY_ERROR, Injection
from tests.faults.proxy import Proxy, proxy
from tests.faults.secrets import Texts
from tests.faults.sqlite import faults_on_sqlite

TABLES = [User.__table__, OAuthAccount.__table__, AccessToken.__table__]
ONLY_STATEMENT_FAILS = (ERROR, INTEGRITY_ERROR)
WRITE = re.compile(rb"INSERT INTO|UPDATE \S+ SET|DELETE FROM")
COUNT = b"SELECT changes()"
"""What `databases` is asked on SQLite once a single statement, and so its transaction, is over."""

State = tuple[frozenset[Any], ...]
"""The rows of each table."""


@dataclass
class App:
    """An app that has its adapters, and perhaps a transaction of its own."""

    adapters: Adapters
    connection: Any
    owns_transaction: bool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Open a transaction of the app's, if that is how it works."""
        if not self.owns_transaction:
            yield
        elif isinstance(self.connection, Database):
            async with self.connection.transaction():
                yield
        else:
            async with self.connection.begin():
                yield

    async def warm_up(self) -> None:
        """Have a connection, so that what is counted is the operation's own."""
        if self.owns_transaction:
            return  # it has
        assert await self.adapters.users.get(LATER["id"]) is None

    async def works(self) -> None:
        """Read and write as if nothing had happened."""
        assert await self.adapters.users.get(LATER["id"]) is None
        await self.adapters.users.create(LATER)
        found = await self.adapters.users.get_by_email(LATER["email"])
        assert found.id == LATER["id"]


def orm(session: AsyncSession) -> Adapters:
    return Adapters(
        SQLAlchemyUserDatabase(session, User, OAuthAccount),
        SQLAlchemyAccessTokenDatabase(session, AccessToken),
    )


def orm_no_commit(session: AsyncSession) -> Adapters:
    return Adapters(
        SQLAlchemyUserDatabase(session, User, OAuthAccount, commit=False),
        SQLAlchemyAccessTokenDatabase(session, AccessToken, commit=False),
    )


def databases(database: Database) -> Adapters:
    return Adapters(
        DatabasesUserDatabase(database, User, OAuthAccount),
        DatabasesAccessTokenDatabase(database, AccessToken),
    )


def shim_orm(session: AsyncSession) -> Adapters:
    return Adapters(
        shim.SQLAlchemyUserDatabase(UserDB, session, User, OAuthAccount),
        ShimAccessTokenDatabase(AccessTokenDB, session, AccessToken),
    )


def shim_databases(database: Database) -> Adapters:
    users, accounts, tokens = TABLES
    return Adapters(
        shim.SQLAlchemyUserDatabase(UserDB, database, users, accounts),
        ShimAccessTokenDatabase(AccessTokenDB, database, tokens),
    )


@dataclass(frozen=True)
class Kind:
    """A kind of adapter, and the app around it.

    Attributes:
        name: what it is called.
        make: makes the adapters; a function that another process can import.
        over_databases: whether they are made over a `databases.Database`.
        owns_transaction: whether the app has a transaction of its own around each write.
    """

    name: str
    make: Callable[[Any], Adapters]
    over_databases: bool = False
    owns_transaction: bool = False

    def __str__(self) -> str:
        return self.name


ORM = Kind("orm", orm)
ORM_NO_COMMIT = Kind("orm-no-commit", orm_no_commit, owns_transaction=True)
DATABASES = Kind("databases", databases, over_databases=True)
DATABASES_TRANSACTION = replace(DATABASES, name="databases-transaction", owns_transaction=True)
SHIMS = Kind("shim-orm", shim_orm), Kind("shim-databases", shim_databases, over_databases=True)
WRITES = [
    *(
        (kind, operation)
        for kind in (ORM, ORM_NO_COMMIT, DATABASES, DATABASES_TRANSACTION, *SHIMS)
        for operation in OPERATIONS
    ),
    *((kind, UPDATE_WHOLE) for kind in SHIMS),
]


class Place:
    """A database, and a way to it on which faults happen.

    Parameters:
        addresses: the database.
        proxy: what stands before its server, if it has one.
    """

    def __init__(self, addresses: Addresses, proxy: Proxy | None) -> None:
        self.addresses = addresses
        self.proxy = proxy
        self.engine = create_async_engine(addresses.orm)
        # The app's: new connections for each trial, but what it has compiled is kept.
        self._apps_engine = create_async_engine(self._on_the_way(addresses.orm))
        self._dialect: Any = None
        self._unharmed: dict[tuple[Kind, Operation], State] = {}

    async def reset(self) -> None:
        """Restore the rows that each operation finds."""
        async with self.engine.begin() as connection:
            for table in reversed(TABLES):
                await connection.execute(table.delete())
            for table, rows in SEED:
                await connection.execute(table.insert(), rows)

    async def state(self) -> State:
        """Return all rows."""
        async with self.engine.connect() as connection:
            rows = [(await connection.execute(select(table))).all() for table in TABLES]
        return tuple(frozenset(map(str, table)) for table in rows)

    @asynccontextmanager
    async def app(self, kind: Kind) -> AsyncIterator[App]:
        """Run an app that has its connections on the way to the database."""
        async with AsyncExitStack() as stack:
            connection: Any
            if kind.over_databases:
                is_sqlite = self.addresses.name == "sqlite"
                options = {} if is_sqlite else {"min_size": 1, "max_size": 2}
                connection = Database(self._on_the_way(self.addresses.databases), **options)
                # By its dialect the adapters remember what they have compiled.
                backend: Any = connection._backend
                self._dialect = backend._dialect = self._dialect or backend._dialect
            else:
                stack.push_async_callback(self._apps_engine.dispose)
                connection = AsyncSession(self._apps_engine, expire_on_commit=False)
            await stack.enter_async_context(connection)
            yield App(kind.make(connection), connection, kind.owns_transaction)

    def _on_the_way(self, url: str) -> str:
        return url if self.proxy is None else self.proxy.address(url)

    @asynccontextmanager
    async def faults(self, injection: Injection) -> AsyncIterator[None]:
        """Let the fault happen in the block."""
        if self.proxy is None:
            async with faults_on_sqlite(injection):
                yield
            return
        self.proxy.injection = injection
        try:
            yield
        finally:
            self.proxy.injection = None

    async def state_after(self, kind: Kind, operation: Operation, texts: Texts) -> State:
        """Return all rows after a run of the operation without a fault."""
        if (kind, operation) not in self._unharmed:
            trial = await run(self, kind, operation, Injection(), texts)
            assert trial.error is None
            self._unharmed[kind, operation] = trial.state
        return self._unharmed[kind, operation]

    async def settle(self) -> None:
        """Wait until the server has done with what the app had begun."""
        if self.proxy is not None:
            await self.proxy.settle()


@asynccontextmanager
async def place(addresses: Addresses) -> AsyncIterator[Place]:
    """Create the tables, and the way to the database on which faults happen."""
    async with AsyncExitStack() as stack:
        before_server = None
        if addresses.name != "sqlite":
            is_postgresql = addresses.name == "postgresql"
            server = servers.POSTGRESQL if is_postgresql else servers.MARIADB
            before_server = await stack.enter_async_context(
                proxy(server, make_url(addresses.orm).set(drivername="any"))
            )
        place = Place(addresses, before_server)
        stack.push_async_callback(place.engine.dispose)
        async with place.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield place


@dataclass
class Trial:
    """What became of one run of an operation."""

    error: str | None = None
    raised: BaseException | None = None
    survived: bool = True
    state: State = ()


Run = Callable[[Place, Kind, Operation, Injection, Texts], Awaitable[Trial]]


async def run(
    place: Place, kind: Kind, operation: Operation, injection: Injection, texts: Texts
) -> Trial:
    """Run the operation once, with this fault, and the app's other work before and after it."""
    await place.reset()
    trial = Trial()
    async with place.app(kind) as app:
        with suppress(TransactionLostError):
            async with app.transaction():
                if kind.owns_transaction:
                    await app.connection.execute(APPS_OWN)
                ready = await operation.prepare(app.adapters)
                await app.warm_up()
                try:
                    async with place.faults(injection):
                        written = await ready()
                    if not isinstance(written, BaseModel):  # what that shows is up to the app
                        texts.show(written)
                except (Exception, asyncio.CancelledError) as error:
                    trial.error = repr(error)
                    if place.proxy is not None:  # the error would hold SQLite's lock
                        trial.raised = error
                    texts.raised(error)
                if trial.error is not None:
                    if injection.fault == CANCELLED:
                        _forget_cancellation()
                    if not survives(place, injection):
                        trial.survived = False
                        raise TransactionLostError
                await app.works()
        if not trial.survived:
            async with app.transaction():
                await app.works()
    await place.settle()
    trial.state = await place.state()
    return trial


def _forget_cancellation() -> None:
    # What a server does when it has ended the task of a request. As long as somebody holds the
    # error, that holds SQLite's cursor, and that its lock.
    task: Any = asyncio.current_task()
    if hasattr(task, "uncancel"):  # Python 3.11
        task.uncancel()
    gc.collect()


class TransactionLostError(Exception):
    """The app's transaction is gone, and so the app leaves it."""


def survives(place: Place, injection: Injection) -> bool:
    """Tell whether the app's own transaction survives the fault.

    It does not where its connection is gone. On PostgreSQL an error ends a transaction unless
    there is a savepoint, and before each write there has to be one.
    """
    if injection.fault not in ONLY_STATEMENT_FAILS:
        return False
    if place.addresses.name != "postgresql":
        return True
    *before, failed = injection.requests[: injection.at]
    # A statement is prepared by one request, and executed by the next.
    statement = b"".join([*before[-1:], failed])
    if WRITE.search(statement):
        return True
    is_savepoint = b"SAVEPOINT" in statement
    savepoints = [request for request in before if b"SAVEPOINT" in request]
    is_inside = bool(savepoints) and b"RELEASE" not in savepoints[-1]
    return not is_savepoint and is_inside


async def nothing(adapters: Adapters) -> Ready:
    async def do_nothing() -> None:
        pass

    return do_nothing


NOTHING = Operation("nothing", nothing)


async def harm_at_each_request(
    place: Place,
    kind: Kind,
    operation: Operation,
    fault: str,
    texts: Texts,
    run_harmed: Run = run,
) -> int:
    """Run the operation with the fault at its first request, at its second, and so on.

    Whatever happens, the database is as before or as after; what was acknowledged is there; what
    was refused, because a statement failed, is not; and the adapters are usable, in the app's own
    transaction too if that is still there.

    Parameters:
        place: the database.
        kind: the adapters and their app.
        operation: the write.
        fault: what happens to it.
        texts: where to collect what is shown.
        run_harmed: runs the operation once with the fault, `run` or one like it.

    Returns:
        How often the fault happened.
    """
    before = await place.state_after(kind, NOTHING, texts)
    after = await place.state_after(kind, operation, texts)
    assert before != after
    for at in count(1):
        injection = Injection(fault, at)
        trial = await run_harmed(place, kind, operation, injection, texts)
        where = f"{fault} at request {at}, {injection.requests[at - 1 : at]}: {trial.error}"
        if not injection.happened:
            assert trial.error is None
            assert trial.state == after
            return at - 1
        allowed = [before, after]
        if not trial.survived and kind.owns_transaction:
            allowed = [without_apps_own(before)]
        if operation.transactions == 1:
            assert trial.state in allowed, f"neither as before nor as after: {where}"
        else:
            *others, tokens = trial.state
            assert (*others, after[-1]) in [(*state[:-1], after[-1]) for state in allowed]
            assert after[-1] <= tokens <= before[-1], where
        if trial.error is None:
            assert trial.state == after, f"acknowledged, and lost: {where}"
        elif (
            fault in ONLY_STATEMENT_FAILS
            and operation.transactions == 1
            and not kind.owns_transaction
            and COUNT not in injection.requests[at - 1]
        ):
            assert trial.state == before, f"refused, and written: {where}"
        tally.record(
            f"at each request: {fault}",
            injected=1,
            acknowledged=trial.error is None,
            errors=trial.error is not None,
        )
    raise AssertionError


def without_apps_own(state: State) -> State:
    """Return the state without what the app itself wrote in its transaction."""
    users, *others = state
    return (frozenset(row for row in users if APP["email"] not in row), *others)
