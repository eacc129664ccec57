"""Through PgBouncer all is as without, with the right options; with others the error says which."""

from typing import Any

import pytest
from databases import Database
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyUserDatabase,
    UnsuitableServerError,
)
from tests.conformance.models import OAuthAccount, User
from tests.conftest import Addresses
from tests.more_servers.conftest import OF_DATABASES, OPTIONS
from tests.people import ANNE

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

ENOUGH = 8  # psycopg prepares what was executed five times
"""How often a statement is executed."""


async def look_up_in_turn(url: str, **options: Any) -> None:
    """Two connections of a driver, each of which gets now one connection to the server, now the
    other."""
    engine = create_async_engine(url, **options)
    try:
        async with AsyncSession(engine) as one, AsyncSession(engine) as other:
            for _ in range(ENOUGH):
                for session, rival in ((one, other), (other, one)):
                    users = SQLAlchemyUserDatabase[User, Any](session, User, OAuthAccount)
                    assert await users.get_by_email(ANNE["email"]) is None
                    await session.commit()
                    # Until its transaction ends it keeps what the session has just had.
                    await rival.execute(text("SELECT 1"))
                    assert await users.get_by_email(ANNE["email"]) is None
                    await session.commit()
                    await rival.commit()
    finally:
        await engine.dispose()


@pytest.mark.parametrize("driver", list(OPTIONS))
async def test_with_the_right_options(pooled: Addresses, driver: str) -> None:
    url = make_url(pooled.orm).set(drivername=f"postgresql+{driver}")
    await look_up_in_turn(url.render_as_string(False), **OPTIONS[driver])


async def look_up_with_databases(url: str, **options: Any) -> None:
    """The same with two `Database` objects, of a connection each."""
    options |= {"min_size": 1, "max_size": 1}
    async with Database(url, **options) as one, Database(url, **options) as rival:
        users = DatabasesUserDatabase[User, Any](one, User, OAuthAccount)
        for _ in range(ENOUGH):
            assert await users.get_by_email(ANNE["email"]) is None
            async with rival.transaction():
                await rival.execute("SELECT 1")
                assert await users.get_by_email(ANNE["email"]) is None


async def test_databases_with_the_right_options(pooled: Addresses) -> None:
    await look_up_with_databases(pooled.databases, **OF_DATABASES)


async def test_databases_with_other_options(pooled: Addresses) -> None:
    with pytest.raises(UnsuitableServerError, match=r"pooler.*prepare.*/servers/"):
        await look_up_with_databases(pooled.databases)


@pytest.mark.parametrize("driver", list(OPTIONS))
async def test_with_other_options(pooled: Addresses, driver: str) -> None:
    url = make_url(pooled.orm).set(drivername=f"postgresql+{driver}")
    with pytest.raises(UnsuitableServerError, match=r"pooler.*prepare.*/servers/"):
        await look_up_in_turn(url.render_as_string(False))
