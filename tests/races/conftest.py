"""Databases that are raced in, and duels of two parties at each of their statements."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_users_db import is_retryable
from tests.conftest import DATABASES, SOAK, Addresses, create_tables
from tests.faults.secrets import collected, planted
from tests.races.parties import KINDS, Observer, Outcome, Party, interleave, party
from tests.races.tables import declare

PAIRS = (
    [(first, second) for first in KINDS for second in KINDS]
    if SOAK
    else [
        ("orm", "orm"),
        ("orm-no-commit", "databases"),
        ("databases", "databases"),
        ("databases-transaction", "orm"),
    ]
)
# The drivers of MariaDB do not differ in what a race is about.
RACED = DATABASES if SOAK else [name for name in DATABASES if name != "mariadb-asyncmy"]
MAX_STATEMENTS = 30


@dataclass
class Raced:
    """A database, and what is kept of it for the whole run."""

    addresses: Addresses
    tables: SimpleNamespace
    observer: Observer
    engine: AsyncEngine


@pytest.fixture(scope="session", params=RACED)
async def database(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], Addresses],
    engine_of: Callable[[Addresses], AsyncEngine],
) -> AsyncIterator[dict[bool, Raced]]:
    """The same database with and without the indexes that are opt-in."""
    found = {}
    for indexed in (False, True):
        addresses, tables = new_database(request.param), declare(indexed)
        await create_tables(addresses, tables.Base.metadata)
        found[indexed] = Raced(addresses, tables, Observer(addresses), engine_of(addresses))
    yield found
    for raced in found.values():
        await raced.observer.engine.dispose()


Action = Callable[[Party], Awaitable[Any]]


@dataclass
class Duel:
    """Two kinds of parties in one database."""

    pair: tuple[str, str]
    database: Raced
    adapters: Any = None
    isolation: str | None = None
    retries: int = 0

    @property
    def tables(self) -> SimpleNamespace:
        return self.database.tables

    @property
    def observer(self) -> Observer:
        return self.database.observer

    @property
    def has_own_transaction(self) -> bool:
        """Whether the first party acts in a transaction of the app's own."""
        return self.pair[0] in ("orm-no-commit", "databases-transaction")

    async def at_each_statement(
        self,
        prepare: Callable[[], Awaitable[None]],
        one: Action,
        other: Action,
        check: Callable[[Outcome, Outcome], Awaitable[None]],
    ) -> int:
        """Let the first party do `one`, and the second do `other` before each of its statements.

        Nothing that is logged, warned of or raised shows a secret.

        Returns:
            In how many ways.
        """
        async with AsyncExitStack() as stack:
            texts = stack.enter_context(collected())
            first, second = [
                await stack.enter_async_context(
                    party(
                        kind,
                        self.database.addresses,
                        self.tables,
                        self.database.engine,
                        self.adapters,
                        self.isolation,
                        self.retries,
                    )
                )
                for kind in self.pair
            ]
            for number in range(1, MAX_STATEMENTS):
                await self.clear()
                await prepare()
                await first.begin(hold_before=number)
                await second.begin()
                outcomes = await interleave(first, second, one, other, self.observer)
                await first.end()
                await second.end()
                for outcome in outcomes:
                    if outcome.error is not None:
                        texts.raised(outcome.error)
                try:
                    await self.check_invariants()
                    if not self._are_victims(outcomes):
                        await check(*outcomes)
                except BaseException as error:
                    executed = "\n".join(first.statements)
                    raise AssertionError(
                        f"{outcomes} when held before statement {number} of\n{executed}"
                    ) from error
                if not first.is_held.is_set():
                    texts.assert_no_secret()
                    return number
        raise AssertionError("It does not end.")

    def _are_victims(self, outcomes: tuple[Outcome, ...]) -> bool:
        """Tell whether the database has undone one of the two, where it may.

        It may at the higher levels, unless the adapter repeats the call; and SQLite in transactions
        of the app's own: one that has read and would write, while the other has written, can never
        go on.
        """
        if self.isolation is not None:
            may_repeat = [self.retries and kind in ("orm", "databases") for kind in self.pair]
            return any(
                outcome.error is not None and not repeats and is_retryable(outcome.error)
                for outcome, repeats in zip(outcomes, may_repeat, strict=True)
            )
        is_possible = self.observer.database == "sqlite" and not {"orm", "databases"} >= {
            *self.pair
        }
        return is_possible and any("is locked" in str(outcome.error) for outcome in outcomes)

    async def clear(self) -> None:
        async with self.observer.engine.connect() as connection:
            for table in reversed(self.tables.Base.metadata.sorted_tables):
                await connection.execute(table.delete())

    async def check_invariants(self) -> None:
        """One user for each address, no account without its user."""
        users, accounts = self.tables.User.__table__, self.tables.OAuthAccount.__table__
        emails = [row[0] for row in await self.observer.rows(select(users.c.email))]
        assert len(emails) == len(set(emails))
        orphans = select(accounts.c.id).where(accounts.c.user_id.not_in(select(users.c.id)))
        assert await self.observer.rows(orphans) == []

    async def add_user(self, **values: Any) -> UUID:
        """Add a user past the adapters."""
        user_id = uuid4()
        row = {
            "id": user_id,
            "hashed_password": planted("old hash"),
            "is_active": True,
            "is_superuser": False,
            "is_verified": False,
            **values,
        }
        async with self.observer.engine.connect() as connection:
            await connection.execute(insert(self.tables.User.__table__).values(**row))
        return user_id

    async def users(self) -> dict[UUID, Any]:
        """Return the rows of the users by id."""
        rows = await self.observer.rows(select(self.tables.User.__table__))
        return {row.id: row for row in rows}

    async def owners(self, account_id: str = "1") -> list[UUID]:
        """Return who has the external account, once for each link."""
        accounts = self.tables.OAuthAccount.__table__
        statement = select(accounts.c.user_id).where(accounts.c.account_id == account_id)
        return [row[0] for row in await self.observer.rows(statement)]

    async def count(self, table: Any) -> int:
        """Return how many rows there are."""
        [(number,)] = await self.observer.rows(select(func.count()).select_from(table))
        return int(number)


@pytest.fixture(params=PAIRS, ids="-against-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    pair: tuple[str, str] = request.param
    return pair


@pytest.fixture
def duel(pair: tuple[str, str], database: dict[bool, Raced]) -> Duel:
    """A duel on the tables as they are without the opt-in indexes."""
    return Duel(pair, database[False])


@pytest.fixture
def indexed_duel(pair: tuple[str, str], database: dict[bool, Raced]) -> Duel:
    """A duel on tables with the opt-in indexes."""
    return Duel(pair, database[True])
