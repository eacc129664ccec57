"""No access token in an error, a warning or the log, when the session holds another object of the
same row: SQLAlchemy would name its key, and that is the token."""

import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as ShimAccessTokenDatabase,
)
from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase
from tests.compat.models import AccessTokenDB
from tests.conformance.models import AccessToken, Base, User
from tests.conftest import Addresses, create_tables
from tests.faults.secrets import Texts, collected, planted
from tests.people import ANNE
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

TOKEN = planted("token")
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def texts() -> Iterator[Texts]:
    """All text that is produced. In the end it is searched for the token."""
    with warnings.catch_warnings(), collected() as texts:
        warnings.simplefilter("always")
        yield texts
    texts.assert_no_secret()


@pytest.fixture(scope="module")
async def addresses(new_database: Callable[[str], Addresses]) -> Addresses:
    addresses = new_database("sqlite")
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.fixture
async def sessions(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[tuple[AsyncSession, AsyncSession]]:
    """One in which an object was read, and another that is given it."""
    engine = engine_of(addresses)
    one = AsyncSession(engine, expire_on_commit=False)
    other = AsyncSession(engine, expire_on_commit=False)
    async with one, other:
        yield one, other
    await delete_rows(engine, Base.metadata)


FORMS: dict[str, Callable[[AsyncSession], Any]] = {
    "orm": lambda session: SQLAlchemyAccessTokenDatabase(session, AccessToken),
    "orm-no-commit": lambda session: SQLAlchemyAccessTokenDatabase(
        session, AccessToken, commit=False
    ),
    "shim": lambda session: ShimAccessTokenDatabase(session, AccessToken),
    "legacy-shim": lambda session: ShimAccessTokenDatabase(AccessTokenDB, session, AccessToken),
}


REFUSING = ("orm", "shim")
"""Those that refuse a token whose other object has changes that are not written yet. A savepoint
writes them first, and the legacy form takes the object that the session holds."""


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=[False, True], ids=["unchanged", "changed"])
def is_changed(request: pytest.FixtureRequest) -> bool:
    changed: bool = request.param
    return changed


@pytest.fixture
async def given(
    form: str, is_changed: bool, sessions: tuple[AsyncSession, AsyncSession]
) -> tuple[Any, Any]:
    """The adapter, and a token that is not the object that its session holds."""
    one, other = sessions
    user = await SQLAlchemyUserDatabase(one, User).create(ANNE)
    token = await SQLAlchemyAccessTokenDatabase(one, AccessToken).create(
        {"token": TOKEN, "user_id": user.id, "created_at": NOW}
    )
    one.expunge_all()
    held = await other.get(AccessToken, TOKEN)
    assert held is not None
    other.held = held  # type: ignore[attr-defined]  # or it would be collected
    if is_changed:
        held.created_at = NOW + timedelta(days=1)
    if form == "legacy-shim":
        token = AccessTokenDB(token=TOKEN, user_id=user.id, created_at=NOW)
    return FORMS[form](other), token


async def outcome(texts: Texts, awaitable: Any) -> Any:
    """Await it, and collect what it raises, which only SQLAlchemy may."""
    try:
        return await awaitable
    except InvalidRequestError as error:
        texts.raised(error)
        return error
    except Exception as error:
        texts.raised(error)
        raise


async def test_update_shows_none(
    given: tuple[Any, Any], form: str, is_changed: bool, texts: Texts
) -> None:
    tokens, token = given
    new = NOW + timedelta(days=2)
    result = await outcome(texts, tokens.update(token, {"created_at": new}))
    if is_changed and form in REFUSING:
        assert isinstance(result, InvalidRequestError)
    else:
        assert (await tokens.get_by_token(TOKEN)).created_at == new


async def test_delete_shows_none(
    given: tuple[Any, Any], form: str, is_changed: bool, texts: Texts
) -> None:
    tokens, token = given
    result = await outcome(texts, tokens.delete(token))
    if is_changed and form in REFUSING:
        assert isinstance(result, InvalidRequestError)
    else:
        assert await tokens.get_by_token(TOKEN) is None


async def test_delete_of_one_that_was_never_read_shows_none(
    given: tuple[Any, Any], texts: Texts
) -> None:
    tokens, token = given
    if isinstance(token, AccessToken):
        token = AccessToken(token=TOKEN, user_id=token.user_id)
        assert inspect(token).transient
    await outcome(texts, tokens.delete(token))


async def test_create_shows_none(given: tuple[Any, Any], form: str, texts: Texts) -> None:
    tokens, token = given
    values = {"token": TOKEN, "user_id": token.user_id, "created_at": NOW}
    with pytest.raises(Exception) as raised:  # noqa: PT011  the integrity error, or SQLAlchemy's
        await tokens.create(values)
    texts.raised(raised.value)
