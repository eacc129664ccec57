"""Who waits for whom: the interleavings go on when the observer says so."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import Addresses
from tests.races.parties import Observer, Party

UPDATE = "UPDATE pairs SET number = number + 1 WHERE id = {}"


async def test_who_had_a_deadlock_or_was_refused_waits_no_more(
    new_database: Callable[[str], Addresses], engine_of: Callable[[Addresses], AsyncEngine]
) -> None:
    addresses = new_database("mariadb-aiomysql")
    engine, observer = engine_of(addresses), Observer(addresses)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE pairs (id INT PRIMARY KEY, number INT)"))
        await connection.execute(text("INSERT INTO pairs VALUES (1, 0), (2, 0)"))
        await connection.execute(text("CREATE TABLE ones (id INT REFERENCES pairs (id))"))
    async with engine.connect() as one, engine.connect() as other:
        # MariaDB tells of the latest of both, beside what goes on now.
        with pytest.raises(IntegrityError):
            await one.execute(text("INSERT INTO ones VALUES (3)"))
        await one.execute(text(UPDATE.format(1)))
        await other.execute(text(UPDATE.format(2)))
        crossing: list[Any] = [
            one.execute(text(UPDATE.format(2))),
            other.execute(text(UPDATE.format(1))),
        ]
        ended = await asyncio.gather(*crossing, return_exceptions=True)
        assert [type(each) for each in ended].count(OperationalError) == 1
        is_waiting = await observer.is_waiting(Party("orm"), Party("orm"))
        await one.rollback()
        await other.rollback()
    await observer.engine.dispose()
    assert not is_waiting
