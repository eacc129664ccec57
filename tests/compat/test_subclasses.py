"""What apps have added to the adapter, and overridden in it."""

import copy
import uuid
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

import pytest
from fastapi_users.db import BaseUserDatabase
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from tests.compat.conftest import Form
from tests.compat.models import (
    FASTAPI_USERS,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    current_form,
    databases_form,
    legacy_orm_form,
)

ID = TypeVar("ID")
UP = TypeVar("UP")


@databases_form
class TestDatabases:
    async def test_new_method_through_users_database_and_make_user(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get_by_username(self, username: str) -> Any:
                query = self.users.select().where(self.users.c.username == username)
                row = await self.database.fetch_one(query)
                return await self._make_user(row) if row else None

        user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
        user = await user_db.create(OAuthUserDB(**anne(username="anne")))

        assert await user_db.get_by_username("anne") == user
        assert await user_db.get_by_username("bert") is None

    async def test_new_method_through_fetch_all(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get_all(self) -> list[Any]:
                rows = await self.database.fetch_all(self.users.select())
                return [await self._make_user(row) for row in rows]

        user_db = UserDatabase(UserDB, database, legacy.users)
        user = await user_db.create(UserDB(**anne()))

        assert await user_db.get_all() == [user]

    async def test_overridden_get_by_email(self, database: Any, legacy: SimpleNamespace) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get_by_email(self, email: str) -> Any:
                query = self.users.select().where(self.users.c.email == email)
                row = await self.database.fetch_one(query)
                return await self._make_user(row) if row else None

        user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
        user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

        assert await user_db.get_by_email("anne@example.com") == user
        assert await user_db.get_by_email("ANNE@example.com") is None

    async def test_select_from_outside(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
        user = await user_db.create(UserDB(**anne()))

        [row] = await user_db.database.fetch_all(user_db.users.select())

        assert row["id"] == user.id

    async def test_update_from_outside(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)
        user = await user_db.create(UserDB(**anne()))

        query = user_db.users.update().where(user_db.users.c.id == user.id)
        await user_db.database.execute(query.values(username="anne"))

        assert (await user_db.get(user.id)).username == "anne"

    async def test_shortened_init(self, database: Any, legacy: SimpleNamespace) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, database: Any) -> None:
                super().__init__(UserDB, database, legacy.users)

        user_db = UserDatabase(database)
        user = await user_db.create(UserDB(**anne()))

        assert await user_db.get(user.id) == user


@legacy_orm_form
class TestLegacyORM:
    async def test_new_method_through_get_user(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get_by_username(self, username: str) -> Any:
                statement = select(self.user_table).where(self.user_table.username == username)
                return await self._get_user(statement)

        user_db = UserDatabase(OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable)
        user = await user_db.create(
            OAuthUserDB(**anne(username="anne", oauth_accounts=[account()]))
        )

        assert await user_db.get_by_username("anne") == user
        assert await user_db.get_by_username("bert") is None

    async def test_shortened_init_by_position(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, session: AsyncSession) -> None:
                super().__init__(UserDB, session, legacy.UserTable)

        user_db = UserDatabase(session)
        user = await user_db.create(UserDB(**anne()))

        assert await user_db.get(user.id) == user

    async def test_reordered_init_by_keyword(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, session: AsyncSession, tenant: int, user_db_model: Any) -> None:
                super().__init__(
                    user_db_model=user_db_model, session=session, user_table=legacy.UserTable
                )
                self.tenant = tenant

        user_db = UserDatabase(session, 1, UserDB)
        user = await user_db.create(UserDB(**anne()))

        assert await user_db.get(user.id) == user
        assert user_db.tenant == 1

    async def test_overridden_create_and_update(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def create(self, user: Any) -> Any:
                user.username = "anne"
                return await super().create(user)

            async def update(self, user: Any) -> Any:
                user.tenant = 2
                return await super().update(user)

        user_db = UserDatabase(UserDB, session, legacy.UserTable)
        user = await user_db.create(UserDB(**anne()))
        updated = await user_db.update(user)

        assert (updated.username, updated.tenant) == ("anne", 2)
        assert await user_db.get(user.id) == updated


@current_form
class TestCurrent:
    async def test_new_method_through_get_user(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get_by_username(self, username: str) -> Any:
                statement = select(self.user_table).where(
                    func.lower(self.user_table.username) == func.lower(username)
                )
                return await self._get_user(statement)

        user_db = UserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne(username="anne"))

        assert await user_db.get_by_username("ANNE") is user

    async def test_new_method_through_session(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def count(self) -> int:
                statement = select(func.count()).select_from(self.user_table)
                return (await self.session.execute(statement)).scalar_one()

            async def providers(self) -> list[str]:
                statement = select(self.oauth_account_table.oauth_name)
                return list((await self.session.execute(statement)).scalars())

        user_db = UserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne())
        await user_db.add_oauth_account(user, account())

        assert await user_db.count() == 1
        assert await user_db.providers() == ["provider"]

    async def test_manager_uses_the_session(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(session, current.User)
        user = await user_db.create(anne())

        user.username = "anne"
        user_db.session.add(user)
        await user_db.session.commit()

        assert (await user_db.get(user.id)).username == "anne"

    async def test_create_and_update_that_flush(
        self, session: AsyncSession, current: SimpleNamespace, rows: Any
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def create(self, create_dict: dict[str, Any]) -> Any:
                user = self.user_table(**create_dict)
                self.session.add(user)
                await self.session.flush()
                await self.session.refresh(user)
                return user

            async def update(self, user: Any, update_dict: dict[str, Any]) -> Any:
                for key, value in update_dict.items():
                    setattr(user, key, value)
                self.session.add(user)
                await self.session.flush()
                await self.session.refresh(user)
                return user

        user_db = UserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne())
        await user_db.update(user, {"username": "anne"})

        assert (await user_db.get(user.id)).username == "anne"
        assert await rows(select(current.User.__table__)) == []

    async def test_get_with_selectinload(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def get(self, id: Any) -> Any:
                return await self._get_user(self._select().where(self.user_table.id == id))

            async def get_by_email(self, email: str) -> Any:
                return await self._get_user(self._select().where(self.user_table.email == email))

            def _select(self) -> Any:
                return select(self.user_table).options(selectinload(self.user_table.oauth_accounts))

        user_db = UserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.create(anne())
        await user_db.add_oauth_account(user, account())
        session.expunge_all()

        assert len((await user_db.get(user.id)).oauth_accounts) == 1
        assert len((await user_db.get_by_email("anne@example.com")).oauth_accounts) == 1

    async def test_overridden_add_oauth_account(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def add_oauth_account(self, user: Any, create_dict: dict[str, Any]) -> Any:
                create_dict["access_token"] = "encrypted"
                return await super().add_oauth_account(user, create_dict)

        user_db = UserDatabase(session, current.User, current.OAuthAccount)
        user = await user_db.add_oauth_account(await user_db.create(anne()), account())

        assert [a.access_token for a in user.oauth_accounts] == ["encrypted"]

    async def test_overridden_create_that_calls_super(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def create(self, create_dict: dict[str, Any]) -> Any:
                return await super().create({**create_dict, "username": "anne"})

        user = await UserDatabase(session, current.User).create(anne())

        assert user.username == "anne"

    async def test_reordered_init_by_position(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(
                self, session: Any, tenant: int, user_table: Any, oauth_account_table: Any = None
            ) -> None:
                super().__init__(session, user_table, oauth_account_table)
                self.tenant = tenant

        user_db = UserDatabase(session, 2, current.User, current.OAuthAccount)
        user = await user_db.create(anne())

        assert await user_db.get(user.id) is user
        assert user_db.tenant == 2

    async def test_shortened_init_by_keyword(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, session: AsyncSession) -> None:
                super().__init__(
                    session=session,
                    user_table=current.User,
                    oauth_account_table=current.OAuthAccount,
                )

        user_db = UserDatabase(session)
        user = await user_db.create(anne())

        assert await user_db.get(user.id) is user

    async def test_attributes_set_before_super_init(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, session: AsyncSession) -> None:
                self.session = session
                self.user_table = current.User
                super().__init__(self.session, self.user_table)

        user = await UserDatabase(session).create(anne())

        assert user.email == "anne@example.com"

    async def test_subclass_of_a_parametrised_adapter(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase[current.User, uuid.UUID]):
            pass

        user = await UserDatabase(session, current.User).create(anne())

        assert isinstance(user, current.User)

    @pytest.mark.skipif(FASTAPI_USERS < 10, reason="its base takes one parameter")
    async def test_generic_first_and_fastapi_users_base_last(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(
            Generic[UP, ID], SQLAlchemyUserDatabase[UP, ID], BaseUserDatabase[UP, ID]
        ):
            pass

        user_db = UserDatabase[current.User, int](session, current.User)
        user = await user_db.create(anne())

        assert await user_db.get(user.id) is user

    async def test_generic_and_a_base_of_the_apps_own_first(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class BaseDatabase(Generic[UP, ID]):
            pass

        class UserDatabase(Generic[UP, ID], BaseDatabase[UP, ID], SQLAlchemyUserDatabase[UP, ID]):
            pass

        user_db = UserDatabase[current.User, int](session, current.User)
        user = await user_db.create(anne())

        assert await user_db.get(user.id) is user

    @pytest.mark.parametrize(
        "name", ["database", "users", "oauth_accounts", "user_db_model", "commit", "retries"]
    )
    async def test_attribute_by_a_name_of_another_form(
        self, session: AsyncSession, current: SimpleNamespace, name: str
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                setattr(self, name, "tenant_1")

        built = UserDatabase(session, current.User, current.OAuthAccount)
        memo = {id(session): session}
        for user_db in (built, copy.copy(built), copy.deepcopy(built, memo)):
            user = await user_db.create(anne())
            await user_db.add_oauth_account(user, account())

            assert await user_db.get_by_email("ANNE@example.com") is user
            assert await user_db.get_by_oauth_account("provider", "1") is user
            await user_db.delete(user)

    async def test_method_commit(
        self, session: AsyncSession, current: SimpleNamespace, rows: Any
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            async def commit(self) -> None:
                await self.session.commit()

        user_db = UserDatabase(session, current.User)
        user = await user_db.create(anne())
        user.username = "anne"
        await user_db.commit()

        assert await rows(select(current.User.username)) == [("anne",)]


async def test_arguments_by_upstreams_names(legacy_form: Form) -> None:
    user_db, given = legacy_form.user_db, OAuthUserDB(**anne())

    user = await user_db.create(user=given)
    user.username = "anne"
    await user_db.update(user=user)
    assert (await user_db.get(id=given.id)).username == "anne"
    assert await user_db.get_by_email(email=given.email) == user
    assert await user_db.get_by_oauth_account(oauth="provider", account_id="1") is None
    await user_db.delete(user=user)

    assert await user_db.get(id=given.id) is None


@databases_form
async def test_make_user_by_upstreams_name(database: Any, legacy: SimpleNamespace) -> None:
    class UserDatabase(SQLAlchemyUserDatabase):
        async def _make_user(self, user: Any) -> Any:
            return await super()._make_user(user=user)

    user_db = UserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)
    user = await user_db.create(OAuthUserDB(**anne()))

    assert await user_db.get(user.id) == user


async def test_mixin_before_the_adapter(form: Form) -> None:
    class Counting:
        reads = 0

        async def get(self, id: Any) -> Any:
            self.reads += 1
            return await super().get(id)  # type: ignore[misc]

    user_db = object.__new__(type("UserDatabase", (Counting, SQLAlchemyUserDatabase), {}))
    user_db.__dict__.update(form.user_db.__dict__)

    assert await user_db.get(uuid.uuid4()) is None
    assert user_db.reads == 1


@pytest.mark.parametrize("name", ["extra", "cache", "tenant", "request"])
def test_attributes_of_the_apps_own(form: Form, name: str) -> None:
    setattr(form.user_db, name, "value")

    assert getattr(form.user_db, name) == "value"
