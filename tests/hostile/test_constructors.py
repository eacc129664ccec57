"""Arguments of any kind for the constructors: a clear error, or an adapter that works.

Clear is `TypeError` or an error of ours, at once or at the first use.
"""

import asyncio
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import fastapi_users_db_sqlalchemy as shim
import pytest
from databases import Database
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as ShimAccessTokenDatabase,
)
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    FastAPIUsersDBError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User, UserModel
from tests.conftest import Addresses, create_tables
from tests.equivalence.forms import AccessTokenDB, UserDB
from tests.hostile.values import SCALARS, repeatable

EXAMPLES = 400
UNCONNECTED = Database("sqlite:///unused.db")
MOCKS = (Mock(), AsyncMock(), AsyncMock(spec=AsyncSession), Mock(spec=Database))
TABLES = [
    User,
    OAuthAccount,
    AccessToken,
    *(t.__table__ for t in (User, OAuthAccount, AccessToken)),
]
MODELS = [UserModel, UserDB, AccessTokenDB, SimpleNamespace, dict, Base]
NAMES = (
    "session",
    "database",
    "user_table",
    "users",
    "oauth_account_table",
    "oauth_accounts",
    "access_token_table",
    "access_tokens",
    "user_model",
    "user_db_model",
    "access_token_model",
    "commit",
    "colour",
)
S, D = "session", "database"
"""In the calls below: what the test has open."""

RIGHT: dict[Any, list[tuple[Any, ...]]] = {
    SQLAlchemyUserDatabase: [(S, User), (S, User, OAuthAccount)],
    DatabasesUserDatabase: [(D, User), (D, User, OAuthAccount)],
    shim.SQLAlchemyUserDatabase: [
        (S, User, OAuthAccount),
        (UserDB, S, User, OAuthAccount),
        (UserDB, D, User.__table__, OAuthAccount.__table__),
    ],
    SQLAlchemyAccessTokenDatabase: [(S, AccessToken)],
    DatabasesAccessTokenDatabase: [(D, AccessToken)],
    ShimAccessTokenDatabase: [
        (S, AccessToken),
        (AccessTokenDB, S, AccessToken),
        (AccessTokenDB, D, AccessToken.__table__),
    ],
}


def is_clear(error: Exception) -> bool:
    return isinstance(error, FastAPIUsersDBError) or type(error) is TypeError


@contextmanager
def connections(
    addresses: Addresses,
) -> Iterator[tuple[AsyncSession, Database, Callable[..., Any]]]:
    """Give an open session, a connected database, and what runs a coroutine."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(create_tables(addresses, Base.metadata))
    engine = create_async_engine(addresses.orm)
    session, database = AsyncSession(engine), Database(addresses.databases)
    loop.run_until_complete(database.connect())
    try:
        yield session, database, loop.run_until_complete
    finally:
        loop.run_until_complete(session.close())
        loop.run_until_complete(database.disconnect())
        loop.run_until_complete(engine.dispose())
        loop.close()


async def use(adapter: Any) -> None:
    """Look something up that is not there."""
    if hasattr(adapter, "get_by_email"):
        assert await adapter.get_by_email("nobody@example.com") is None
    else:
        assert await adapter.get_by_token("none") is None


@pytest.mark.parametrize("adapter", RIGHT, ids=lambda a: f"{a.__module__}.{a.__name__}")
def test_any_arguments_are_refused_or_work(
    adapter: Any, new_database: Callable[[str], Addresses]
) -> None:
    built = 0
    with (
        connections(new_database("sqlite")) as (session, database, run),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
        likely = st.sampled_from(
            [
                *(session, database, UNCONNECTED, Session(), async_sessionmaker()),
                *(AsyncSession, Database, *MOCKS, *TABLES, *MODELS, User(), select(User), None),
            ]
        )
        anything = likely | SCALARS
        opened = {S: session, D: database}

        @repeatable(EXAMPLES)
        @given(
            right=st.sampled_from(RIGHT[adapter]),
            changes=st.dictionaries(st.integers(0, 3), anything, max_size=2),
            more=st.lists(anything, max_size=1),
            named=st.dictionaries(st.sampled_from(NAMES), anything, max_size=1),
            order=st.permutations(range(4)) | st.just(range(4)),
        )
        def attempt(
            right: tuple[Any, ...], changes: Any, more: Any, named: Any, order: Any
        ) -> None:
            nonlocal built
            arguments = [opened.get(a, a) if isinstance(a, str) else a for a in right]
            arguments = [changes.get(i, a) for i, a in enumerate(arguments)]
            arguments = [arguments[i] for i in order if i < len(arguments)] + more
            try:
                made = adapter(*arguments, **named)
                # What a mock answers is its own affair.
                if not any(value is mock for value in vars(made).values() for mock in MOCKS):
                    run(use(made))
                    built += 1
            except Exception as error:
                if not is_clear(error):
                    raise

        attempt()
    assert built, "no adapter that works was among them"
