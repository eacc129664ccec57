"""The tests of this folder find what they are there to find, in applications that are broken."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.outages import app as apps
from tests.outages.conftest import Place

pytestmark = pytest.mark.parametrize(
    "place", [("orm", "postgresql"), ("orm", "mariadb-aiomysql")], ids="-".join, indirect=True
)


@pytest.mark.parametrize("harmful", [True, False], ids=["harmed", "unharmed"])
async def test_an_answer_before_the_commit_is_found(place: Place, harmful: bool) -> None:
    """FastAPI ends such a dependency after the answer was sent. It goes well, until it does not."""
    assert place.url.database is not None
    database = place.url.database

    async def commit_in_the_end(session: AsyncSession) -> AsyncIterator[AsyncSession]:
        async with session:
            yield session
            if harmful:
                await asyncio.to_thread(place.server.terminate, database)
            await session.commit()

    async with place.site(apps.orm(place.addresses, commit_in_the_end, commit=False)) as site:
        body = {"email": "anne@example.com", "password": "a password of the tests"}
        registered = await site.send("POST", "/auth/register", json=body)
        assert registered is not None
        user = UUID(registered["id"])
        site.ledger.emails[user] = {"anne@example.com"}
        assert site.lost() == ([f"user {user}"] if harmful else [])


async def test_a_leak_is_found(place: Place) -> None:
    kept: list[AsyncSession] = []

    async def keep(session: AsyncSession) -> AsyncIterator[AsyncSession]:
        if not kept:
            await session.execute(text("SELECT 1"))
            kept.append(session)
        async with AsyncSession(session.bind) as own:
            yield own

    async with place.site(apps.orm(place.addresses, keep)) as site:
        assert await site.visit()
        with pytest.raises(AssertionError, match="leaked"):
            await site.assert_none_leaked(patience=2)
        await kept[0].close()
        await site.assert_none_leaked()
