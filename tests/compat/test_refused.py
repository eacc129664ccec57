"""What an app's model refuses is not written; but what is given as it is, is written as it is."""

import uuid
from typing import Any, Literal, Optional

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from tests.compat.conftest import Form
from tests.compat.models import (
    FASTAPI_USERS,
    AccessTokenDB,
    BaseOAuthAccount,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    on_every_database,
    ours,
)

pytestmark = [ours, on_every_database]
ANNE_ID = uuid.uuid4()


class Account(BaseOAuthAccount):
    oauth_name: Literal["provider"]


class Refusing(OAuthUserDB):
    username: Optional[Literal["anne", "bert"]] = None
    oauth_accounts: list[Account] = Field(default_factory=list)


@pytest.fixture
def user_db(legacy_form: Form) -> Any:
    legacy_form.user_db.user_db_model = Refusing
    return legacy_form.user_db


async def test_create(user_db: Any, legacy_form: Form, rows: Any) -> None:
    with pytest.raises(ValueError, match="username"):
        await user_db.create(anne(username="carl"))

    assert await rows(select(legacy_form.users)) == []
    assert (await user_db.create(anne(username="anne"))).username == "anne"


async def test_create_with_accounts(user_db: Any, legacy_form: Form, rows: Any) -> None:
    with pytest.raises(ValueError, match="oauth_name"):
        await user_db.create(anne(oauth_accounts=[account(oauth_name="other")]))

    assert await rows(select(legacy_form.users)) == []
    assert await rows(select(legacy_form.oauth_accounts)) == []


async def test_update_with_a_dict(user_db: Any, legacy_form: Form, rows: Any) -> None:
    user = await user_db.create(anne(username="anne"))

    with pytest.raises(ValueError, match="username"):
        await user_db.update(user, {"username": "carl", "is_active": False})

    assert user.username == "anne"
    users = legacy_form.users.c
    assert await rows(select(users.username, users.is_active)) == [("anne", True)]
    assert (await user_db.update(user, {"username": "bert"})).username == "bert"


async def test_update_of_a_whole_user(user_db: Any, legacy_form: Form, rows: Any) -> None:
    user = await user_db.create(anne(username="anne"))
    user.username = "carl"

    if legacy_form.name == "databases":  # nothing is read again
        assert await user_db.update(user) is user
    with pytest.raises(ValueError, match="username"):
        await (user_db.get(user.id) if legacy_form.name == "databases" else user_db.update(user))

    written = {"databases": "carl", "legacy-orm": "anne"}[legacy_form.name]
    assert await rows(select(legacy_form.users.c.username)) == [(written,)]


async def test_oauth_accounts(user_db: Any, legacy_form: Form, rows: Any) -> None:
    user = await user_db.add_oauth_account(await user_db.create(anne()), account())
    [linked] = user.oauth_accounts

    with pytest.raises(ValueError, match="oauth_name"):
        await user_db.add_oauth_account(user, account(oauth_name="other", account_id="2"))
    with pytest.raises(ValueError, match="oauth_name"):
        await user_db.update_oauth_account(user, linked, {"oauth_name": "other"})
    with pytest.raises(ValueError, match="oauth_name"):
        await user_db.update(user, {"oauth_accounts": [account(oauth_name="other")]})

    accounts = legacy_form.oauth_accounts.c
    assert await rows(select(accounts.oauth_name, accounts.account_id)) == [("provider", "1")]
    assert user.oauth_accounts == [linked]


@pytest.fixture
async def tokens(legacy_form: Form, legacy: Any) -> Any:
    if FASTAPI_USERS < 9:
        pytest.skip("FastAPI Users 9 brought access tokens")
    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

    class RefusingToken(AccessTokenDB):
        scope: Literal["read", "write"]

    await legacy_form.user_db.create(anne(id=ANNE_ID))
    if legacy_form.name == "databases":
        args = legacy_form.user_db.database, legacy.AccessToken.__table__
    else:
        args = legacy_form.user_db.session, legacy.AccessToken
    return SQLAlchemyAccessTokenDatabase(RefusingToken, *args)


async def test_access_tokens(tokens: Any, legacy: Any, rows: Any) -> None:
    scopes = select(legacy.AccessToken.__table__.c.scope)

    with pytest.raises(ValueError, match="scope"):
        await tokens.create({"token": "token", "user_id": ANNE_ID, "scope": "all"})
    assert await rows(scopes) == []
    access_token = await tokens.create({"token": "token", "user_id": ANNE_ID, "scope": "read"})

    with pytest.raises(ValueError, match="scope"):
        await tokens.update(access_token, {"scope": "all"})
    assert await rows(scopes) == [("read",)]
    assert access_token.scope == "read"
    access_token.scope = "all"
    assert await tokens.update(access_token) is access_token
    assert await rows(scopes) == [("all",)]
    access_token.scope = "read"
    await tokens.update(access_token)
    assert (await tokens.update(access_token, {"scope": "write"})).scope == "write"


@pytest.mark.parametrize("model", [None, UserDB])
async def test_key_that_the_class_does_not_let_set(
    model: Any, session: AsyncSession, create_all: Any, rows: Any
) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_") and not hasattr(type(self), name):
                raise ValueError(f"UserTable has no field {name}")
            super().__setattr__(name, value)

    await create_all(base)
    user_db = SQLAlchemyUserDatabase(*filter(None, (model, session, UserTable)))
    user = await user_db.create(anne())

    with pytest.raises(ValueError, match="nickname"):
        await user_db.update(user, {"is_active": False, "nickname": "annie"})

    assert await rows(select(UserTable.__table__.c.is_active)) == [(True,)]
    assert (await user_db.update(user, {"is_active": False})).is_active is False
