"""Where the database is, and its tables, which an app of your own has Alembic for."""

import os

from sqlalchemy.ext.asyncio import create_async_engine

from .models import Base

DATABASE_URL = f"sqlite+aiosqlite:///{os.environ.get('DATABASE_FILE', 'app.db')}"


async def create_tables() -> None:
    engine = create_async_engine(DATABASE_URL)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
