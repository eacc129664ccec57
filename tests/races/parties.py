"""Two parties at one database, one of whom can be held before any of its statements.

What is reached thereby are the interleavings that matter: one party up to a statement, then the
other as a whole (or until it waits for a lock of the first), then the rest of the first.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from databases import Database
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.util import await_only

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, isolated

KINDS = ("orm", "orm-no-commit", "databases", "databases-transaction")
"""What a party works through. Two of them do so in a transaction of the app's own."""

PATIENCE_SECONDS = 30
"""How long the second party may take before the first goes on, where it is not seen to wait.

None needs that long: if both went on at once, one could be ended for a deadlock.
"""

BOUND_SECONDS = 120
WRITES = ("INSERT", "UPDATE", "DELETE")
# In a transaction of the app's own the ORM adapter takes SQLite's lock before it writes.
LOCKS = (*WRITES, "BEGIN IMMEDIATE")
ENDS = ("COMMIT", "ROLLBACK")


@dataclass
class Party:
    """Adapters over a connection of their own, and the statements that they have executed."""

    kind: str
    users: Any = None
    tokens: Any = None
    connection: Any = None
    connect: Callable[[], Awaitable[None]] | None = None
    statements: list[str] = field(default_factory=list)
    running: str | None = None
    hold_before: int | None = None
    is_held: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self, hold_before: int | None = None) -> None:
        """Begin anew: with a session that knows nothing, where it is one."""
        self.statements.clear()
        self.running, self.hold_before = None, hold_before
        self.is_held, self.may_go_on = asyncio.Event(), asyncio.Event()
        if self.connect is not None:
            await self.connect()

    async def end(self) -> None:
        """Give back the connection, and be held no more: closing a session may roll back."""
        self.hold_before = None
        if self.connect is not None:
            await self.connection.close()

    async def before(self, statement: str) -> None:
        """Be told of a statement that is about to be executed."""
        self.statements.append(statement)
        if len(self.statements) == self.hold_before:
            self.is_held.set()
            await self.may_go_on.wait()
        self.running = statement

    def after(self) -> None:
        """Be told that the statement has been executed."""
        self.running = None

    @property
    def transaction(self) -> list[str]:
        """What it has executed in the transaction that it is in, on SQLite: none if in none."""
        done: list[str] = []
        for statement in self.statements[: self.hold_before - 1 if self.hold_before else None]:
            if statement in ENDS:
                done.clear()
            # The driver of the ORM begins with what is written.
            elif done or statement == "BEGIN" or (self.is_orm and statement.startswith(LOCKS)):
                done.append(statement)
        return done

    @property
    def is_orm(self) -> bool:
        return self.kind.startswith("orm")

    async def act(self, action: Callable[["Party"], Awaitable[Any]]) -> Any:
        """Return what the action returns, in the app's own transaction if it has one; or raise."""
        if self.kind == "databases-transaction":
            async with self.connection.transaction():
                return await action(self)
        result = await action(self)
        if self.kind == "orm-no-commit":
            await self.connection.commit()
        return result


class _Watched:
    """A connection or a transaction of a backend of `databases`, whose party hears of it."""

    def __init__(self, inner: Any, party: Party) -> None:
        self._inner = inner
        self._party = party
        self._is_root = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transaction(self) -> Any:
        return _Watched(self._inner.transaction(), self._party)

    async def _tell(self, statement: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        await self._party.before(statement)
        try:
            return await method(*args, **kwargs)
        finally:
            self._party.after()

    async def fetch_all(self, query: Any) -> Any:
        return await self._tell(self._text(query), self._inner.fetch_all, query)

    async def fetch_one(self, query: Any) -> Any:
        return await self._tell(self._text(query), self._inner.fetch_one, query)

    async def fetch_val(self, query: Any, *args: Any) -> Any:
        return await self._tell(self._text(query), self._inner.fetch_val, query, *args)

    async def execute(self, query: Any) -> Any:
        return await self._tell(self._text(query), self._inner.execute, query)

    def _text(self, query: Any) -> str:
        # As `databases` compiles it, and the adapters remember it.
        return str(query.compile(dialect=self._inner._dialect).string)

    async def start(self, is_root: bool, **options: Any) -> None:
        self._is_root = is_root
        statement = "BEGIN" if is_root else "SAVEPOINT"
        await self._tell(statement, self._inner.start, is_root=is_root, **options)

    async def commit(self) -> None:
        await self._tell("COMMIT" if self._is_root else "RELEASE", self._inner.commit)

    async def rollback(self) -> None:
        await self._tell("ROLLBACK" if self._is_root else "ROLLBACK TO", self._inner.rollback)


def watch_engine(engine: AsyncEngine, party: Party) -> None:
    """Let a party hear of all that an engine executes."""

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        await_only(party.before(statement))

    @event.listens_for(engine.sync_engine, "after_cursor_execute")
    def after(*_: Any) -> None:
        party.after()

    @event.listens_for(engine.sync_engine, "commit")
    def commit(_: Any) -> None:
        await_only(party.before("COMMIT"))

    @event.listens_for(engine.sync_engine, "rollback")
    def rollback(_: Any) -> None:
        await_only(party.before("ROLLBACK"))


def watch_database(database: Database, party: Party) -> None:
    """Let a party hear of all that a `Database` executes."""
    connect = database._backend.connection
    database._backend.connection = lambda: _Watched(connect(), party)  # type: ignore[method-assign,assignment,return-value]


@asynccontextmanager
async def party(
    kind: str,
    addresses: Addresses,
    tables: SimpleNamespace,
    engine: AsyncEngine,
    adapters: Any = None,
    isolation: str | None = None,
    retries: int = 0,
) -> AsyncIterator[Party]:
    """Open a party.

    Parameters:
        kind: one of `KINDS`.
        addresses: the database.
        tables: the app's classes.
        engine: the database, for the parties of the ORM.
        adapters: what there is of `orm_users` and `databases_users` is used instead of ours.
        isolation: the level of its transactions; the server's if not given.
        retries: those of its adapters.
    """
    opened = Party(kind)
    of_engine, of_databases = isolated(addresses.name, isolation)
    classes = tables.User, tables.OAuthAccount
    if opened.is_orm:
        # The same engine, with the same connections, but only this party hears of it.
        watched = engine.execution_options(**of_engine)
        watch_engine(watched, opened)
        options: dict[str, Any] = {"commit": kind != "orm-no-commit"}
        options["retries"] = retries if options["commit"] else 0
        user_database: Any = getattr(adapters, "orm_users", SQLAlchemyUserDatabase)

        async def renew() -> None:
            session = opened.connection = AsyncSession(watched, expire_on_commit=False)
            opened.users = user_database(session, *classes, **options)
            opened.tokens = SQLAlchemyAccessTokenDatabase(session, tables.AccessToken, **options)

        opened.connect = renew
        yield opened
        return
    # One connection is enough, and the fewer the faster it is open.
    pool: dict[str, Any] = {} if addresses.name == "sqlite" else {"min_size": 1, "max_size": 1}
    async with Database(addresses.databases, **pool, **of_databases) as database:
        watch_database(database, opened)
        user_database = getattr(adapters, "databases_users", DatabasesUserDatabase)
        opened.connection = database
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
            options = {"retries": retries}
            opened.users = user_database(database, *classes, **options)
            opened.tokens = DatabasesAccessTokenDatabase(database, tables.AccessToken, **options)
        yield opened


class Observer:
    """A look past both parties: at the rows, and at who waits for whom."""

    def __init__(self, addresses: Addresses) -> None:
        self.database = addresses.name
        self.engine = create_async_engine(addresses.orm, isolation_level="AUTOCOMMIT")

    async def is_waiting(self, second: Party, first: Party) -> bool:
        """Tell whether the second party waits for a lock that the first holds."""
        if self.database == "sqlite":
            return self._is_waiting_on_sqlite(second.running or "", second, first)
        async with self.engine.connect() as connection:
            if self.database == "postgresql":
                waiting = await connection.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
                return bool(waiting)
            threads = await connection.execute(
                text("SELECT id FROM information_schema.processlist WHERE db = DATABASE()")
            )
            ours = {str(thread) for thread in threads.scalars()}
            [status] = (await connection.execute(text("SHOW ENGINE INNODB STATUS"))).all()
        # Not information_schema.innodb_trx: it is renewed only once nobody has looked for a while.
        # What stands before the first one is about the past: the latest deadlock is there.
        _, *transactions = str(status[2]).split("---TRANSACTION")
        return any(
            "LOCK WAIT" in transaction
            and transaction.partition("thread id ")[2].partition(",")[0] in ours
            for transaction in transactions
        )

    def _is_waiting_on_sqlite(self, running: str, second: Party, first: Party) -> bool:
        """The first is held, so it will not end: a second one waits to write, or to commit."""
        commits = running == "COMMIT" or (running.startswith(WRITES) and not second.transaction)
        # What was read in a transaction is locked against a commit, what was written against all.
        return any(
            (statement.startswith(LOCKS) and (commits or running.startswith(LOCKS)))
            or (statement.startswith("SELECT") and commits)
            for statement in first.transaction
        )

    async def rows(self, statement: Any) -> list[Any]:
        """Return the rows that are committed."""
        async with self.engine.connect() as connection:
            return list((await connection.execute(statement)).all())


@dataclass
class Outcome:
    """What became of an action."""

    value: Any = None
    error: BaseException | None = None

    def __repr__(self) -> str:
        return f"<{'done' if self.error is None else type(self.error).__name__}>"


async def _outcome(action: Awaitable[Any]) -> Outcome:
    try:
        return Outcome(value=await action)
    except Exception as error:
        return Outcome(error=error)


async def interleave(
    first: Party,
    second: Party,
    one: Callable[[Party], Awaitable[Any]],
    other: Callable[[Party], Awaitable[Any]],
    observer: Observer,
) -> tuple[Outcome, Outcome]:
    """Run `one` until its party is held, then `other` until it ends or waits, then the rest.

    Returns:
        What became of both.
    """

    async def run() -> tuple[Outcome, Outcome]:
        action = asyncio.create_task(_outcome(first.act(one)))
        held = asyncio.create_task(first.is_held.wait())
        await asyncio.wait({action, held}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        reaction = asyncio.create_task(_outcome(second.act(other)))
        if not action.done():
            loop = asyncio.get_running_loop()
            deadline = loop.time() + PATIENCE_SECONDS
            while loop.time() < deadline:
                done, _ = await asyncio.wait({reaction}, timeout=0.01)
                if done or await observer.is_waiting(second, first):
                    break
            first.may_go_on.set()
        return await action, await reaction

    return await asyncio.wait_for(run(), BOUND_SECONDS)
