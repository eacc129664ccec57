"""The application starts and stops, and leaves nothing behind."""

import asyncio
import os

from fastapi import FastAPI

from tests.e2e.browser import Browser


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
