"""OAuth accounts without a table for them are refused before anything is looked up."""

import uuid
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import NotSetOAuthAccountTableError

from tests.compat.conftest import Form
from tests.compat.models import OAuthUserDB, account, anne, ours

pytestmark = ours


@pytest.fixture
def user_db(form: Form) -> Any:
    """An adapter that was built without a table for OAuth accounts."""
    attribute = "oauth_accounts" if form.name == "databases" else "oauth_account_table"
    setattr(form.user_db, attribute, None)
    return form.user_db


def linked(**values: Any) -> OAuthUserDB:
    """Return a user with an OAuth account, who is in no database."""
    accounts = [{"id": uuid.uuid4(), **account()}]
    return OAuthUserDB(**anne(id=uuid.uuid4(), oauth_accounts=accounts, **values))


@pytest.fixture
async def gone(user_db: Any, form: Form) -> Any:
    """A user who was deleted."""
    user = await user_db.create(anne())
    await user_db.delete(user)
    # The legacy forms look the user up by what is given.
    return linked() if form.is_legacy else user


async def test_update_of_all(user_db: Any) -> None:
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.update(linked())


async def test_update_by_a_dict(user_db: Any, gone: Any) -> None:
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.update(gone, {"oauth_accounts": [account()]})


@pytest.mark.parametrize("as_dict", [False, True])
async def test_create_of_an_address_that_is_taken(as_dict: bool, user_db: Any) -> None:
    await user_db.create(anne())
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.create(anne(oauth_accounts=[account()]) if as_dict else linked())


async def test_accounts_of_a_user_who_is_gone(user_db: Any, gone: Any) -> None:
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.add_oauth_account(gone, account())
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.update_oauth_account(gone, object(), {"access_token": "new"})


async def test_accounts_of_what_is_no_user(user_db: Any) -> None:
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.add_oauth_account(object(), account())
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.update_oauth_account(object(), object(), {"access_token": "new"})


@pytest.mark.parametrize("account_id", [7, "\0"])
async def test_look_up_of_what_is_no_account(account_id: Any, user_db: Any) -> None:
    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.get_by_oauth_account("provider", account_id)
