"""Legacy `update(user)` writes the user with its OAuth accounts, in one transaction."""

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import select

from tests.compat.conftest import Form
from tests.compat.models import (
    UPSTREAM,
    BaseOAuthAccount,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    databases_form,
    on_every_database,
    ours,
)

not_upstream_3 = pytest.mark.skipif(UPSTREAM == 3, reason="upstream 3 loses it silently")


@pytest.fixture
async def user(legacy_form: Form) -> Any:
    accounts = [account(), account(oauth_name="other", account_id="2")]
    return await legacy_form.user_db.create(OAuthUserDB(**anne(oauth_accounts=accounts)))


def names(user: Any) -> set[str]:
    return {oauth_account.oauth_name for oauth_account in user.oauth_accounts}


@not_upstream_3
@on_every_database
async def test_adds_accounts(legacy_form: Form, user: Any) -> None:
    user.oauth_accounts.append(BaseOAuthAccount(**account(oauth_name="third")))

    updated = await legacy_form.user_db.update(user)

    assert names(updated) == {"provider", "other", "third"}
    found = await legacy_form.user_db.get(user.id)
    assert {a.id for a in found.oauth_accounts} == {a.id for a in user.oauth_accounts}


@not_upstream_3
async def test_adds_the_first_account(legacy_form: Form) -> None:
    user = await legacy_form.user_db.create(OAuthUserDB(**anne()))
    user.oauth_accounts.append(BaseOAuthAccount(**account()))

    await legacy_form.user_db.update(user)

    assert await legacy_form.user_db.get_by_oauth_account("provider", "1") == user


@on_every_database
async def test_changes_accounts(legacy_form: Form, user: Any) -> None:
    [changed] = [a for a in user.oauth_accounts if a.oauth_name == "provider"]
    changed.access_token = "new"
    changed.expires_at = 1
    changed.refresh_token = "refresh"

    await legacy_form.user_db.update(user)

    found = await legacy_form.user_db.get_by_oauth_account("provider", "1")
    assert changed in found.oauth_accounts
    assert names(found) == {"provider", "other"}


async def test_replaces_an_account_by_one_of_the_same_id(legacy_form: Form, user: Any) -> None:
    # What FastAPI Users 9 does after a login through a provider.
    existing = user.oauth_accounts[0]
    new = BaseOAuthAccount(**{**dict(existing), "access_token": "new"})
    user.oauth_accounts = [new, user.oauth_accounts[1]]

    await legacy_form.user_db.update(user)

    found = await legacy_form.user_db.get(user.id)
    assert {(a.id, a.access_token) for a in found.oauth_accounts} == {
        (existing.id, "new"),
        (user.oauth_accounts[1].id, "token"),
    }


@pytest.mark.skipif(UPSTREAM == 3, reason="upstream 3 does not find it by its new id")
async def test_replaces_an_account_by_one_of_another_id(legacy_form: Form, user: Any) -> None:
    # What FastAPI Users 8 does after a login through a provider.
    new = BaseOAuthAccount(**account(access_token="new"))
    user.oauth_accounts = [a for a in user.oauth_accounts if a.oauth_name == "other"] + [new]

    await legacy_form.user_db.update(user)

    found = await legacy_form.user_db.get_by_oauth_account("provider", "1")
    assert {(a.oauth_name, a.access_token) for a in found.oauth_accounts} == {
        ("provider", "new"),
        ("other", "token"),
    }


@not_upstream_3
@on_every_database
async def test_removes_accounts(legacy_form: Form, user: Any, rows: Any) -> None:
    user.oauth_accounts = [a for a in user.oauth_accounts if a.oauth_name == "other"]

    await legacy_form.user_db.update(user)

    assert names(await legacy_form.user_db.get(user.id)) == {"other"}
    assert len(await rows(select(legacy_form.oauth_accounts))) == 1


@ours
async def test_removes_all_accounts(legacy_form: Form, user: Any, rows: Any) -> None:
    user.oauth_accounts = []

    updated = await legacy_form.user_db.update(user)

    assert updated.oauth_accounts == []
    assert await rows(select(legacy_form.oauth_accounts)) == []


@not_upstream_3
async def test_an_account_twice_and_none_that_were_given(legacy_form: Form, user: Any) -> None:
    if legacy_form.name == "databases":
        pytest.skip("here upstream refuses the first, and deletes all in the second")
    user_db = legacy_form.user_db
    again = BaseOAuthAccount(**{**vars(user.oauth_accounts[0]), "access_token": "newer"})
    user.oauth_accounts.append(again)

    await user_db.update(user)

    found = await user_db.get(user.id)
    assert sorted(a.access_token for a in found.oauth_accounts) == ["newer", "token"]

    await user_db.update(OAuthUserDB(**anne(id=user.id, is_active=False)))

    found = await user_db.get(user.id)
    assert (found.is_active, len(found.oauth_accounts)) == (False, 2)


async def test_adds_changes_and_removes_at_once(legacy_form: Form, user: Any) -> None:
    [kept] = [a for a in user.oauth_accounts if a.oauth_name == "other"]
    kept.access_token = "new"
    user.oauth_accounts = [kept, BaseOAuthAccount(**account(oauth_name="third"))]
    user.username = "anne"

    await legacy_form.user_db.update(user)

    found = await legacy_form.user_db.get(user.id)
    assert found.username == "anne"
    assert {(a.oauth_name, a.access_token) for a in found.oauth_accounts} == {
        ("other", "new"),
        ("third", "token"),
    }


async def test_leaves_the_accounts_of_others_alone(legacy_form: Form, user: Any) -> None:
    bert = OAuthUserDB(**anne(email="bert@example.com", oauth_accounts=[account(account_id="3")]))
    await legacy_form.user_db.create(bert)

    await legacy_form.user_db.update(user)

    assert await legacy_form.user_db.get_by_oauth_account("provider", "3") == bert


@ours
@on_every_database
async def test_is_one_transaction(legacy_form: Form, user: Any, rows: Any) -> None:
    from fastapi_users_db import UserAlreadyExistsError

    await legacy_form.user_db.create(OAuthUserDB(**anne(email="bert@example.com")))
    before = set(await rows(select(legacy_form.oauth_accounts)))
    user.oauth_accounts = [BaseOAuthAccount(**account(oauth_name="third"))]
    user.email = "bert@example.com"

    with pytest.raises(UserAlreadyExistsError):
        await legacy_form.user_db.update(user)

    assert set(await rows(select(legacy_form.oauth_accounts))) == before
    assert (await legacy_form.user_db.get(user.id)).email == "anne@example.com"


@ours
async def test_a_failing_account_takes_the_user_back(
    legacy_form: Form, user: Any, rows: Any
) -> None:
    [theirs] = [account(account_id="3")]
    bert = OAuthUserDB(**anne(email="bert@example.com", oauth_accounts=[theirs]))
    await legacy_form.user_db.create(bert)
    before = set(await rows(select(legacy_form.oauth_accounts)))
    user.username = "anne"
    user.oauth_accounts = [BaseOAuthAccount(**theirs)]

    with pytest.raises(Exception, match="linked to another user"):
        await legacy_form.user_db.update(user)

    assert set(await rows(select(legacy_form.oauth_accounts))) == before
    assert (await legacy_form.user_db.get(user.id)).username is None


@databases_form
async def test_a_model_without_oauth_accounts_leaves_them_alone(
    database: Any, legacy: SimpleNamespace
) -> None:
    args = database, legacy.users, legacy.oauth_accounts
    full = SQLAlchemyUserDatabase(OAuthUserDB, *args)
    user = await full.create(OAuthUserDB(**anne(oauth_accounts=[account()])))
    plain = SQLAlchemyUserDatabase(UserDB, *args)

    changed = await plain.get(user.id)
    changed.username = "anne"
    await plain.update(changed)

    found = await full.get(user.id)
    assert (found.username, found.oauth_accounts) == ("anne", user.oauth_accounts)


@ours
async def test_create_is_one_transaction(legacy_form: Form, user: Any, rows: Any) -> None:
    before = await rows(select(legacy_form.users))
    bert = OAuthUserDB(**anne(email="bert@example.com", oauth_accounts=[account()]))

    with pytest.raises(Exception, match="linked to another user"):
        await legacy_form.user_db.create(bert)

    assert await rows(select(legacy_form.users)) == before
