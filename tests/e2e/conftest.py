"""The application on every adapter and database, and browsers that visit it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.conftest import DATABASES, Addresses, create_tables
from tests.e2e.app import Backend, Base, User, create_app
from tests.e2e.browser import Browser
from tests.e2e.provider import Account, Provider, served_provider

# What is left open, or never awaited, is an error. Only the deprecated backend may warn.
LEAKS = (
    "error::ResourceWarning",
    "error::RuntimeWarning",
    "error::pytest.PytestUnraisableExceptionWarning",
)
DEPRECATION = "ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"
BACKENDS = [
    pytest.param("orm", marks=pytest.mark.filterwarnings(*LEAKS)),
    pytest.param("databases", marks=pytest.mark.filterwarnings(*LEAKS, DEPRECATION)),
]

AppOf = Callable[[Backend, Addresses], Awaitable[FastAPI]]


@pytest.fixture(scope="session", params=DATABASES)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    """A database with the application's tables. Each test adds users of its own."""
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, Base.metadata))
    return addresses


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    with served_provider() as provider:
        yield provider


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """What the application's adapters talk through."""
    backend: Backend = request.param
    return backend


@pytest.fixture(scope="session")
async def app_of(provider: Provider, new_database: object) -> AsyncIterator[AppOf]:
    """The application on a backend and a database: the same one for all tests of the run.

    It stops before its database is dropped.
    """
    apps: dict[tuple[Backend, Addresses], FastAPI] = {}

    async def app_of(backend: Backend, addresses: Addresses) -> FastAPI:
        if (backend, addresses) not in apps:
            app = create_app(backend, addresses, provider.url)
            await stack.enter_async_context(app.router.lifespan_context(app))
            apps[backend, addresses] = app
        return apps[backend, addresses]

    async with AsyncExitStack() as stack:
        yield app_of


@pytest.fixture(scope="session")
async def app(backend: Backend, addresses: Addresses, app_of: AppOf) -> FastAPI:
    return await app_of(backend, addresses)


@pytest.fixture(scope="session")
async def other_app(backend: Backend, addresses: Addresses, app_of: AppOf) -> FastAPI:
    """The same application on the other backend, with the same database."""
    return await app_of("databases" if backend == "orm" else "orm", addresses)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    async with Browser(app) as browser:
        yield browser


@pytest.fixture
async def other_browser(other_app: FastAPI) -> AsyncIterator[Browser]:
    """A browser that visits the same application on the other backend."""
    async with Browser(other_app) as browser:
        yield browser


@pytest.fixture(scope="session")
async def admin(app: FastAPI, engine: AsyncEngine) -> AsyncIterator[Browser]:
    """Another browser, in which a superuser is logged in: the same for all tests."""
    email = f"admin-{uuid4().hex}@example.com"
    async with Browser(app) as admin:
        await admin.register(email)
        async with engine.begin() as connection:
            await connection.execute(
                update(User).where(User.email == email).values(is_superuser=True)
            )
        await admin.login(email)
        yield admin


@pytest.fixture(scope="session")
def engine(addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]) -> AsyncEngine:
    """The database itself, for what no route of the application does."""
    return engine_of(addresses)


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.com"


@pytest.fixture
def other_email() -> str:
    return f"{uuid4().hex}@example.com"


@pytest.fixture
def account(provider: Provider, email: str) -> Account:
    """An account that is signed in at the provider, with the e-mail address `email`."""
    provider.signed_in = Account(email)
    return provider.signed_in


@pytest.fixture
async def user(browser: Browser, email: str) -> dict[str, Any]:
    """A user, logged in in `browser`."""
    response = await browser.register(email)
    await browser.login(email)
    user: dict[str, Any] = response.json()
    return user
