"""For tests that share a database: their rows go, and tables change under open connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from databases import Database
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.conftest import Addresses


async def delete_rows(engine: AsyncEngine, metadata: MetaData) -> None:
    """Delete all rows of all tables of a `MetaData`."""
    async with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


@asynccontextmanager
async def connections(addresses: Addresses) -> AsyncIterator[tuple[AsyncEngine, Database]]:
    """Open what both backends talk through, for many tests that make and drop tables."""
    engine_options: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if addresses.name != "sqlite":
        # Ten connections at once otherwise, of the hundred that PostgreSQL has.
        options["min_size"] = 1
    if addresses.name == "postgresql":
        # What was prepared for the tables before fails on those of the same names.
        engine_options["connect_args"] = {"prepared_statement_cache_size": 0}
        options["statement_cache_size"] = 0
    engine = create_async_engine(addresses.orm, **engine_options)
    try:
        async with Database(addresses.databases, **options) as database:
            yield engine, database
    finally:
        await engine.dispose()
