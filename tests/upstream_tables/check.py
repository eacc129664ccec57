"""A program that does what `alembic check` does for an app, or creates the app's tables.

It takes an address and what to do. Upstream's releases run it in environments of their own.
"""

import asyncio
import json
import sys
from typing import Any

import fastapi_users_db_sqlalchemy as package
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from shapes import shapes
from sqlalchemy.ext.asyncio import create_async_engine

ADDRESS, ACTION, SHAPE, RELEASE = sys.argv[1:]


def differences(connection: Any, metadata: Any) -> list[str]:
    """Return what a revision would have to change."""
    options = {"compare_type": True}
    found: Any = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    # What is to be done to a column comes as a list of its own.
    changes = [change for item in found for change in (item if isinstance(item, list) else [item])]
    return [f"{change[0]} {'.'.join(map(str, change[2:4]))}" for change in changes]


async def main(metadata: Any) -> list[str]:
    engine = create_async_engine(ADDRESS)
    try:
        async with engine.begin() as connection:
            if ACTION == "create":
                await connection.run_sync(metadata.create_all)
            return await connection.run_sync(differences, metadata)
    finally:
        await engine.dispose()


metadata = shapes(uuids_are_asked_for=RELEASE >= "4")[SHAPE]
answer = {
    "package": package.__file__,
    "columns": {table.name: table.columns.keys() for table in metadata.sorted_tables},
    "differences": asyncio.run(main(metadata)),
}
sys.stdout.write(json.dumps(answer))
