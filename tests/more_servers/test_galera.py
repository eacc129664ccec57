"""Writes on all nodes of a Galera cluster: with retries none fails, and none is lost."""

import asyncio
import itertools
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from databases import Database
from fastapi_users.authentication import JWTStrategy
from sqlalchemy.ext.asyncio import create_async_engine

from fastapi_users_db import is_retryable
from tests.conftest import DATABASES_DRIVERS, ORM_DRIVERS, Addresses, create_tables
from tests.e2e import app as application
from tests.e2e.app import Base, User
from tests.more_servers import galera
from tests.outages.server import CRASH, Server
from tests.races.test_isolation_levels import Hashing, Visitors

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

REGISTRATIONS, ADDRESSES = 1000, 20
CHANGES, USERS = 250, 10
# Whoever is undone has met another who went on, so that nobody is undone as often as that.
ENOUGH = REGISTRATIONS
CLIENTS = 15
BEFORE, AFTER = 600, 300
"""How many users are registered before a node is killed, and after it."""
BOUND_SECONDS = 300


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[Server]]:
    with galera.running() as nodes:
        yield nodes


def addresses_of(node: Server, database: str) -> Addresses:
    orm, databases = (
        node.url.set(drivername=drivers["mariadb-aiomysql"], database=database)
        for drivers in (ORM_DRIVERS, DATABASES_DRIVERS)
    )
    return Addresses("mariadb", orm.render_as_string(False), databases.render_as_string(False))


@pytest.fixture
async def database(cluster: list[Server]) -> str:
    """A database with the tables, which all nodes have."""
    name = f"of_{uuid.uuid4().hex}"
    galera.ask(cluster[0], f"CREATE DATABASE {name}")
    await create_tables(addresses_of(cluster[0], name), Base.metadata)
    everywhere(cluster, f"SELECT count(*) FROM {name}.user")
    return name


def everywhere(nodes: list[Server], statement: str) -> Any:
    """Return what each of the nodes finds: the same."""
    first, *others = [sorted(galera.ask(node, statement)) for node in nodes]
    for other in others:
        assert other == first
    return first


@pytest.fixture(params=["orm", "databases"])
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[ENOUGH, 0], ids=["retries", "no-retries"])
def retries(request: pytest.FixtureRequest) -> int:
    number: int = request.param
    return number


@pytest.fixture
async def writers(
    cluster: list[Server],
    database: str,
    backend: Any,
    retries: int,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[list[Visitors]]:
    """The visitors of three apps, each of which writes on a node of its own."""
    monkeypatch.setattr(
        application, "create_async_engine", partial(create_async_engine, pool_timeout=600)
    )
    # Who waits for a connection of aiomysql's pool waits until the server is there again.
    monkeypatch.setattr(application, "Database", partial(Database, max_size=CLIENTS))
    monkeypatch.setattr(application, "password_helper", Hashing())
    async with AsyncExitStack() as stack:
        writers = []
        for node in cluster:
            app = application.create_app(
                backend, addresses_of(node, database), "http://provider.invalid", retries=retries
            )
            await stack.enter_async_context(app.router.lifespan_context(app))
            writers.append(await stack.enter_async_context(Visitors(app)))
        yield writers


async def answers_of(
    writers: list[Visitors], requests: list[dict[str, Any]], retries: int
) -> list[httpx.Response]:
    """Send each request to the next of the writers, all at once, and return the answers in order.

    Nobody is answered with 500; without retries only who was asked to repeat it.
    """
    sent = [requests[number :: len(writers)] for number in range(len(writers))]
    found = await asyncio.gather(*(w.all(*own) for w, own in zip(writers, sent, strict=True)))
    answers = [r for turn in itertools.zip_longest(*found) for r in turn if r is not None]
    errors = [error for writer in writers for error in writer.errors]
    print(f"{retries} retries: {dict(Counter(r.status_code for r in answers))}")  # noqa: T201
    for error in errors:
        if retries or not is_retryable(error):
            raise error
    assert sum(r.status_code == 500 for r in answers) == len(errors)
    return answers


async def test_changes(
    cluster: list[Server], database: str, writers: list[Visitors], retries: int
) -> None:
    """What each user has is what was answered with success, on all nodes."""
    ids = [uuid.uuid4() for _ in range(USERS)]
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    rows = [{"id": i, "email": f"{i}@example.com", "hashed_password": "", **flags} for i in ids]
    engine = create_async_engine(addresses_of(cluster[0], database).orm)
    async with engine.begin() as connection:
        await connection.execute(User.__table__.insert(), rows)
    await engine.dispose()
    everywhere(cluster, f"SELECT email FROM {database}.user")
    strategy: JWTStrategy[Any, Any] = JWTStrategy(application.SECRET, 3600)
    tokens = [await strategy.write_token(SimpleNamespace(id=i)) for i in ids]
    requests = [
        {
            "method": "PATCH",
            "url": "/users/me",
            "json": {"password": str(number)},
            "headers": {"Authorization": f"Bearer {tokens[number % USERS]}"},
        }
        for number in range(CHANGES)
    ]
    answers = await answers_of(writers, requests, retries)
    assert {response.status_code for response in answers} <= {200, 500}
    done: dict[str, set[str]] = {row["email"]: set() for row in rows}
    for number, response in enumerate(answers):
        if response.status_code == 200:
            done[response.json()["email"]].add(f"hash of {number}")
    for email, password in everywhere(
        cluster, f"SELECT email, hashed_password FROM {database}.user"
    ):
        assert password in (done[email] or {""})


async def test_registrations(
    cluster: list[Server], database: str, writers: list[Visitors], retries: int
) -> None:
    """Of 20 addresses: 201 once for each, 400 for all others."""
    requests = [
        {
            "method": "POST",
            "url": "/auth/register",
            "json": {"email": f"{number % ADDRESSES}@example.com", "password": "secret"},
        }
        for number in range(REGISTRATIONS)
    ]
    answers = await answers_of(writers, requests, retries)
    assert {response.status_code for response in answers} <= {201, 400, 500}
    created = sorted(r.json()["email"] for r in answers if r.status_code == 201)
    assert created == sorted(f"{number}@example.com" for number in range(ADDRESSES))
    stored = everywhere(cluster, f"SELECT email FROM {database}.user")
    assert [email for (email,) in stored] == created


@pytest.mark.parametrize("retries", [5])
async def test_a_node_is_killed(
    cluster: list[Server], database: str, writers: list[Visitors], retries: int
) -> None:
    """The other two go on, and have all that any of the three has acknowledged."""
    registered: list[str] = []
    numbers = itertools.count()
    reached = asyncio.Event()
    wanted = BEFORE
    *others, killed = cluster

    async def visit(writer: Visitors) -> None:
        while len(registered) < BEFORE + AFTER or not reached.is_set():
            email = f"{next(numbers)}@example.com"
            json = {"email": email, "password": "secret"}
            [answer] = await writer.all({"method": "POST", "url": "/auth/register", "json": json})
            if answer.status_code == 201:
                registered.append(email)
            else:
                # Nobody promised anything; a driver that is refused at once is not to spin.
                await asyncio.sleep(0.01)
            if len(registered) >= wanted:
                reached.set()

    async def run() -> None:
        nonlocal wanted
        visitors = [asyncio.create_task(visit(w)) for w in writers for _ in range(CLIENTS)]
        await reached.wait()
        reached.clear()
        await asyncio.to_thread(killed.stop, CRASH)
        wanted = len(registered) + AFTER
        await asyncio.gather(*visitors)

    try:
        await asyncio.wait_for(run(), BOUND_SECONDS)
        stored = everywhere(others, f"SELECT email FROM {database}.user")
        lost = {*registered} - {email for (email,) in stored}
        print(f"{len(registered)} answered, {len(lost)} lost")  # noqa: T201
        assert lost == set()
        galera.wait_for(others)
    finally:
        await asyncio.to_thread(killed.start)
        galera.wait_for(cluster)
