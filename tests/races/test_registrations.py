"""Registrations for 20 addresses, 50 at a time: each address is registered once.

Upstream answers 500 to some 400 of 1000. `test_an_untranslated_error_is_found` shows the same of
an adapter that lets integrity errors through.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from databases import Database
from fastapi_users.password import PasswordHelperProtocol
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import SOAK, Addresses, create_tables
from tests.e2e import app as application
from tests.e2e.app import Backend, Base, User
from tests.races.conftest import RACED

ADDRESSES, AT_ONCE = 20, 50
SOME, MANY = 200, 1000

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


class NoHashing(PasswordHelperProtocol):
    """Hashing would take most of the time."""

    def verify_and_update(self, plain_password: str, hashed_password: str) -> Any:
        raise NotImplementedError

    def hash(self, password: str) -> str:
        return "hash"

    def generate(self) -> str:
        raise NotImplementedError


async def register(backend: Backend, addresses: Addresses, emails: list[str]) -> Counter[int]:
    """Register all, some at a time, and count the answers by their status."""
    app = application.create_app(backend, addresses, "http://provider.invalid")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(email: str) -> int:
        async with gate:
            response = await client.post(
                "/auth/register", json={"email": email, "password": "correct horse"}
            )
        return response.status_code

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app.test") as client,
    ):
        return Counter(await asyncio.gather(*map(one, emails)))


@pytest.fixture
async def addresses(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], Addresses],
    monkeypatch: pytest.MonkeyPatch,
) -> Addresses:
    monkeypatch.setattr(application, "password_helper", NoHashing())
    addresses = new_database(request.param)
    if request.param == "sqlite":
        # Its writers wait for each other, however slow the disk is.
        orm = make_url(addresses.orm).update_query_dict({"timeout": "120"})
        addresses = replace(addresses, orm=str(orm))
        monkeypatch.setattr(application, "Database", partial(Database, timeout=120))
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.mark.parametrize("backend", ["orm", "databases"])
@pytest.mark.parametrize(
    ("number_of_all", "addresses"),
    [(MANY, database) for database in RACED]
    if SOAK
    else [
        *((SOME, database) for database in RACED),
        pytest.param(MANY, "postgresql", marks=pytest.mark.thorough),
    ],
    indirect=["addresses"],
)
async def test_each_address_is_registered_once(
    backend: Backend, number_of_all: int, addresses: Addresses
) -> None:
    """Over HTTP, in any case of letters: 201 once for each, 400 for all others, no 5xx."""
    emails = [
        f"{'user' if number % 3 else 'USER'}{number % ADDRESSES}@example.com"
        for number in range(number_of_all)
    ]
    answers = await register(backend, addresses, emails)
    assert answers == {201: ADDRESSES, 400: number_of_all - ADDRESSES}
    engine = create_async_engine(addresses.orm)
    async with engine.connect() as connection:
        registered = await connection.execute(select(func.lower(User.email)))
        found = sorted(registered.scalars())
    await engine.dispose()
    assert found == sorted({email.lower() for email in emails})


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_an_untranslated_error_is_found(
    addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter that does not know a taken address by the error makes the app answer 500."""

    monkeypatch.setattr("fastapi_users_db.adapters.orm.violation", lambda *_: None)
    answers = await register("orm", addresses, ["anne@example.com"] * AT_ONCE)
    assert answers[500] > 0
