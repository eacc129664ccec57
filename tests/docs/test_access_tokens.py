"""The app that keeps its access tokens in the database."""

import itertools
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import DATABASES, Addresses
from tests.docs.samples import ROOT, SOURCE, client_of, load, log_in, register

PAGE = (ROOT / "docs" / "access-tokens.md").read_text()


async def stored(sample: Any) -> list[str]:
    async with sample.async_session_maker() as session:
        return list(await session.scalars(select(sample.AccessToken.token)))


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


async def test_a_stolen_table_is_worth_nothing(empty_database: Callable[[str], Addresses]) -> None:
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    async with client_of(sample.app) as client:
        await register(client)
        headers = await log_in(client)
        [value] = await stored(sample)
        assert value not in headers["Authorization"]
        stolen = {"Authorization": f"Bearer {value}"}
        assert (await client.get("/users/me", headers=stolen)).status_code == 401
        assert (await client.get("/users/me", headers=headers)).status_code == 200


@pytest.mark.parametrize("database", DATABASES)
async def test_sessions_are_listed_and_ended(
    database: str, empty_database: Callable[[str], Addresses]
) -> None:
    sample = load("access_tokens/app.py", empty_database(database).orm)
    async with client_of(sample.app) as client:
        await register(client)
        phone = await log_in(client)
        [value] = await stored(sample)
        other, laptop = await log_in(client), await log_in(client)
        listed = (await client.get("/users/me/sessions", headers=laptop)).json()
        assert len(listed) == 3
        assert [set(session) for session in listed] == [{"id", "created_at", "last_four"}] * 3
        [of_phone] = [s["id"] for s in listed if s["last_four"] == value[-4:]]
        path = f"/users/me/sessions/{of_phone}"
        assert (await client.delete(path, headers=laptop)).status_code == 204
        assert (await client.delete(path, headers=laptop)).status_code == 404
        for headers, status in ((phone, 401), (other, 200)):
            assert (await client.get("/users/me", headers=headers)).status_code == status
        assert (await client.delete("/users/me/sessions", headers=laptop)).status_code == 204
        for headers, status in ((other, 401), (laptop, 200)):
            assert (await client.get("/users/me", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("change", "status"), [({"password": "another secret"}, 401), ({"email": "a@example.com"}, 200)]
)
async def test_a_new_password_ends_all_sessions(
    change: dict[str, str], status: int, empty_database: Callable[[str], Addresses]
) -> None:
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    async with client_of(sample.app) as client:
        await register(client)
        everywhere = [await log_in(client) for _ in range(2)]
        await register(client, "bob@example.com")
        of_another = await log_in(client, "bob@example.com")
        assert (await client.patch("/users/me", headers=everywhere[0], json=change)).is_success
        for headers in everywhere:
            assert (await client.get("/users/me", headers=headers)).status_code == status
        assert (await client.get("/users/me", headers=of_another)).status_code == 200


async def test_a_password_that_is_reset_ends_all_sessions(
    empty_database: Callable[[str], Addresses],
) -> None:
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    sent: list[str] = []

    async def send(manager: Any, user: Any, token: str, request: Any = None) -> None:
        sent.append(token)

    sample.UserManager.on_after_forgot_password = send
    sample.app.include_router(sample.fastapi_users.get_reset_password_router())
    async with client_of(sample.app) as client:
        await register(client)
        headers = await log_in(client)
        await client.post("/forgot-password", json={"email": "ada@example.com"})
        reset = {"token": sent[0], "password": "another secret"}
        assert (await client.post("/reset-password", json=reset)).is_success
        assert (await client.get("/users/me", headers=headers)).status_code == 401


STEPS = ["before", "step_1", "step_2", "step_3"]


async def test_the_change_over_logs_nobody_out(empty_database: Callable[[str], Addresses]) -> None:
    """Processes of two steps in a row run beside each other: each reads the other's tokens."""
    sample = load("access_tokens/app.py", empty_database("sqlite").orm)
    steps = load("access_tokens/change_over.py")
    async with client_of(sample.app) as client:
        user_id = uuid.UUID((await register(client))["id"])
        async with sample.async_session_maker() as session:
            user_db = sample.SQLAlchemyUserDatabase(session, sample.User)
            database = sample.SQLAlchemyAccessTokenDatabase(session, sample.AccessToken)
            manager, user = sample.UserManager(user_db, database), await user_db.get(user_id)
            strategies = {step: getattr(steps, step)(database) for step in STEPS}
            tokens = {s: await strategy.write_token(user) for s, strategy in strategies.items()}

            async def is_read(by: str, writer: str) -> bool:
                return await strategies[by].read_token(tokens[writer], manager) is not None

            for old, new in itertools.pairwise(STEPS):
                assert await is_read(new, old)
                assert await is_read(old, new)
            # The way back leads by step 2, too.
            assert all([await is_read("step_1", step) for step in STEPS])
            assert not await is_read("step_3", "step_1")
            # Why step 1 comes first, and why FastAPI Users' own strategy has to be gone.
            assert not await is_read("before", "step_2")
            stolen = [value for value in await stored(sample) if value not in tokens.values()]
            assert len(stolen) == 2
            for value in stolen:
                taken = {s: await x.read_token(value, manager) for s, x in strategies.items()}
                assert [step for step, user in taken.items() if user] == ["before"]


def test_the_page_shows_each_sample() -> None:
    for file in ("app.py", "change_over.py"):
        sections = re.findall(r"\[start:(.*)\]", (SOURCE / "access_tokens" / file).read_text())
        shown = re.findall(rf'"access_tokens/{file}:(.*)"', PAGE)
        assert set(shown) == set(sections)
