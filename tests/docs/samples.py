"""The samples under docs/src, run as a reader would: as a file of their own.

Also programs without pytest import it: those on stacks of other times.
"""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "src"
SAMPLES = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.rglob("*.py"))]


def load(sample: str, database_url: str | None = None, **addresses: str) -> Any:
    """Run a sample and return its module, with another database in place of the one it names.

    Parameters:
        sample: its path.
        database_url: what its `DATABASE_URL` is to be.
        addresses: the same for other names.
    """
    source = (SOURCE / sample).read_text()
    if database_url is not None:
        addresses["DATABASE_URL"] = database_url
    for name, address in addresses.items():
        line = f"{name} = {address!r}"
        source, replaced = re.subn(f"^{name} = .*$", line, source, flags=re.MULTILINE)
        assert replaced == 1
    # A name of its own for each run: the mapped classes, and places that warn only once.
    module = ModuleType(f"sample_{uuid4().hex}")
    sys.modules[module.__name__] = module
    exec(compile(source, f"{module.__name__}/{sample}", "exec"), module.__dict__)
    return module


@contextmanager
def beside_tutorial(database_url: str) -> Iterator[None]:
    """Let samples import the tutorial's `app`, as files that are beside it."""
    sys.modules["app"] = load("orm/app.py", database_url)
    try:
        yield
    finally:
        del sys.modules["app"]


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Start an app and give a client that talks to it over HTTP."""
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://app.test") as client,
    ):
        yield client


async def register(client: httpx.AsyncClient, email: str = "ada@example.com") -> dict[str, Any]:
    """Register a user over HTTP."""
    response = await client.post("/auth/register", json={"email": email, "password": "secret"})
    assert response.status_code == 201, response.text
    user: dict[str, Any] = response.json()
    return user


async def log_in(client: httpx.AsyncClient, email: str = "ada@example.com") -> dict[str, str]:
    """Log in over HTTP and return the headers that prove it."""
    response = await client.post("/auth/login", data={"username": email, "password": "secret"})
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}
