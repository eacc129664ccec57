"""The page about reliability: its tests exist, and its engine options do what they are for."""

import re
from collections.abc import Callable
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests import servers
from tests.conftest import Addresses
from tests.docs.samples import ROOT, load

PAGE = (ROOT / "docs" / "reliability.md").read_text()
PROMISES = re.findall(r"^- \*\*([A-Z]\d+)\.\*\* ", PAGE, flags=re.MULTILINE)
TESTS = re.findall(r"^\| ([A-Z]\d+) \| `(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, flags=re.MULTILINE)


def test_every_promise_names_its_test() -> None:
    assert [promise for promise, _, _ in TESTS] == PROMISES


@pytest.mark.parametrize(("promise", "file", "test"), TESTS)
def test_the_test_of_a_promise_exists(promise: str, file: str, test: str) -> None:
    assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text(), flags=re.MULTILINE)


async def ask(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))


def end_connections(addresses: Addresses) -> None:
    url = make_url(addresses.orm).set(drivername="postgresql")
    with closing(servers.POSTGRESQL.connect(url)) as connection:
        # It waits until they are gone, for at most ten seconds.
        ended = connection.execute(
            "SELECT bool_and(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ended.fetchone() == (True,)


async def test_idle_connections_may_end(empty_database: Callable[[str], Addresses]) -> None:
    addresses = empty_database("postgresql")
    sample = load("reliability.py", addresses.orm)
    without = create_async_engine(addresses.orm)
    await ask(sample.engine)
    await ask(without)

    end_connections(addresses)

    await ask(sample.engine)
    with pytest.raises(DBAPIError):
        await ask(without)
    await sample.engine.dispose()
    await without.dispose()
