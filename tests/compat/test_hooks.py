"""Security lives in the hooks: no read may pass by them."""

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from tests.compat.models import (
    OAuthUserDB,
    account,
    anne,
    current_form,
    databases_form,
    legacy_orm_form,
    ours,
)

ID = uuid.uuid4()
READS: dict[str, Callable[[Any], Any]] = {
    "get": lambda user_db: user_db.get(ID),
    "get_by_email": lambda user_db: user_db.get_by_email("anne@example.com"),
    "get_by_email, other case": lambda user_db: user_db.get_by_email("ANNE@example.com"),
    "get_by_oauth_account": lambda user_db: user_db.get_by_oauth_account("provider", "1"),
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


class TenantUserDatabase(SQLAlchemyUserDatabase):
    """What a multi-tenant product does."""

    tenant = 1

    async def _get_user(self, statement: Any) -> Any:
        return await super()._get_user(statement.where(self.user_table.tenant == self.tenant))


class TenantRowsUserDatabase(SQLAlchemyUserDatabase):
    """The same, where rows are what there is to see."""

    tenant = 1

    async def _make_user(self, user: Any) -> Any:
        return await super()._make_user(user) if user["tenant"] == self.tenant else None


def legacy_anne() -> OAuthUserDB:
    return OAuthUserDB(**anne(id=ID, oauth_accounts=[account()]))


@databases_form
class TestDatabases:
    @every_read
    async def test_make_user_sees_every_read(
        self, read: Any, database: Any, legacy: SimpleNamespace
    ) -> None:
        user_db = TenantRowsUserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
        await user_db.create(legacy_anne())
        assert (await read(user_db)).id == ID

        user_db.tenant = 2

        assert await read(user_db) is None

    @every_read
    async def test_make_user_builds_another_model(
        self, read: Any, database: Any, legacy: SimpleNamespace
    ) -> None:
        class Shown(OAuthUserDB):
            pass

        class UserDatabase(SQLAlchemyUserDatabase):
            async def _make_user(self, user: Any) -> Any:
                return Shown(**{**user, "username": "shown"})

        user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
        await user_db.create(legacy_anne())

        assert isinstance(await read(user_db), Shown)

    @every_read
    async def test_make_user_gets_a_row_that_reads_by_name(
        self, read: Any, database: Any, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def _make_user(self, user: Any) -> Any:
                return user["email"], user["id"], user["is_active"]

        user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
        await user_db.create(legacy_anne())

        assert await read(user_db) == ("anne@example.com", ID, True)

    async def test_make_user_is_not_called_for_nobody(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def _make_user(self, user: Any) -> Any:
                raise AssertionError

        user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)

        for read in READS.values():
            assert await read(user_db) is None


@legacy_orm_form
class TestLegacyORM:
    @every_read
    async def test_tenant_filter_sees_every_read(
        self, read: Any, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        user_db = TenantUserDatabase(
            OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable
        )
        await user_db.create(legacy_anne())
        assert (await read(user_db)).id == ID

        user_db.tenant = 2

        assert await read(user_db) is None

    @every_read
    async def test_get_user_returns_the_model(
        self, read: Any, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        returned = []

        class UserDatabase(SQLAlchemyUserDatabase):
            async def _get_user(self, statement: Any) -> Any:
                returned.append(await super()._get_user(statement))
                return returned[-1]

        user_db = UserDatabase(OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable)
        await user_db.create(legacy_anne())
        returned.clear()

        user = await read(user_db)

        assert isinstance(user, OAuthUserDB)
        assert user in returned

    @every_read
    async def test_get_user_may_change_what_it_returns(
        self, read: Any, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def _get_user(self, statement: Any) -> Any:
                user = await super()._get_user(statement)
                if user is not None:
                    user.username = "shown"
                return user

        user_db = UserDatabase(OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable)
        await user_db.create(legacy_anne())

        assert (await read(user_db)).username == "shown"

    @ours
    @every_read
    async def test_tenant_filter_under_the_current_convention(
        self, read: Any, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        user_db: Any = TenantUserDatabase(
            OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable
        )
        user = await user_db.create(anne(id=ID))
        await user_db.add_oauth_account(user, account())
        assert (await read(user_db)).id == ID

        user_db.tenant = 2

        assert await read(user_db) is None


@current_form
class TestCurrent:
    @every_read
    async def test_tenant_filter_sees_every_read(
        self, read: Any, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        user_db = TenantUserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne(id=ID))
        await user_db.add_oauth_account(user, account())
        session.expunge_all()
        assert (await read(user_db)).id == ID

        user_db.tenant = 2

        assert await read(user_db) is None

    @every_read
    async def test_get_user_is_a_plain_method_of_the_class(
        self, read: Any, session: AsyncSession, current: SimpleNamespace, monkeypatch: Any
    ) -> None:
        async def nobody(self: Any, statement: Any) -> None:
            return None

        user_db = SQLAlchemyUserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne(id=ID))
        await user_db.add_oauth_account(user, account())

        monkeypatch.setattr(SQLAlchemyUserDatabase, "_get_user", nobody)

        assert await read(user_db) is None
