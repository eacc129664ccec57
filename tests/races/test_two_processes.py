"""Two processes delete expired tokens at once: both have read the same ones before either deletes.

The last test shows that an adapter which counts what it has read is found out.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from multiprocessing.connection import Connection
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from fastapi_users_db import SQLAlchemyAccessTokenDatabase
from fastapi_users_db.statements import select_expired
from tests.conftest import Addresses
from tests.faults.processes import running
from tests.races.conftest import Duel
from tests.races.parties import Party, party
from tests.races.tables import declare

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
EXPIRED, LIVE = 40, 5


class CountsWhatItReads(SQLAlchemyAccessTokenDatabase[Any]):
    """Takes for deleted by itself what was there when it began."""

    async def delete_expired(self, max_age: datetime, *, batch_size: int = 1000) -> int:
        read = await self._read_column(select_expired(self._tokens, max_age, 1000))
        await super().delete_expired(max_age, batch_size=batch_size)
        return len(read)


def ours(party: Party) -> Any:
    return party.tokens


def broken(party: Party) -> Any:
    return CountsWhatItReads(party.connection, declare(False).AccessToken)


async def delete_in_two_processes(duel: Duel, adapter: Callable[[Party], Any] = ours) -> None:
    tokens = duel.tables.AccessToken.__table__
    await duel.clear()
    user_id = await duel.add_user(email="anne@example.com")
    async with duel.observer.engine.connect() as connection:
        rows = [
            {"token": str(number), "user_id": user_id, "created_at": NOON + timedelta(hours=number)}
            for number in range(-EXPIRED, LIVE)
        ]
        await connection.execute(insert(tokens), rows)
    with ExitStack() as stack:
        both = [
            stack.enter_context(
                running(_process, kind, duel.database.addresses, adapter)
            ).conversation
            for kind in duel.pair
        ]
        for conversation in both:
            assert conversation.recv() == "has read"
        for conversation in both:
            conversation.send("delete")
        counts = [conversation.recv() for conversation in both]
    assert all(isinstance(number, int) for number in counts), counts
    left = await duel.observer.rows(select(tokens.c.token))
    assert {row.token for row in left} == {str(number) for number in range(LIVE)}
    assert sum(counts) == EXPIRED, f"counted twice: {counts}"


def _process(*args: Any) -> None:
    asyncio.run(_delete(*args))


async def _delete(
    conversation: Connection, kind: str, addresses: Addresses, adapter: Callable[[Party], Any]
) -> None:
    """Delete what is expired, and wait between reading and deleting until told to go on."""
    engine = create_async_engine(addresses.orm)
    async with party(kind, addresses, declare(False), engine) as opened:
        await opened.begin(hold_before=2)
        deleting = asyncio.create_task(adapter(opened).delete_expired(NOON, batch_size=3))
        await opened.is_held.wait()
        conversation.send("has read")
        conversation.recv()
        opened.may_go_on.set()
        try:
            conversation.send(await deleting)
        except Exception as error:  # whatever it is, the test is waiting to be told
            conversation.send(repr(error))
        await opened.end()
    await engine.dispose()


@pytest.mark.parametrize("pair", [("orm", "orm"), ("orm", "databases"), ("databases", "databases")])
async def test_two_processes_delete_expired_tokens(duel: Duel) -> None:
    """What is expired is gone, what is not is there; each is counted once; no error."""
    await delete_in_two_processes(duel)


@pytest.mark.parametrize("pair", [("orm", "orm")])
async def test_counting_needs_what_was_deleted(duel: Duel) -> None:
    with pytest.raises(AssertionError, match="counted twice"):
        await delete_in_two_processes(duel, broken)
