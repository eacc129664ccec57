"""Apps and their tests patch the class, patch instances, and build instances without `__init__`."""

import inspect
import uuid
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock, create_autospec, patch

import fastapi_users_db_sqlalchemy
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from tests.compat.conftest import Form
from tests.compat.models import (
    OAuthUserDB,
    UserDB,
    account,
    anne,
    current_form,
    databases_form,
    legacy_orm_form,
    ours,
)


@databases_form
async def test_make_user_replaced_on_the_class(
    database: Any, legacy: SimpleNamespace, monkeypatch: Any
) -> None:
    async def my_function(self: Any, user: Any) -> Any:
        return self.user_db_model(**{**user, "username": "patched"})

    # As a module-level assignment does, undone afterwards.
    monkeypatch.setattr(SQLAlchemyUserDatabase, "_make_user", SQLAlchemyUserDatabase._make_user)
    SQLAlchemyUserDatabase._make_user = my_function
    user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
    user = await user_db.create(UserDB(**anne()))

    assert (await user_db.get(user.id)).username == "patched"
    assert (await user_db.get_by_email(user.email)).username == "patched"


@databases_form
async def test_make_user_replaced_on_an_instance(database: Any, legacy: SimpleNamespace) -> None:
    async def my_function(self: Any, user: Any) -> Any:
        return self.user_db_model(**{**user, "username": "patched"})

    user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
    user = await user_db.create(UserDB(**anne()))

    user_db._make_user = my_function.__get__(user_db)

    assert (await user_db.get(user.id)).username == "patched"


async def test_get_by_email_replaced_on_an_instance(form: Form) -> None:
    async def get_by_email(self: Any, email: str) -> Any:
        return self, email

    user_db = form.user_db

    user_db.get_by_email = get_by_email.__get__(user_db)

    assert await user_db.get_by_email("anne@example.com") == (user_db, "anne@example.com")


async def test_create_replaced_on_the_class(form: Form, monkeypatch: Any) -> None:
    create = AsyncMock(return_value="created")

    monkeypatch.setattr(SQLAlchemyUserDatabase, "create", create)

    assert await form.user_db.create("user") == "created"
    create.assert_awaited_once_with("user")


@pytest.mark.parametrize(
    "name", ["get", "get_by_email", "get_by_oauth_account", "update", "delete"]
)
async def test_any_method_replaced_on_the_class(form: Form, name: str, monkeypatch: Any) -> None:
    async def replacement(self: Any, *args: Any) -> Any:
        return self, args

    monkeypatch.setattr(SQLAlchemyUserDatabase, name, replacement)

    assert await getattr(form.user_db, name)(1, 2) == (form.user_db, (1, 2))


async def test_init_replaced_on_the_class(monkeypatch: Any) -> None:
    monkeypatch.setattr(SQLAlchemyUserDatabase, "__init__", lambda self: None)

    assert isinstance(SQLAlchemyUserDatabase(), SQLAlchemyUserDatabase)


@current_form
class TestWithoutInit:
    @pytest.fixture
    def user_db(self, session: AsyncSession, current: SimpleNamespace) -> Any:
        class UserDatabase(SQLAlchemyUserDatabase):
            pass

        user_db = object.__new__(UserDatabase)
        user_db.session = session
        user_db.user_table = current.User
        return user_db

    async def test_users(self, user_db: Any) -> None:
        user = await user_db.create(anne())
        await user_db.update(user, {"username": "anne"})
        assert (await user_db.get(user.id)).username == "anne"
        assert await user_db.get_by_email("ANNE@example.com") is user

        await user_db.delete(user)

        assert await user_db.get_by_email("anne@example.com") is None

    async def test_attribute_by_a_name_of_another_form(self, user_db: Any) -> None:
        user_db.database = "tenant_1"

        user = await user_db.create(anne())

        assert await user_db.get_by_email("ANNE@example.com") is user

    async def test_oauth_accounts(self, user_db: Any, current: SimpleNamespace) -> None:
        user_db.oauth_account_table = current.OAuthAccount

        user = await user_db.add_oauth_account(await user_db.create(anne()), account())
        [oauth_account] = user.oauth_accounts
        await user_db.update_oauth_account(user, oauth_account, {"access_token": "new"})

        found = await user_db.get_by_oauth_account("provider", "1")
        assert [a.access_token for a in found.oauth_accounts] == ["new"]


@legacy_orm_form
async def test_without_init_legacy_orm(session: AsyncSession, legacy: SimpleNamespace) -> None:
    class UserDatabase(SQLAlchemyUserDatabase):
        pass

    user_db = object.__new__(UserDatabase)
    user_db.user_db_model = OAuthUserDB
    user_db.session = session
    user_db.user_table = legacy.UserTable
    user_db.oauth_account_table = legacy.OAuthAccountTable
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))
    user.username = "anne"
    await user_db.update(user)

    assert (await user_db.get_by_oauth_account("provider", "1")).username == "anne"


@databases_form
async def test_without_init_databases(database: Any, legacy: SimpleNamespace) -> None:
    class UserDatabase(SQLAlchemyUserDatabase):
        pass

    user_db = object.__new__(UserDatabase)
    user_db.user_db_model = OAuthUserDB
    user_db.database = database
    user_db.users = legacy.users
    user_db.oauth_accounts = legacy.oauth_accounts
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))
    user.username = "anne"
    await user_db.update(user)

    assert (await user_db.get_by_oauth_account("provider", "1")).username == "anne"


@current_form
async def test_session_assigned_later(
    engine: Any, session: AsyncSession, current: SimpleNamespace
) -> None:
    user_db = SQLAlchemyUserDatabase(session, current.User)
    user = await user_db.create(anne())

    async with AsyncSession(engine) as other:
        user_db.session = other

        assert await user_db.get(user.id) in other


@databases_form
async def test_tables_assigned_later(database: Any, legacy: SimpleNamespace) -> None:
    user_db = SQLAlchemyUserDatabase(OAuthUserDB, database, legacy.users)

    user_db.oauth_accounts = legacy.oauth_accounts
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

    assert await user_db.get_by_oauth_account("provider", "1") == user


METHODS = ["get", "get_by_email", "get_by_oauth_account", "create", "update", "delete"]
OAUTH_METHODS = ["add_oauth_account", "update_oauth_account"]


@pytest.mark.parametrize("name", METHODS)
async def test_magic_mock_with_the_class_as_spec(name: str) -> None:
    user_db = MagicMock(spec=SQLAlchemyUserDatabase)
    getattr(user_db, name).return_value = "result"

    assert isinstance(user_db, SQLAlchemyUserDatabase)
    assert await getattr(user_db, name)("argument") == "result"


@current_form
@pytest.mark.parametrize("name", OAUTH_METHODS)
def test_magic_mock_has_the_oauth_methods(name: str) -> None:
    assert isinstance(getattr(MagicMock(spec=SQLAlchemyUserDatabase), name), AsyncMock)


@pytest.mark.parametrize("name", [*METHODS, "_get_user"])
def test_methods_are_coroutine_functions(name: str) -> None:
    if not hasattr(SQLAlchemyUserDatabase, name):
        pytest.skip("upstream has no such method")
    assert inspect.iscoroutinefunction(getattr(SQLAlchemyUserDatabase, name))


@current_form
async def test_autospec_takes_the_current_convention() -> None:
    user_db = create_autospec(SQLAlchemyUserDatabase, instance=True)

    await user_db.create({"email": "anne@example.com"})
    await user_db.update("user", {"username": "anne"})

    user_db.update.assert_awaited_once_with("user", {"username": "anne"})


@ours
async def test_autospec_takes_the_legacy_convention() -> None:
    user_db = create_autospec(SQLAlchemyUserDatabase, instance=True)

    await user_db.create("user")
    await user_db.update("user")

    user_db.update.assert_awaited_once_with("user")


def test_patch_of_the_name_in_the_package() -> None:
    with patch("fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase") as replacement:
        assert fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase is replacement

    assert fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase is SQLAlchemyUserDatabase


def test_patch_object(form: Form) -> None:
    with patch.object(SQLAlchemyUserDatabase, "get_by_email") as get_by_email:
        assert form.user_db.get_by_email is get_by_email


def test_isinstance(form: Form) -> None:
    assert isinstance(form.user_db, SQLAlchemyUserDatabase)
    assert type(form.user_db) is SQLAlchemyUserDatabase


@current_form
def test_assertions_on_session_and_user_table(current: SimpleNamespace) -> None:
    session, user_table = AsyncMock(), current.User

    user_db = SQLAlchemyUserDatabase(session, user_table)

    assert (user_db.session, user_db.user_table) == (session, user_table)
    assert user_db.oauth_account_table is None
    assert vars(user_db).keys() >= {"session", "user_table", "oauth_account_table"}


async def test_a_user_that_is_not_there(form: Form) -> None:
    assert await form.user_db.get(uuid.uuid4()) is None
