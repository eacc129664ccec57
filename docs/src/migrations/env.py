import asyncio

from alembic import context
from models import Base
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import async_engine_from_config

from fastapi_users_db.alembic import compare_type, include_object, render_item


def run_migrations(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # In batch mode they would delete the rows that refer to the table being altered.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        # Alembic begins a transaction of its own.
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=compare_type,
        include_object=include_object,
        render_item=render_item,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    engine = async_engine_from_config(context.config.get_section("alembic", {}))
    async with engine.connect() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


asyncio.run(main())
