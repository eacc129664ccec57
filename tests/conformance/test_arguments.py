"""Arguments of the wrong kind: a `TypeError` or `ValueError` that says so, and nothing written."""

import uuid
import warnings
from datetime import datetime, timedelta, timezone

import pytest
from fastapi_users.exceptions import UserAlreadyExists
from sqlalchemy import select

from fastapi_users_db import InvalidValueError
from tests.conformance.conftest import Backend
from tests.conformance.models import AccessToken, OAuthAccount, User
from tests.people import ACCOUNT, ANNE, BERT

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


def texts(error: BaseException | None) -> str:
    """All that an error and its causes say."""
    found = []
    while error is not None:
        found.append(f"{error} {error!r} {getattr(error, 'detail', '')}")
        error = error.__cause__ or getattr(error, "orig", None)
    return "\n".join(found)


async def test_accounts_that_are_no_list_remove_nothing(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    for given in ("", {}, "secret", {"id": 1}, 0, iter([]), [None], ["ab"], [object()], [[]]):
        with pytest.raises(TypeError, match=r"must be a list of dicts.* Call update"):
            await backend.users.update(user, {"name": "Anne", "oauth_accounts": given})
        with pytest.raises(TypeError, match="oauth_accounts must be a list of dicts"):
            await backend.users.create({**BERT, "oauth_accounts": given})
    await backend.users.update(user, {"oauth_accounts": None})
    assert user.name is None
    assert len(user.oauth_accounts) == len(await backend.rows(select(OAuthAccount.id))) == 1
    assert len(await backend.rows(select(User.id))) == 1


async def test_values_that_are_no_dict_are_refused(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    token = await backend.tokens.create({"token": "abc", "user_id": user.id})
    for given in (None, "secret", [("email", "bert@example.com")], 1):
        for call in (
            lambda given=given: backend.users.create(given),
            lambda given=given: backend.users.update(user, given),
            lambda given=given: backend.users.add_oauth_account(user, given),
            lambda given=given: backend.users.update_oauth_account(
                user, user.oauth_accounts[0], given
            ),
            lambda given=given: backend.tokens.create(given),
            lambda given=given: backend.tokens.update(token, given),
        ):
            with pytest.raises(TypeError, match="Expected a dict of values by attribute, not"):
                await call()
    with pytest.raises(TypeError, match="1 is not an attribute"):
        await backend.users.update(user, {1: 2})


async def test_what_is_no_account_user_or_token_is_refused(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    for other in (None, "secret", 1, OAuthAccount, object()):
        with pytest.raises(TypeError, match="oauth_account must be one of the user's"):
            await backend.users.update_oauth_account(user, other, {"access_token": "new"})
        with pytest.raises(TypeError, match="Expected an instance of"):
            await backend.users.add_oauth_account(other, ACCOUNT)
        with pytest.raises(TypeError, match="Expected an instance of"):
            await backend.tokens.update(other, {"created_at": NOON})
        with pytest.raises(TypeError, match="Expected an instance of"):
            await backend.tokens.delete(other)


async def test_what_was_not_awaited_is_said(backend: Backend) -> None:
    users, tokens = backend.users, backend.tokens
    user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    calls = (
        *(users.create, users.delete, users.get, users.get_by_email),
        *(tokens.create, tokens.delete, tokens.get_by_token),
        lambda forgotten: users.update(forgotten, {}),
        lambda forgotten: users.update(user, forgotten),
        lambda forgotten: users.update(user, {"hashed_password": forgotten}),
        lambda forgotten: users.update(user, {"oauth_accounts": forgotten}),
        lambda forgotten: users.add_oauth_account(forgotten, ACCOUNT),
        lambda forgotten: users.update_oauth_account(user, forgotten, {}),
        lambda forgotten: tokens.update(forgotten, {}),
    )
    for call in calls:
        forgotten = users.get(user.id)
        with pytest.raises(
            (TypeError, ValueError), match=r"not coroutine \(did you forget await\?"
        ):
            await call(forgotten)
        forgotten.close()


async def test_times_and_sizes_of_the_wrong_kind_are_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.tokens.create({"token": "abc", "user_id": user.id, "created_at": NOON})
    for max_age in (0, "2024-01-01", NOON.date(), timedelta(1)):
        with pytest.raises(TypeError, match="max_age must be a datetime, not"):
            await backend.tokens.get_by_token("abc", max_age)
        with pytest.raises(TypeError, match="max_age must be a datetime, not"):
            await backend.tokens.delete_expired(max_age)
    with pytest.raises(ValueError, match="max_age is out of range"):
        await backend.tokens.delete_expired(datetime.min.replace(tzinfo=timezone(timedelta(1) / 2)))
    for size in (0, -1, 10_001):
        with pytest.raises(ValueError, match="batch_size must be between 1 and 10000"):
            await backend.tokens.delete_expired(NOON, batch_size=size)
    for other in ("10", 1.5, None, True):
        with pytest.raises(TypeError, match="batch_size must be an int, not"):
            await backend.tokens.delete_expired(NOON, batch_size=other)
    assert await backend.tokens.delete_expired(NOON + timedelta(1), batch_size=10_000) == 1


async def test_an_account_stays_with_its_user(backend: Backend) -> None:
    anne = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    bert = await backend.users.create(BERT)
    moved = {**ACCOUNT, "user_id": bert.id}
    [account] = anne.oauth_accounts
    for call in (
        lambda: backend.users.update_oauth_account(anne, account, {"user_id": bert.id}),
        lambda: backend.users.update(anne, {"oauth_accounts": [moved]}),
        lambda: backend.users.add_oauth_account(anne, {**moved, "account_id": "2"}),
        lambda: backend.users.create({**BERT, "oauth_accounts": [moved]}),
    ):
        with pytest.raises(InvalidValueError, match="user_id is another user's"):
            await call()
    await backend.users.update(anne, {"oauth_accounts": [{**ACCOUNT, "user_id": anne.id}]})
    [row] = await backend.rows(select(OAuthAccount.user_id))
    assert row.user_id == anne.id
    assert (await backend.users.get(bert.id)).oauth_accounts == []


async def test_an_account_that_names_no_user_stays_with_its_own(backend: Backend) -> None:
    unnamed = {**ACCOUNT, "user_id": None}
    anne = await backend.users.create({**ANNE, "oauth_accounts": [unnamed]})
    await backend.users.add_oauth_account(anne, unnamed)
    await backend.users.update(anne, {"oauth_accounts": [unnamed]})
    [account] = anne.oauth_accounts
    await backend.users.update_oauth_account(anne, account, {"user_id": None})
    [row] = await backend.rows(select(OAuthAccount.user_id))
    assert row.user_id == anne.id


async def test_a_registration_that_is_sent_twice_is_a_duplicate(backend: Backend) -> None:
    values = {**ANNE, "id": uuid.uuid4()}
    user = await backend.users.create(values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserAlreadyExists):
            await backend.users.create(values)
        with pytest.raises(Exception, match=r"(?i)duplicate|unique") as caught:
            await backend.users.create({**values, **BERT})
    assert str(values["id"]) not in texts(caught.value)
    assert user.email == ANNE["email"]
    await backend.users.update(user, {"name": "Anne"})
    assert [row.name for row in await backend.rows(select(User.name))] == ["Anne"]


async def test_a_token_that_exists_is_refused_without_showing_it(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    values = {"token": "it's a secret", "user_id": user.id}
    await backend.tokens.create(values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Exception, match=r"(?i)duplicate|unique") as caught:
            await backend.tokens.create(values)
    assert "secret" not in texts(caught.value)
    names = {cls.__name__ for cls in type(caught.value).__mro__}
    assert names & {"IntegrityError", "UniqueViolationError"}
    assert len(await backend.rows(select(AccessToken.token))) == 1
    assert await backend.tokens.create({**values, "token": "new"})


async def test_what_cannot_be_set_is_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    for attribute in (
        "_sa_class_manager",
        "_sa_instance_state",
        "__init__",
        "__dict__",
    ):
        with pytest.raises(TypeError, match=attribute):
            await backend.users.update(user, {"name": "Anne", attribute: 1})
        with pytest.raises(TypeError, match=attribute):
            await backend.users.create({**BERT, attribute: 1})
    assert user.name is None
    assert len(await backend.rows(select(User.id))) == 1
