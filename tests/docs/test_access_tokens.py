"""The app that keeps its access tokens in the database."""

from collections.abc import Callable
from datetime import datetime, timezone

import pytest

from tests.conftest import DATABASES, Addresses
from tests.docs.samples import client_of, load, log_in, register


@pytest.mark.parametrize("database", DATABASES)
async def test_token_is_revoked_by_logging_out(
    database: str, empty_database: Callable[[str], Addresses]
) -> None:
    sample = load("access_tokens/app.py", empty_database(database).orm)
    async with client_of(sample.app) as client:
        await register(client)
        headers = await log_in(client)
        assert (await client.get("/users/me", headers=headers)).status_code == 200
        assert (await client.post("/auth/logout", headers=headers)).status_code == 204
        assert (await client.get("/users/me", headers=headers)).status_code == 401


async def test_expired_tokens_are_deleted(empty_database: Callable[[str], Addresses]) -> None:
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    async with client_of(sample.app) as client:
        user = await register(client)
        headers = await log_in(client)
        async with sample.async_session_maker() as session:
            access_token_db = sample.SQLAlchemyAccessTokenDatabase(session, sample.AccessToken)
            expired = datetime.now(timezone.utc) - 2 * sample.LIFETIME
            user_id = sample.uuid.UUID(user["id"])
            await access_token_db.create(
                {"token": "old", "user_id": user_id, "created_at": expired}
            )
        assert await sample.delete_expired_tokens() == 1
        assert (await client.get("/users/me", headers=headers)).status_code == 200


async def test_periodic_task_survives_an_error(
    empty_database: Callable[[str], Addresses], caplog: pytest.LogCaptureFixture
) -> None:
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    asked = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 2:
            raise StopAsyncIteration

    sample.asyncio = type("asyncio", (), {"sleep": sleep})
    # There are no tables yet.
    with pytest.raises(StopAsyncIteration):
        await sample.delete_expired_tokens_every(60)
    assert asked == [60, 60]
    assert caplog.messages == ["Expired access tokens could not be deleted"] * 2
    await sample.engine.dispose()
