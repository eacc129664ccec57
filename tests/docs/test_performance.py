"""The samples of the page about performance."""

from collections.abc import Callable
from contextlib import asynccontextmanager

from sqlalchemy import inspect

from tests.conftest import Addresses
from tests.docs.samples import load

ADA = {"email": "ada@example.com", "hashed_password": "..."}


async def test_a_user_is_read_on_autocommit(empty_database: Callable[[str], Addresses]) -> None:
    sample = load("performance/app.py", empty_database("sqlite").orm)
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
        indexes = await connection.run_sync(lambda c: inspect(c).get_indexes("oauth_account"))
        unique = [index["column_names"] for index in indexes if index["unique"]]
        assert unique == [["oauth_name", "account_id"]]
    async with sample.async_session_maker() as session:
        await sample.SQLAlchemyUserDatabase(session, sample.User).create(ADA)
    async with asynccontextmanager(sample.get_reading_user_db)() as user_db:
        assert (await user_db.get_by_email("ADA@example.com")).email == "ada@example.com"
        connection = await user_db.session.connection()
        raw = await connection.get_raw_connection()
        assert raw.driver_connection.isolation_level is None  # sqlite3's way to say it
    await sample.engine.dispose()
