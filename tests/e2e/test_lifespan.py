"""The application starts and stops, and leaves nothing behind."""

import asyncio
import os

import pytest
from fastapi import FastAPI

from tests.conftest import Addresses
from tests.e2e.app import Backend, create_app
from tests.e2e.browser import Browser
from tests.e2e.provider import Provider


@pytest.fixture(scope="module")
def app(backend: Backend, addresses: Addresses, provider: Provider) -> FastAPI:
    """An application of these tests' own: that of the others runs already."""
    return create_app(backend, addresses, provider.url)


def open_files() -> int:
    """Count what this process has open: files, and connections to servers."""
    return len(os.listdir("/dev/fd"))


def test_stopped_app_leaves_nothing_open(app: FastAPI, email: str) -> None:
    async def visit() -> None:
        async with app.router.lifespan_context(app), Browser(app) as browser:
            await browser.register(email)
            await browser.login(email)
            await browser.me()
            assert open_files() > before

    before = open_files()
    asyncio.run(visit())
    assert open_files() <= before


async def test_app_starts_again(app: FastAPI, email: str) -> None:
    async with app.router.lifespan_context(app), Browser(app) as browser:
        await browser.register(email)

    async with app.router.lifespan_context(app), Browser(app) as browser:
        assert (await browser.login(email)).is_success
