"""Both conventions of `create` and `update`, whatever the form, and what comes back."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from sqlalchemy import Column, ForeignKey, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base, relationship

from tests.compat.conftest import Form
from tests.compat.models import (
    OAuthUserDB,
    UserDB,
    account,
    anne,
    databases_form,
    legacy_orm_form,
    on_every_database,
    ours,
)


async def create(form: Form, **values: Any) -> Any:
    """Create a user in the convention that the form was made for."""
    if form.is_legacy:
        return await form.user_db.create(OAuthUserDB(**anne(**values)))
    return await form.user_db.create(anne(**values))


@on_every_database
async def test_every_read_returns_what_the_form_promises(form: Form) -> None:
    user = await create(form)

    assert isinstance(user, form.returned)
    assert isinstance(await form.user_db.get(user.id), form.returned)
    assert isinstance(await form.user_db.get_by_email("anne@example.com"), form.returned)
    assert isinstance(await form.user_db.get_by_email("ANNE@EXAMPLE.COM"), form.returned)
    assert await form.user_db.get_by_email("bert@example.com") is None


@ours
@on_every_database
async def test_every_form_finds_an_address_where_the_lower_index_is_declared(
    form: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await create(form)
    monkeypatch.setattr(form.user_db._users, "has_lower_email_index", True)

    for email in ("anne@example.com", "ANNE@example.com"):
        assert (await form.user_db.get_by_email(email)).id == user.id
    assert await form.user_db.get_by_email("bert@example.com") is None


@ours
async def test_sqlite_takes_a_providers_token_of_any_length(form: Form) -> None:
    token = "a" * 3000
    user = await create(form, oauth_accounts=[account(access_token=token, refresh_token=token)])

    found = await form.user_db.get(user.id)
    assert found.oauth_accounts[0].access_token == found.oauth_accounts[0].refresh_token == token


async def test_legacy_update(legacy_form: Form) -> None:
    user = await create(legacy_form)

    user.username = "anne"
    user.is_verified = True
    updated = await legacy_form.user_db.update(user)

    assert isinstance(updated, OAuthUserDB)
    assert updated == user
    assert await legacy_form.user_db.get(user.id) == user


async def test_legacy_delete(legacy_form: Form, rows: Any) -> None:
    user = await create(legacy_form)

    await legacy_form.user_db.delete(user)

    assert await legacy_form.user_db.get(user.id) is None
    assert await rows(select(legacy_form.users)) == []


async def test_legacy_create_keeps_the_id_of_the_model(legacy_form: Form) -> None:
    user = OAuthUserDB(**anne())

    created = await legacy_form.user_db.create(user)

    assert created.id == user.id
    assert (await legacy_form.user_db.get(user.id)) == user


async def test_legacy_create_writes_oauth_accounts(legacy_form: Form) -> None:
    user = await create(legacy_form, oauth_accounts=[account()])

    found = await legacy_form.user_db.get_by_oauth_account("provider", "1")

    assert found == user
    assert found.oauth_accounts[0].id == user.oauth_accounts[0].id


@pytest.mark.parametrize("values", [("other", "1"), ("provider", "2")])
async def test_legacy_oauth_account_of_nobody(legacy_form: Form, values: Any) -> None:
    await create(legacy_form, oauth_accounts=[account()])

    assert await legacy_form.user_db.get_by_oauth_account(*values) is None


async def test_legacy_model_of_an_old_user_stays_as_it_was_read(legacy_form: Form) -> None:
    user = await create(legacy_form)
    before = await legacy_form.user_db.get(user.id)

    user.username = "anne"
    await legacy_form.user_db.update(user)

    assert before.username is None


@databases_form
async def test_duplicate_raises_what_the_driver_raised_databases(
    database: Any, legacy: SimpleNamespace
) -> None:
    import sqlite3

    user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
    await user_db.create(UserDB(**anne()))

    with pytest.raises(sqlite3.IntegrityError):
        await user_db.create(UserDB(**anne()))


@legacy_orm_form
async def test_duplicate_raises_what_sqlalchemy_raised(
    session: AsyncSession, legacy: SimpleNamespace
) -> None:
    user_db = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable)
    await user_db.create(UserDB(**anne()))

    with pytest.raises(IntegrityError):
        await user_db.create(UserDB(**anne()))


@databases_form
async def test_oauth_method_without_a_table_raises_the_old_error(
    database: Any, legacy: SimpleNamespace
) -> None:
    from fastapi_users_db_sqlalchemy import NotSetOAuthAccountTableError

    user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

    with pytest.raises(NotSetOAuthAccountTableError):
        await user_db.get_by_oauth_account("provider", "1")


@ours
class TestOurs:
    @on_every_database
    async def test_create_of_a_dict(self, form: Form) -> None:
        user = await form.user_db.create(anne(username="anne"))

        assert isinstance(user, form.returned)
        assert isinstance(user.id, uuid.UUID)
        assert (user.username, user.tenant, user.is_active) == ("anne", 1, True)
        assert list(user.oauth_accounts) == []
        assert (await form.user_db.get(user.id)).username == "anne"

    @on_every_database
    async def test_create_of_a_model(self, form: Form) -> None:
        model = OAuthUserDB(**anne(username="anne", oauth_accounts=[account()]))

        user = await form.user_db.create(model)

        assert isinstance(user, form.returned)
        assert user.id == model.id
        assert [a.account_id for a in user.oauth_accounts] == ["1"]
        found = await form.user_db.get_by_oauth_account("provider", "1")
        assert [a.id for a in found.oauth_accounts] == [model.oauth_accounts[0].id]

    @on_every_database
    async def test_update_with_a_dict(self, form: Form) -> None:
        user = await create(form)

        updated = await form.user_db.update(user, {"username": "anne", "is_active": False})

        assert isinstance(updated, form.returned)
        assert (updated.id, updated.username, updated.is_active) == (user.id, "anne", False)
        found = await form.user_db.get(user.id)
        assert (found.username, found.is_active) == ("anne", False)

    async def test_update_with_an_empty_dict(self, form: Form) -> None:
        user = await create(form)

        updated = await form.user_db.update(user, {})

        assert updated.email == user.email

    async def test_update_with_a_dict_keeps_the_oauth_accounts(self, form: Form) -> None:
        user = await form.user_db.add_oauth_account(await create(form), account())

        user = await form.user_db.update(user, {"username": "anne"})

        assert [a.account_id for a in user.oauth_accounts] == ["1"]
        found = await form.user_db.get(user.id)
        assert [a.account_id for a in found.oauth_accounts] == ["1"]

    async def test_update_by_keyword(self, form: Form) -> None:
        user = await form.user_db.create(create_dict=anne())

        user = await form.user_db.update(user=user, update_dict={"username": "anne"})

        assert user.username == "anne"

    async def test_update_of_a_changed_user(self, form: Form) -> None:
        user = await create(form)

        user.username = "anne"
        updated = await form.user_db.update(user)

        assert isinstance(updated, form.returned)
        assert updated.username == "anne"

    async def test_update_of_a_changed_user_is_committed(self, form: Form, rows: Any) -> None:
        user = await create(form)

        user.username = "anne"
        await form.user_db.update(user)

        assert await rows(select(form.users.c.username)) == [("anne",)]

    async def test_update_of_a_model(self, form: Form) -> None:
        model = OAuthUserDB(**anne())
        await form.user_db.create(model)

        model.username = "anne"
        updated = await form.user_db.update(model)

        assert isinstance(updated, form.returned)
        assert (await form.user_db.get(model.id)).username == "anne"

    async def test_delete(self, form: Form, rows: Any) -> None:
        user = await form.user_db.add_oauth_account(await create(form), account())

        await form.user_db.delete(user)

        assert await rows(select(form.users)) == []
        assert await rows(select(form.oauth_accounts)) == []

    @on_every_database
    async def test_oauth_accounts_one_by_one(self, form: Form) -> None:
        user = await form.user_db.add_oauth_account(await create(form), account())
        assert isinstance(user, form.returned)
        assert [a.access_token for a in user.oauth_accounts] == ["token"]

        [oauth_account] = user.oauth_accounts
        user = await form.user_db.update_oauth_account(
            user, oauth_account, account(access_token="new")
        )

        assert isinstance(user, form.returned)
        assert [a.access_token for a in user.oauth_accounts] == ["new"]
        found = await form.user_db.get_by_oauth_account("provider", "1")
        assert [(a.id, a.access_token) for a in found.oauth_accounts] == [(oauth_account.id, "new")]

    async def test_model_whose_id_has_no_default(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class Required(UserDB):
            id: uuid.UUID

        user_db = SQLAlchemyUserDatabase(Required, session, legacy.UserTable)

        user = await user_db.create(anne())

        assert isinstance(user, Required)
        assert isinstance(user.id, uuid.UUID)

    async def test_model_whose_id_has_no_default_databases(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        class Required(UserDB):
            id: uuid.UUID

        user_db = SQLAlchemyUserDatabase(Required, database, legacy.users)

        user = await user_db.create(anne())

        assert isinstance(user, Required)
        assert isinstance(user.id, uuid.UUID)

    async def test_defaults_of_the_model_win(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class Waiting(UserDB):
            is_active: bool = False

        user_db = SQLAlchemyUserDatabase(Waiting, session, legacy.UserTable)

        assert (await user_db.create(anne())).is_active is False

    async def test_duplicate_is_fastapi_users_error_too(self, form: Form) -> None:
        from fastapi_users_db import UserAlreadyExistsError

        await create(form)

        with pytest.raises(UserAlreadyExistsError):
            await create(form)

    async def test_oauth_method_without_a_table(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        from fastapi_users_db_sqlalchemy import NotSetOAuthAccountTableError

        user_db = SQLAlchemyUserDatabase(session, legacy.UserTable)

        with pytest.raises(NotSetOAuthAccountTableError):
            await user_db.get_by_oauth_account("provider", "1")
        with pytest.raises(NotImplementedError):
            await user_db.get_by_oauth_account("provider", "1")

    async def test_delete_of_a_user_who_is_gone(self, form: Form) -> None:
        user = await create(form)

        for _ in range(2):
            await form.user_db.delete(user)

        assert await form.user_db.get(user.id) is None

    async def test_update_of_a_user_who_is_gone(self, form: Form, rows: Any) -> None:
        from fastapi_users_db import UserNotFoundError

        user = await create(form)
        await form.user_db.delete(await form.user_db.get(user.id))
        user.is_active = False

        with pytest.raises(UserNotFoundError):
            await form.user_db.update(user)

        assert await rows(select(form.users)) == []

    async def test_model_without_an_id(self, legacy_form: Form) -> None:
        """As of an app that lets the table give the ids."""
        user = await legacy_form.user_db.create(anne(id=None))

        assert user.id is not None
        assert await legacy_form.user_db.get(user.id) == user

    async def test_accounts_without_a_table(
        self, session: AsyncSession, legacy: SimpleNamespace, rows: Any
    ) -> None:
        from fastapi_users_db_sqlalchemy import NotSetOAuthAccountTableError

        user_db = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable)

        with pytest.raises(NotSetOAuthAccountTableError):
            await user_db.create(anne(oauth_accounts=[account()]))
        user = await user_db.create(OAuthUserDB(**anne()))

        assert [row.id for row in await rows(select(legacy.users.c.id))] == [user.id]

    async def test_account_with_an_id_of_its_own(self, form: Form) -> None:
        account_id = uuid.uuid4()

        user = await form.user_db.add_oauth_account(await create(form), account(id=account_id))

        assert [linked.id for linked in user.oauth_accounts] == [account_id]

    async def test_model_with_what_is_not_loaded(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        """A relationship that the app loads itself where it needs it."""
        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            boss_id = Column(ForeignKey("user.id"))
            boss = relationship("UserTable", remote_side="UserTable.id")

        class WithBoss(UserDB):
            boss: Any = None

        await create_all(base)
        user_db = SQLAlchemyUserDatabase(WithBoss, session, UserTable)
        boss = await user_db.create(anne())
        user = await user_db.create(anne(email="bert@example.com", boss_id=boss.id))
        session.expunge_all()

        assert (await user_db.get(user.id)).boss is None

    @pytest.mark.parametrize("is_databases", [False, True])
    async def test_model_that_is_none_of_pydantics(
        self, is_databases: bool, session: AsyncSession, database: Any, legacy: SimpleNamespace
    ) -> None:
        class Plain(SimpleNamespace):
            pass

        args = (database, legacy.users) if is_databases else (session, legacy.UserTable)
        user_db = SQLAlchemyUserDatabase(Plain, *args)

        user = await user_db.create(anne())

        assert isinstance(user, Plain)
        assert (await user_db.get(user.id)).email == "anne@example.com"
