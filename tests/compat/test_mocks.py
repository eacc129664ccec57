"""What apps put in place of a `databases.Database`: mocks in their tests, and wrappers."""

import uuid
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase

from tests.compat.models import (
    AccessTokenDB,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    databases_form,
    on_every_database,
)

pytestmark = databases_form

ID = uuid.UUID(int=1, version=4)
ROW = {
    "id": ID,
    **anne(is_active=True, is_superuser=False, is_verified=False),
}


def mocks() -> list[Any]:
    kind = pytest.importorskip("databases").Database
    return [AsyncMock(spec=kind), AsyncMock(), MagicMock(spec=kind)]


class Delegating:
    """A wrapper that hands on whatever is asked of it."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


# A mock without a specification gives a coroutine for whatever is called.
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("number", range(3))
async def test_users_of_a_mock_that_answers_as_upstream_asks(
    legacy: SimpleNamespace, number: int
) -> None:
    database = mocks()[number]
    database.fetch_one.return_value = ROW
    user_db: Any = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

    user = await user_db.get(ROW["id"])
    assert user.email == (await user_db.get_by_email(user.email)).email == ROW["email"]
    assert await user_db.create(user) is user
    user.hashed_password = "new"
    assert await user_db.update(user) is user
    await user_db.delete(user)


# A mock without a specification gives a coroutine for whatever is called.
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("number", range(3))
async def test_a_look_up_ends_in_a_mock_that_always_finds_the_same(
    legacy: SimpleNamespace, number: int
) -> None:
    database = mocks()[number]
    database.fetch_one.return_value = ROW
    user_db: Any = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

    assert await user_db.get_by_email("somebody.else@example.com") is None


# A mock without a specification gives a coroutine for whatever is called.
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize("number", range(3))
async def test_access_tokens_of_a_mock(legacy: SimpleNamespace, number: int) -> None:
    access_token = pytest.importorskip("fastapi_users_db_sqlalchemy.access_token")
    if legacy.AccessToken is None:
        pytest.skip("FastAPI Users 7 has no access tokens")
    database = mocks()[number]
    found = {"token": "abc", "user_id": ID, "created_at": datetime(2022, 6, 1)}
    database.fetch_one.return_value = found
    tokens = access_token.SQLAlchemyAccessTokenDatabase(
        AccessTokenDB, database, legacy.AccessToken.__table__
    )

    token = await tokens.get_by_token("abc")
    assert token.user_id == ID
    assert await tokens.create(token) is token
    assert await tokens.update(token) is token
    await tokens.delete(token)


@on_every_database
@pytest.mark.parametrize(
    "wrapped", [Delegating, lambda database: AsyncMock(spec=type(database), wraps=database)]
)
async def test_a_wrapper_that_hands_on_all_and_a_spy(
    database: Any, legacy: SimpleNamespace, wrapped: Any
) -> None:
    user_db: Any = SQLAlchemyUserDatabase(
        OAuthUserDB, wrapped(database), legacy.users, legacy.oauth_accounts
    )
    linked = [{"id": uuid.uuid4(), **account()}]
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=linked)))

    user.hashed_password = "new"
    assert await user_db.update(user) is user
    found = await user_db.get_by_oauth_account("provider", "1")
    assert (found.hashed_password, len(found.oauth_accounts)) == ("new", 1)
    await user_db.delete(found)
    assert await user_db.get(found.id) is None
