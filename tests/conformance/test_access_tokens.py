"""Access tokens: look-ups with a maximum age, creation, changes, deletion."""

import warnings
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import SAWarning

from fastapi_users_db import (
    AccessTokenNotFoundError,
    InvalidValueError,
    UserAlreadyExistsError,
)
from tests.conformance.conftest import Backend
from tests.conformance.models import AccessToken, User
from tests.people import ACCOUNT

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def user(users: Any) -> Any:
    return await users.create({"email": "anne@example.com", "hashed_password": "hash"})


async def test_create_returns_a_complete_token(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    await backend.close()
    assert type(token) is AccessToken
    assert (token.token, token.user_id) == ("abc", user.id)
    assert token.created_at.utcoffset() == timedelta(0)


async def test_get_returns_what_create_returned(tokens: Any, user: Any) -> None:
    token = await tokens.create({"token": "abc", "user_id": user.id})
    found = await tokens.get_by_token("abc")
    assert (found.token, found.user_id, found.created_at) == ("abc", user.id, token.created_at)


async def test_get_returns_none_for_an_unknown_token(tokens: Any) -> None:
    assert await tokens.get_by_token("abc") is None


@pytest.mark.parametrize("value", ["ABC", "abc ", "äbc", "", "a" * 5000, "ab\0c", "\ud800"])
async def test_get_compares_exactly(tokens: Any, user: Any, value: str) -> None:
    await tokens.create({"token": "abc", "user_id": user.id})
    assert await tokens.get_by_token(value) is None


@pytest.mark.parametrize("zone", [timezone.utc, timezone(timedelta(hours=-7)), None])
async def test_maximum_age_may_be_in_any_zone(
    tokens: Any, user: Any, zone: timezone | None
) -> None:
    await tokens.create({"token": "abc", "user_id": user.id, "created_at": NOON})
    max_age = NOON.astimezone(zone) if zone else NOON.replace(tzinfo=None)
    assert await tokens.get_by_token("abc", max_age)
    assert await tokens.get_by_token("abc", max_age - SECOND)
    assert await tokens.get_by_token("abc", max_age + SECOND) is None


async def test_update_writes_and_returns_the_same_token(tokens: Any, user: Any) -> None:
    token = await tokens.create({"token": "abc", "user_id": user.id})
    updated = await tokens.update(token, {"created_at": NOON})
    assert updated is token
    assert token.created_at == NOON
    assert (await tokens.get_by_token("abc")).created_at == NOON


async def test_update_without_a_change_returns_the_token(tokens: Any, user: Any) -> None:
    token = await tokens.create({"token": "abc", "user_id": user.id})
    assert await tokens.update(token, {}) is token


async def test_update_of_a_token_that_is_gone_is_refused(backend: Backend, user: Any) -> None:
    user_id = user.id
    token = await backend.tokens.create({"token": "abc", "user_id": user_id, "created_at": NOON})
    await backend.rows(delete(AccessToken.__table__))
    with pytest.raises(AccessTokenNotFoundError):
        await backend.tokens.update(token, {"created_at": NOON + SECOND})
    assert token.created_at == NOON
    assert await backend.tokens.create({"token": "new", "user_id": user_id})


async def test_update_of_a_deleted_token_is_refused(tokens: Any, user: Any) -> None:
    token = await tokens.create({"token": "abc", "user_id": user.id})
    await tokens.delete(token)
    with pytest.raises(AccessTokenNotFoundError):
        await tokens.update(token, {"created_at": NOON})


async def test_delete_removes_the_token(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    await backend.tokens.create({"token": "other", "user_id": user.id})
    await backend.tokens.delete(token)
    assert [row.token for row in await backend.rows(select(AccessToken.__table__))] == ["other"]


async def test_delete_of_a_token_that_is_gone_is_no_error(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    await backend.rows(delete(AccessToken.__table__))
    await backend.tokens.delete(token)
    await backend.tokens.delete(token)


async def test_delete_of_a_token_that_was_never_written_is_no_error(
    backend: Backend, user: Any
) -> None:
    await backend.tokens.create({"token": "abc", "user_id": user.id})
    for token in (AccessToken(), AccessToken(token="new"), AccessToken(token="new", user_id=1)):
        await backend.tokens.delete(token)
        await backend.tokens.delete(token)
    assert [row.token for row in await backend.rows(select(AccessToken.__table__))] == ["abc"]


async def test_delete_of_a_token_by_its_value_removes_the_row(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    await backend.tokens.delete(AccessToken(token="abc"))
    assert await backend.rows(select(AccessToken.__table__)) == []
    assert token.token == "abc"


async def test_update_of_a_token_that_was_never_written_is_refused(
    backend: Backend, user: Any
) -> None:
    with pytest.raises(AccessTokenNotFoundError):
        await backend.tokens.update(AccessToken(token="abc"), {"user_id": user.id})
    assert await backend.rows(select(AccessToken.__table__)) == []


async def test_a_token_without_its_value_is_refused(backend: Backend, user: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # the ORM's, of the same
        with pytest.raises(InvalidValueError, match=r"(?i)accesstoken\.token is missing"):
            await backend.tokens.create({"user_id": user.id})
    assert user.email == "anne@example.com"
    assert await backend.tokens.create({"token": "abc", "user_id": user.id})


async def test_users_stay_readable_when_a_token_is_refused(backend: Backend, user: Any) -> None:
    user = await backend.users.add_oauth_account(user, ACCOUNT)
    await backend.tokens.create({"token": "abc", "user_id": user.id})
    with pytest.raises(Exception, match=r"(?i)duplicate|unique"):
        await backend.tokens.create({"token": "abc", "user_id": user.id})
    assert user.email == "anne@example.com"
    assert [account.account_id for account in user.oauth_accounts] == ["1"]


async def test_tokens_stay_readable_when_a_user_is_refused(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    other = await backend.users.create({"email": "bert@example.com", "hashed_password": "hash"})
    with pytest.raises(UserAlreadyExistsError):
        await backend.users.update(user, {"email": "bert@example.com"})
    assert (token.token, token.user_id) == ("abc", user.id)
    assert other.email == "bert@example.com"


async def test_delete_expired_removes_what_is_older(backend: Backend, user: Any) -> None:
    for n in range(-3, 3):
        values = {"token": str(n), "user_id": user.id, "created_at": NOON + n * SECOND}
        await backend.tokens.create(values)
    assert await backend.tokens.delete_expired(NOON, batch_size=2) == 3
    left = [row.token for row in await backend.rows(select(AccessToken.__table__))]
    assert sorted(left) == ["0", "1", "2"]


async def test_delete_expired_takes_a_naive_time_as_utc(tokens: Any, user: Any) -> None:
    await tokens.create({"token": "abc", "user_id": user.id, "created_at": NOON})
    assert await tokens.delete_expired(NOON.replace(tzinfo=None)) == 0
    assert await tokens.delete_expired((NOON + SECOND).replace(tzinfo=None)) == 1


async def test_delete_expired_refuses_an_empty_batch(tokens: Any) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        await tokens.delete_expired(NOON, batch_size=0)


async def test_a_token_longer_than_its_column_is_refused(backend: Backend, user: Any) -> None:
    if backend.addresses.name == "sqlite":
        # It knows no width.
        await backend.tokens.create({"token": "secret" * 10, "user_id": user.id})
        assert await backend.tokens.get_by_token("secret" * 10)
        return
    with pytest.raises(InvalidValueError, match=r"AccessToken\.token holds at most 43") as caught:
        await backend.tokens.create({"token": "secret" * 10, "user_id": user.id})
    assert "secret" not in str(caught.value)
    assert await backend.rows(select(AccessToken.__table__)) == []


async def test_users_stay_readable_when_a_token_is_written(backend: Backend, user: Any) -> None:
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    await backend.tokens.delete(token)
    assert user.email == "anne@example.com"


async def test_an_unknown_attribute_is_refused(tokens: Any, user: Any) -> None:
    with pytest.raises(TypeError, match="'colour' is not an attribute of AccessToken"):
        await tokens.create({"token": "abc", "user_id": user.id, "colour": "red"})


async def test_get_refuses_what_is_no_string(tokens: Any) -> None:
    with pytest.raises(TypeError, match="token must be a str, not bytes"):
        await tokens.get_by_token(b"abc")


async def test_a_token_of_nobody_is_refused_where_foreign_keys_are_enforced(
    backend: Backend, user: Any
) -> None:
    if backend.addresses.name == "sqlite":
        return
    await backend.rows(delete(User.__table__))
    with pytest.raises(Exception, match="foreign key"):
        await backend.tokens.create({"token": "abc", "user_id": user.id})
    assert await backend.tokens.get_by_token("abc") is None
