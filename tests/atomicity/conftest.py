"""The places where the writes are harmed: each database, and what stands before it."""

import gc
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.atomicity.trial import Place, place
from tests.conftest import DATABASES, SOAK, Addresses
from tests.faults.secrets import Texts, collected


@pytest.fixture(
    scope="session", params=DATABASES if SOAK else [d for d in DATABASES if d != "mariadb-asyncmy"]
)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    return new_database(request.param)


@pytest.fixture(scope="session")
async def harmed(addresses: Addresses) -> AsyncIterator[Place]:
    async with place(addresses) as harmed:
        yield harmed


@pytest.fixture(autouse=True)
def _little_garbage() -> Iterator[None]:
    """Let the garbage collector, which a trial may call, look at nothing but the test's own."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def texts(capfd: pytest.CaptureFixture[str]) -> Iterator[Texts]:
    """All text that is produced. In the end it is searched for secrets."""
    with collected() as texts:
        yield texts
    texts.texts += capfd.readouterr()
    texts.assert_no_secret()
