"""Requests at once at the levels at which databases undo those who meet: with retries none fails.

Without, as many are answered with 500 as have met. How many those are is luck, so it is only shown:
here that each of them was asked to be repeated, and that no write is lost that was acknowledged.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from databases import Database
from fastapi_users.authentication import JWTStrategy
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastapi_users_db import is_retryable
from tests.conftest import SOAK, Addresses, create_tables, isolated
from tests.e2e import app as application
from tests.e2e.app import Backend, Base, User
from tests.races.test_registrations import NoHashing

AT_ONCE = 50
REGISTRATIONS, ADDRESSES = 400 if SOAK else 100, 20
CHANGES, USERS = 300 if SOAK else 100, 10
ROUNDS = 5 if SOAK else 1
# Whoever is undone has met another who went on, so that nobody is undone as often as that.
ENOUGH = REGISTRATIONS

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]


class Hashing(NoHashing):
    """A password can be told from its hash."""

    def hash(self, password: str) -> str:
        return f"hash of {password}"


class Visitors:
    """Clients of one app, so many at once.

    Attributes:
        errors: why they were answered with 500.
    """

    def __init__(self, app: Any) -> None:
        self.errors: list[Exception] = []
        self._app = app
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._watched, raise_app_exceptions=False),
            base_url="http://app.test",
        )

    async def _watched(self, *call: Any) -> None:
        try:
            await self._app(*call)
        except Exception as error:
            self.errors.append(error)
            raise

    async def __aenter__(self) -> "Visitors":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)

    async def all(self, *requests: dict[str, Any]) -> list[httpx.Response]:
        async def one(request: dict[str, Any]) -> httpx.Response:
            async with self._gate:
                return await self._client.request(**request)

        return await asyncio.gather(*map(one, requests))


@pytest.fixture(params=["REPEATABLE READ", "SERIALIZABLE"])
def isolation(request: pytest.FixtureRequest) -> str:
    level: str = request.param
    return level


@pytest.fixture(params=["postgresql", "mariadb-aiomysql"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.fixture
async def engine(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    """A look past the app, at what is committed."""
    engine = create_async_engine(addresses.orm)
    yield engine
    await engine.dispose()


@pytest.fixture(params=[ENOUGH, 0], ids=["retries", "no-retries"])
def retries(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture(params=["orm", "databases"])
async def visitors(
    request: pytest.FixtureRequest,
    addresses: Addresses,
    isolation: str,
    retries: int,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Visitors]:
    """Visitors of an app whose transactions are at a level, and whose adapters have retries."""
    backend: Backend = request.param
    of_engine, of_databases = isolated(addresses.name, isolation)
    monkeypatch.setattr(
        application,
        "create_async_engine",
        # On a slow machine the last of them wait long for a connection.
        partial(create_async_engine, **of_engine, pool_timeout=600),
    )
    monkeypatch.setattr(application, "Database", partial(Database, **of_databases))
    monkeypatch.setattr(application, "password_helper", Hashing())
    app = application.create_app(backend, addresses, "http://provider.invalid", retries=retries)
    async with app.router.lifespan_context(app), Visitors(app) as visitors:
        yield visitors


def judge(visitors: Visitors, answers: Counter[int], retries: int) -> None:
    """Nobody is answered with 500; without retries only who was asked to repeat it."""
    assert all(map(is_retryable, visitors.errors))
    assert answers[500] == len(visitors.errors)
    if retries and visitors.errors:
        raise visitors.errors[0]


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_registrations(
    visitors: Visitors, engine: AsyncEngine, retries: int, number: int
) -> None:
    """Of 20 addresses: 201 at most once for each, 400 for others, and who was told so exists."""
    emails = [
        f"{'user' if number % 3 else 'USER'}{number % ADDRESSES}@example.com"
        for number in range(REGISTRATIONS)
    ]
    responses = await visitors.all(
        *(
            {"method": "POST", "url": "/auth/register", "json": {"email": e, "password": "secret"}}
            for e in emails
        )
    )
    answers = Counter(response.status_code for response in responses)
    judge(visitors, answers, retries)
    assert answers.keys() <= {201, 400, 500}
    created = sorted(r.json()["email"].lower() for r in responses if r.status_code == 201)
    async with engine.connect() as connection:
        stored = (await connection.execute(select(func.lower(User.email)))).scalars()
        assert sorted(stored) == created
    if retries:
        assert created == sorted({email.lower() for email in emails})


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_changes(visitors: Visitors, engine: AsyncEngine, retries: int, number: int) -> None:
    """Of the passwords and names of ten users: what each of them has is what was answered with
    success, and all are, if there are retries."""
    ids = [uuid.uuid4() for _ in range(USERS)]
    async with engine.begin() as connection:
        flags = {"is_active": True, "is_superuser": False, "is_verified": False}
        rows = [{"id": i, "email": f"{i}@example.com", "hashed_password": "", **flags} for i in ids]
        await connection.execute(User.__table__.insert(), rows)
    strategy: JWTStrategy[Any, Any] = JWTStrategy(application.SECRET, 3600)
    tokens = [await strategy.write_token(SimpleNamespace(id=i)) for i in ids]
    changes = [
        {"email": f"{n}@example.com"} if n // USERS % 3 == 0 else {"password": str(n)}
        for n in range(CHANGES)
    ]
    responses = await visitors.all(
        *(
            {
                "method": "PATCH",
                "url": "/users/me",
                "json": change,
                "headers": {"Authorization": f"Bearer {tokens[n % USERS]}"},
            }
            for n, change in enumerate(changes)
        )
    )
    answers = Counter(response.status_code for response in responses)
    judge(visitors, answers, retries)
    assert answers.keys() <= {200, 500}
    done: dict[Any, list[dict[str, str]]] = {i: [] for i in ids}
    for n, response in enumerate(responses):
        if response.status_code == 200:
            done[ids[n % USERS]].append(changes[n])
    async with engine.connect() as connection:
        stored = (await connection.execute(select(User.__table__))).all()
    for user in stored:
        emails = [change["email"] for change in done[user.id] if "email" in change]
        passwords = [change["password"] for change in done[user.id] if "password" in change]
        assert user.email in (emails or [f"{user.id}@example.com"])
        assert user.hashed_password in ([f"hash of {p}" for p in passwords] or [""])
