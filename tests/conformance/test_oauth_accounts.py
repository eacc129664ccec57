"""OAuth accounts: linking, changing, replacing, looking up."""

import uuid
from typing import Any

import pytest
from fastapi_users.exceptions import UserAlreadyExists
from sqlalchemy import delete, insert, select, update

from fastapi_users_db import (
    InvalidValueError,
    NotSetOAuthAccountTableError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UserNotFoundError,
)
from tests.conformance.conftest import Backend
from tests.conformance.models import OAuthAccount, User
from tests.people import ANNE, BERT


def account(account_id: str = "1", **values: Any) -> dict[str, Any]:
    return {
        "oauth_name": "provider",
        "access_token": "token",
        "account_id": account_id,
        "account_email": "anne@provider.example",
        **values,
    }


def linked(user: Any) -> dict[str, str]:
    return {a.account_id: a.access_token for a in user.oauth_accounts}


async def stored(backend: Backend) -> dict[str, str]:
    table = OAuthAccount.__table__
    return {row.account_id: row.access_token for row in await backend.rows(select(table))}


async def test_add_links_an_account(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    updated = await backend.users.add_oauth_account(user, account(expires_at=1, refresh_token="r"))
    await backend.close()
    assert updated is user
    [linked] = user.oauth_accounts
    assert isinstance(linked.id, uuid.UUID)
    assert (linked.oauth_name, linked.account_id, linked.access_token) == ("provider", "1", "token")
    assert (linked.expires_at, linked.refresh_token) == (1, "r")


async def test_an_account_that_was_given_to_another_user_is_refused(backend: Backend) -> None:
    """By other hands: no method does that. What the session still holds says that it is Anne's."""
    anne = await backend.users.create({**ANNE, "oauth_accounts": [account()]})
    bert = await backend.users.create(BERT)
    await backend.rows(update(OAuthAccount.__table__).values(user_id=bert.id))
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.add_oauth_account(anne, account(access_token="annes"))
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.update(anne, {"oauth_accounts": [account(access_token="annes")]})
    assert await stored(backend) == {"1": "token"}


async def test_a_token_that_was_changed_elsewhere_is_changed_back(backend: Backend) -> None:
    anne = await backend.users.create({**ANNE, "oauth_accounts": [account()]})
    elsewhere = update(OAuthAccount.__table__).values(access_token="other")
    await backend.rows(elsewhere)
    await backend.users.add_oauth_account(anne, account())
    assert await stored(backend) == linked(anne) == {"1": "token"}
    await backend.rows(elsewhere)
    await backend.users.update(anne, {"oauth_accounts": [account()]})
    assert await stored(backend) == linked(anne) == {"1": "token"}
    await backend.rows(elsewhere)
    [linked_account] = anne.oauth_accounts
    await backend.users.update_oauth_account(anne, linked_account, {"access_token": "token"})
    assert await stored(backend) == linked(anne) == {"1": "token"}


async def test_add_keeps_the_accounts_that_are_linked(users: Any) -> None:
    user = await users.create({**ANNE, "oauth_accounts": [account("1")]})
    await users.add_oauth_account(user, account("2"))
    assert linked(user) == linked(await users.get(user.id)) == {"1": "token", "2": "token"}


async def test_add_keeps_tokens_of_any_length(users: Any) -> None:
    user = await users.create(ANNE)
    long = "t" * 20_000
    await users.add_oauth_account(user, account(access_token=long, refresh_token=long))
    [found] = (await users.get(user.id)).oauth_accounts
    assert (found.access_token, found.refresh_token) == (long, long)


async def test_add_of_the_same_account_updates_the_link(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.users.add_oauth_account(user, account())
    await backend.users.add_oauth_account(user, account(access_token="newer"))
    assert linked(user) == await stored(backend) == {"1": "newer"}


async def test_add_of_another_users_account_is_refused(backend: Backend) -> None:
    anne = await backend.users.create({**ANNE, "oauth_accounts": [account()]})
    bert = await backend.users.create(BERT)
    with pytest.raises(OAuthAccountAlreadyLinkedError) as caught:
        await backend.users.add_oauth_account(bert, account(access_token="stolen"))
    assert isinstance(caught.value, UserAlreadyExists)
    assert (linked(anne), linked(bert)) == ({"1": "token"}, {})
    assert await stored(backend) == {"1": "token"}


async def test_add_of_another_users_account_is_refused_after_a_look_up(backend: Backend) -> None:
    """Whoever was looked up just now is linked without being read again."""
    await backend.users.create({**ANNE, "oauth_accounts": [account()]})
    created = await backend.users.create(BERT)
    bert = await backend.users.get(created.id)
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.add_oauth_account(bert, account(access_token="stolen"))
    assert linked(bert) == {}
    assert await stored(backend) == {"1": "token"}


async def test_add_sees_what_was_linked_elsewhere(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    row = {"id": uuid.uuid4(), "user_id": user.id, **account("2")}
    await backend.rows(insert(OAuthAccount.__table__).values(**row))
    await backend.users.add_oauth_account(user, account("1"))
    assert linked(user) == {"1": "token", "2": "token"}


async def test_add_to_a_user_who_is_gone_is_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.rows(delete(User.__table__))
    with pytest.raises(UserNotFoundError):
        await backend.users.add_oauth_account(user, account())
    assert await stored(backend) == {}


async def test_add_to_a_user_who_was_never_written_is_refused(backend: Backend) -> None:
    users = [backend.unwritten(id=None)]
    if backend.adapter != "databases-user-model":
        users.append(User())
    for user in users:
        with pytest.raises(UserNotFoundError):
            await backend.users.add_oauth_account(user, account())
    assert await backend.rows(select(OAuthAccount.__table__)) == []


async def test_found_user_has_its_accounts(backend: Backend) -> None:
    accounts = [account("1"), account("2", oauth_name="other")]
    user = await backend.users.create({**ANNE, "oauth_accounts": accounts})
    await backend.users.create({**BERT, "oauth_accounts": [account("3")]})
    for found in (
        await backend.users.get(user.id),
        await backend.users.get_by_email("ANNE@example.com"),
        await backend.users.get_by_oauth_account("other", "2"),
    ):
        assert linked(found) == {"1": "token", "2": "token"}
    await backend.close()
    assert linked(found) == {"1": "token", "2": "token"}


async def test_get_by_oauth_account_returns_none_for_an_unknown_account(users: Any) -> None:
    await users.create({**ANNE, "oauth_accounts": [account("1")]})
    assert await users.get_by_oauth_account("provider", "2") is None
    assert await users.get_by_oauth_account("other", "1") is None


@pytest.mark.parametrize("account_id", ["abc", "ABC ", "ÀBC"])
async def test_get_by_oauth_account_compares_exactly(users: Any, account_id: str) -> None:
    await users.create({**ANNE, "oauth_accounts": [account("ABC")]})
    assert await users.get_by_oauth_account("provider", account_id) is None
    assert await users.get_by_oauth_account("Provider", "ABC") is None
    assert await users.get_by_oauth_account("provider", "ABC")


async def test_an_account_like_another_users_is_nobodys(users: Any) -> None:
    await users.create({**ANNE, "oauth_accounts": [account("ABC")]})
    bert = await users.create(BERT)
    await users.add_oauth_account(bert, account("abc"))
    assert (await users.get_by_oauth_account("provider", "abc")).id == bert.id


async def test_get_by_oauth_account_chooses_where_two_users_are_linked(backend: Backend) -> None:
    users = [await backend.users.create(who) for who in (ANNE, BERT)]
    for user in users:
        row = {"id": uuid.uuid4(), "user_id": user.id, **account()}
        await backend.rows(insert(OAuthAccount.__table__).values(**row))
    found = {(await backend.users.get_by_oauth_account("provider", "1")).id for _ in range(3)}
    assert len(found) == 1


async def test_get_by_oauth_account_finds_a_user_who_is_linked_twice(backend: Backend) -> None:
    user_id = uuid.uuid4()
    await backend.rows(insert(User.__table__).values(id=user_id, **ANNE))
    for _ in range(2):
        row = {"id": uuid.uuid4(), "user_id": user_id, **account()}
        await backend.rows(insert(OAuthAccount.__table__).values(**row))
    found = await backend.users.get_by_oauth_account("provider", "1")
    assert found.id == user_id
    assert len(found.oauth_accounts) == len({account.id for account in found.oauth_accounts}) == 2


async def test_create_links_accounts_in_the_same_transaction(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1"), account("2")]})
    assert linked(user) == await stored(backend) == {"1": "token", "2": "token"}


async def test_create_with_another_users_account_creates_nobody(backend: Backend) -> None:
    await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.create({**BERT, "oauth_accounts": [account("2"), account("1")]})
    assert len(await backend.rows(select(User.__table__))) == 1
    assert await stored(backend) == {"1": "token"}


async def test_create_writes_nothing_if_an_account_cannot_be_written(backend: Backend) -> None:
    incomplete = {**account(), "account_email": None}
    with pytest.raises(Exception, match="account_email"):
        await backend.users.create({**ANNE, "oauth_accounts": [incomplete]})
    assert await backend.rows(select(User.__table__)) == []
    assert await backend.users.create(ANNE)


async def test_update_replaces_the_accounts(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1"), account("2")]})
    kept = {a.account_id: a.id for a in user.oauth_accounts}["2"]
    await backend.users.update(
        user, {"name": "Anne", "oauth_accounts": [account("2", access_token="new"), account("3")]}
    )
    assert linked(user) == await stored(backend) == {"2": "new", "3": "token"}
    found = await backend.users.get(user.id)
    assert {a.account_id: a.id for a in found.oauth_accounts}["2"] == kept
    assert found.name == "Anne"


async def test_update_matches_accounts_by_id(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    [existing] = user.oauth_accounts
    await backend.users.update(user, {"oauth_accounts": [account("renamed", id=existing.id)]})
    [found] = (await backend.users.get(user.id)).oauth_accounts
    assert (found.id, found.account_id) == (existing.id, "renamed")


async def test_update_takes_accounts_as_they_were_returned(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1"), account("2")]})
    ids = sorted(linked.id for linked in user.oauth_accounts)
    await backend.users.update(user, {"oauth_accounts": list(user.oauth_accounts)})
    rows = await backend.rows(select(OAuthAccount.__table__.c.id))
    assert sorted(row.id for row in rows) == ids
    assert sorted(linked.id for linked in user.oauth_accounts) == ids


async def test_update_with_an_empty_list_removes_the_accounts(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    await backend.users.update(user, {"oauth_accounts": []})
    assert user.oauth_accounts == []
    assert await stored(backend) == {}


async def test_update_without_accounts_leaves_them(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    await backend.users.update(user, {"name": "Anne"})
    assert linked(user) == await stored(backend) == {"1": "token"}


async def test_update_with_another_users_account_changes_nothing(backend: Backend) -> None:
    await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    bert = await backend.users.create({**BERT, "oauth_accounts": [account("2")]})
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.update(bert, {"name": "Bert", "oauth_accounts": [account("1")]})
    assert (bert.name, linked(bert)) == (None, {"2": "token"})
    assert (await backend.users.get(bert.id)).name is None
    assert await stored(backend) == {"1": "token", "2": "token"}


async def test_update_writes_nothing_if_an_account_cannot_be_written(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    incomplete = {**account("2"), "account_email": None}
    with pytest.raises(Exception, match="account_email"):
        await backend.users.update(user, {"name": "Anne", "oauth_accounts": [incomplete]})
    assert (user.name, linked(user)) == (None, {"1": "token"})
    assert await stored(backend) == {"1": "token"}
    assert [row.name for row in await backend.rows(select(User.__table__))] == [None]


async def test_the_same_account_twice_is_refused(users: Any) -> None:
    with pytest.raises(InvalidValueError, match="twice"):
        await users.create({**ANNE, "oauth_accounts": [account("1"), account("1")]})
    assert await users.get_by_email(ANNE["email"]) is None


async def test_update_oauth_account_changes_it_in_place(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1"), account("2")]})
    [first] = [a for a in user.oauth_accounts if a.account_id == "1"]
    updated = await backend.users.update_oauth_account(user, first, {"access_token": "new"})
    await backend.close()
    assert updated is user
    assert linked(user) == await stored(backend) == {"1": "new", "2": "token"}


async def test_update_oauth_account_of_another_user_is_refused(backend: Backend) -> None:
    anne = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    bert = await backend.users.create({**BERT, "oauth_accounts": [account("2")]})
    with pytest.raises(OAuthAccountNotFoundError):
        await backend.users.update_oauth_account(
            bert, anne.oauth_accounts[0], {"access_token": "x"}
        )
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await backend.users.update_oauth_account(bert, bert.oauth_accounts[0], {"account_id": "1"})
    assert await stored(backend) == {"1": "token", "2": "token"}


async def test_update_oauth_account_that_is_gone_is_refused(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    await backend.rows(delete(OAuthAccount.__table__))
    with pytest.raises(OAuthAccountNotFoundError):
        await backend.users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": ""})


async def test_delete_removes_the_accounts(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [account("1")]})
    await backend.users.create({**BERT, "oauth_accounts": [account("2")]})
    await backend.users.delete(user)
    assert await stored(backend) == {"2": "token"}
    assert linked(user) == {"1": "token"}


async def test_delete_removes_accounts_linked_elsewhere(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    row = {"id": uuid.uuid4(), "user_id": user.id, **account()}
    await backend.rows(insert(OAuthAccount.__table__).values(**row))
    await backend.users.delete(user)
    assert await stored(backend) == {}


async def test_oauth_methods_need_an_oauth_table(backend: Backend) -> None:
    users = backend.users_without_oauth
    user = await users.create(ANNE)
    for method, arguments in (
        (users.get_by_oauth_account, ("provider", "1")),
        (users.add_oauth_account, (user, account())),
        (users.update_oauth_account, (user, user, {})),
        (users.create, ({**BERT, "oauth_accounts": [account()]},)),
        (users.update, (user, {"oauth_accounts": []})),
    ):
        with pytest.raises(NotSetOAuthAccountTableError, match="oauth_account_table=") as caught:
            await method(*arguments)
        assert isinstance(caught.value, NotImplementedError)
    assert await users.get_by_email(BERT["email"]) is None


async def test_accounts_without_a_table_are_refused_before_anything_is_looked_up(
    backend: Backend,
) -> None:
    users = backend.users_without_oauth
    gone = await users.create(ANNE)
    await users.delete(gone)
    with pytest.raises(NotSetOAuthAccountTableError):
        await users.add_oauth_account(gone, account())
    with pytest.raises(NotSetOAuthAccountTableError):
        await users.update_oauth_account(gone, gone, {})
    with pytest.raises(NotSetOAuthAccountTableError):
        await users.update(gone, {"oauth_accounts": [account()]})


def _account(account_id: str) -> dict[str, Any]:
    return {
        "oauth_name": "provider",
        "account_id": account_id,
        "access_token": "token",
        "account_email": "anne@example.com",
    }


def _account_ids(user: Any) -> list[str]:
    return sorted(account.account_id for account in user.oauth_accounts)


async def test_update_keeps_an_account_beside_one_that_leaves_its_name(users: Any) -> None:
    create_dict = {"email": "anne@example.com", "hashed_password": "hash"}
    user = await users.create({**create_dict, "oauth_accounts": [_account("1")]})
    renamed = {**_account("2"), "id": user.oauth_accounts[0].id}
    await users.update(user, {"oauth_accounts": [renamed, _account("1")]})
    assert _account_ids(user) == _account_ids(await users.get(user.id)) == ["1", "2"]


async def test_update_refuses_the_same_id_twice(users: Any) -> None:
    create_dict = {"email": "anne@example.com", "hashed_password": "hash"}
    user = await users.create({**create_dict, "oauth_accounts": [_account("1")]})
    given = [{**_account(key), "id": user.oauth_accounts[0].id} for key in ("2", "3")]
    with pytest.raises(InvalidValueError, match="twice"):
        await users.update(user, {"oauth_accounts": given})
    assert _account_ids(await users.get(user.id)) == ["1"]


async def test_update_takes_accounts_that_are_named_by_id_only(users: Any) -> None:
    create_dict = {"email": "anne@example.com", "hashed_password": "hash"}
    accounts = [_account("1"), _account("2")]
    user = await users.create({**create_dict, "oauth_accounts": accounts})
    given = [{"id": account.id, "access_token": "new"} for account in user.oauth_accounts]
    await users.update(user, {"oauth_accounts": given})
    found = await users.get(user.id)
    assert [account.access_token for account in found.oauth_accounts] == ["new", "new"]


@pytest.mark.parametrize("given", [[None], [1], "ab", {"id": 1}, [object()]])
async def test_what_is_no_list_of_accounts_is_refused(backend: Backend, given: Any) -> None:
    create_dict = {"email": "anne@example.com", "hashed_password": "hash"}
    with pytest.raises(TypeError, match="oauth_accounts must be a list of dicts"):
        await backend.users.create({**create_dict, "oauth_accounts": given})
    assert await backend.users.create(create_dict)
