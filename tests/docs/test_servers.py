"""The samples of what the database asks to repeat, where it does."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.conftest import Addresses
from tests.docs.samples import load

ADA = {"email": "ada@example.com", "hashed_password": "..."}

REFUSE_ONCE = """
CREATE SEQUENCE writes;
CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('writes') = 1 THEN
        RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001';
    END IF;
    RETURN NEW;
END $$;
"""
TRIGGER = """
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON "user" FOR EACH ROW EXECUTE FUNCTION refuse_once()
"""


@pytest.fixture
async def sample(empty_database: Callable[[str], Addresses]) -> AsyncIterator[Any]:
    sample = load("servers.py", empty_database("postgresql").orm)
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute(REFUSE_ONCE)
    yield sample
    await sample.engine.dispose()


async def emails(sample: Any) -> list[str]:
    async with sample.async_session_maker() as session:
        return list(await session.scalars(select(sample.User.email)))


async def refuse_once(sample: Any) -> None:
    async with sample.engine.begin() as connection:
        await connection.execute(text(TRIGGER))


async def test_a_write_is_repeated(sample: Any) -> None:
    await refuse_once(sample)
    async with sample.async_session_maker() as session:
        await sample.register(session, ADA)
    assert await emails(sample) == ["ada@example.com"]


async def test_a_transaction_of_the_apps_own_is_repeated(sample: Any) -> None:
    async with sample.async_session_maker() as session:
        await sample.register(session, ADA)
    await refuse_once(sample)
    await sample.rename("ada@example.com", "new@example.com")
    assert await emails(sample) == ["new@example.com"]


async def test_another_error_is_raised(sample: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        await sample.in_transaction(lambda session: 1 / 0)
