"""One long task, as of a worker, that loses its connection while it holds it."""

from contextlib import suppress

import pytest
from databases import Database

from fastapi_users_db import DatabasesUserDatabase
from tests.e2e.app import OAuthAccount, User
from tests.outages.conftest import Place


@pytest.mark.parametrize("place", [("databases", "postgresql")], ids="-".join, indirect=True)
@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
@pytest.mark.xfail(
    reason="`databases` keeps a connection whose release failed: 'already acquired' ever after",
    raises=AssertionError,
    strict=False,
)
async def test_a_task_goes_on_after_it_has_lost_its_connection(place: Place) -> None:
    assert place.url.database is not None
    async with Database(place.addresses.databases, min_size=1, max_size=2) as database:
        adapter = DatabasesUserDatabase(database, User, OAuthAccount)
        with suppress(Exception):
            async with database.connection():
                await adapter.get_by_email("anne@example.com")
                # In this thread: the event loop does not see the connection end before the release.
                place.server.terminate(place.url.database)
        assert await adapter.get_by_email("anne@example.com") is None
