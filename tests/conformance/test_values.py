"""Values of another type than the column's: taken where apps rely on it, else refused by name."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from fastapi_users_db import InvalidValueError
from tests.conformance.conftest import Backend
from tests.conformance.models import OAuthAccount, User
from tests.people import ACCOUNT, ANNE, BERT

SECRET = b"a secret"

OF_ANOTHER_TYPE = [
    ("hashed_password", SECRET, "must be str, not bytes"),
    ("is_active", "secret", "must be bool, not str"),
    ("is_active", 2, "must be bool, not int"),
    ("is_active", [], "must be bool, not list"),
    ("id", 1, "must be UUID, not int"),
    ("id", SECRET, "must be UUID, not bytes"),
    ("id", True, "must be UUID, not bool"),
]

OF_NO_USE_TO_A_TYPE = [object(), {"secret": {1, 2}}, SECRET]


async def test_create_refuses_a_value_of_another_type(backend: Backend) -> None:
    other = await backend.users.create(BERT)
    for attribute, value, message in OF_ANOTHER_TYPE:
        with pytest.raises(InvalidValueError) as caught:
            await backend.users.create({**ANNE, attribute: value})
        assert f"ser.{attribute} {message}" in str(caught.value)
        assert "secret" not in f"{caught.value} {caught.value!r}"
        assert caught.value.__cause__ is None
        assert other.email == BERT["email"]
    assert len(await backend.rows(select(User.__table__))) == 1
    assert await backend.users.create(ANNE)


async def test_update_refuses_a_value_of_another_type(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "preferences": {"a": 1}})
    other = await backend.users.create(BERT)
    user_id = user.id
    for attribute, value, message in OF_ANOTHER_TYPE:
        with pytest.raises(InvalidValueError) as caught:
            await backend.users.update(user, {"greeting": "bye", attribute: value})
        assert f"ser.{attribute} {message}" in str(caught.value)
        assert (user.id, user.greeting, user.preferences) == (user_id, "hello", {"a": 1})
        assert other.email == BERT["email"]
    await backend.users.update(user, {"greeting": "bye"})
    assert (await backend.users.get(user_id)).greeting == "bye"


async def test_what_a_columns_type_refuses_is_not_shown(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "preferences": {"a": 1}})
    for value in OF_NO_USE_TO_A_TYPE:
        with pytest.raises((StatementError, TypeError)) as caught:
            await backend.users.create({**BERT, "preferences": value})
        assert "secret" not in f"{caught.value} {caught.value!r}"
        with pytest.raises((StatementError, TypeError)) as caught:
            await backend.users.update(user, {"greeting": "bye", "preferences": value})
        assert "secret" not in f"{caught.value} {caught.value!r}"
        assert (user.greeting, user.preferences) == ("hello", {"a": 1})
    await backend.users.update(user, {"greeting": "bye"})
    assert (await backend.users.get(user.id)).greeting == "bye"


async def test_values_that_mean_the_same_are_taken(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "hashed_password": 7, "is_active": 0})
    assert (user.hashed_password, user.is_active) == ("7", False)
    assert type(user.is_active) is bool
    await backend.close()
    [row] = await backend.rows(select(User.hashed_password, User.is_active))
    assert tuple(row) == ("7", False)


async def test_accounts_of_an_apps_own_client_are_taken(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    account = {**ACCOUNT, "account_id": 12345, "expires_at": 1_700_000_000.75}
    await backend.users.add_oauth_account(user, account)
    await backend.users.add_oauth_account(user, account)
    [linked] = user.oauth_accounts
    assert (linked.account_id, linked.expires_at) == ("12345", 1_700_000_000)
    assert (await backend.users.get_by_oauth_account("provider", "12345")).id == user.id
    with pytest.raises(InvalidValueError, match=r"\.access_token must be str, not bytes"):
        await backend.users.update_oauth_account(user, linked, {"access_token": SECRET})
    with pytest.raises(InvalidValueError, match=r"\.expires_at must be int, not str"):
        await backend.users.update(user, {"oauth_accounts": [{**account, "expires_at": "soon"}]})
    table = OAuthAccount.__table__
    assert [row.access_token for row in await backend.rows(select(table))] == ["token"]


async def test_expressions_are_taken(users: Any) -> None:
    user = await users.create({**ANNE, "name": func.upper("anne"), "changes": func.abs(-3)})
    assert (user.name, user.changes) == ("ANNE", 3)


OF_ANOTHER_TYPE_THAN_A_TOKENS = [
    ("created_at", "secret", "must be datetime, not str"),
    ("created_at", date(2024, 1, 1), "must be datetime, not date"),
    ("created_at", 1_700_000_000, "must be datetime, not int"),
    ("created_at", datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))), "is out of range"),
    ("user_id", 1, "must be UUID, not int"),
    ("user_id", "secret", "not a UUID"),
    ("token", SECRET, "must be str, not bytes"),
]


async def test_a_token_of_another_type_is_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    values = {"token": "abc", "user_id": user.id, "created_at": datetime(2024, 1, 1)}
    token = await backend.tokens.create(values)
    for attribute, value, message in OF_ANOTHER_TYPE_THAN_A_TOKENS:
        expected = rf"AccessToken\.{attribute}:? {message}"
        with pytest.raises(InvalidValueError, match=expected):
            await backend.tokens.create({**values, "token": "new", attribute: value})
        with pytest.raises(InvalidValueError, match=expected):
            await backend.tokens.update(token, {attribute: value})
    assert token.created_at == datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert (await backend.tokens.get_by_token("abc")).user_id == user.id
