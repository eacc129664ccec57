"""Calls that upstream answers with an obscure failure get a `TypeError` with the right call."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tests.compat.models import FASTAPI_USERS, AccessTokenDB, UserDB, account, anne, ours

pytestmark = ours

CURRENT = "SQLAlchemyUserDatabase(session, User"
DATABASES = "SQLAlchemyUserDatabase(UserDB, database, "
LEGACY_ORM = "SQLAlchemyUserDatabase(UserDB, session, "
ANY = "SQLAlchemyUserDatabase("


def raises(call: str) -> Any:
    return pytest.raises(TypeError, match=re.escape(call))


class TestORM:
    def test_user_session(self, session: AsyncSession, current: SimpleNamespace) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(current.User, session)

    def test_user_table_session(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(legacy.UserTable, session)

    def test_user_session_oauth_account(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(current.User, session, current.OAuthAccount)

    def test_model_session(self, session: AsyncSession) -> None:
        with raises(LEGACY_ORM):
            SQLAlchemyUserDatabase(UserDB, session)

    def test_session_table_model(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session, legacy.UserTable, UserDB)

    def test_session_model(self, session: AsyncSession) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session, UserDB)

    def test_session_model_table(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        with raises(ANY):
            SQLAlchemyUserDatabase(session, UserDB, legacy.UserTable)

    def test_model_table_session(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        with raises(LEGACY_ORM):
            SQLAlchemyUserDatabase(UserDB, legacy.UserTable, session)

    def test_session_table_of_the_class(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session, current.User.__table__)

    def test_model_session_core_table(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        with raises(LEGACY_ORM):
            SQLAlchemyUserDatabase(UserDB, session, legacy.users)

    def test_model_session_core_table_of_accounts(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        with raises(LEGACY_ORM):
            SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable, legacy.users)

    def test_only_the_session(self, session: AsyncSession) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session)

    @pytest.mark.any_stack
    def test_nothing(self) -> None:
        with raises(ANY):
            SQLAlchemyUserDatabase()

    def test_session_class(self, current: SimpleNamespace) -> None:
        with raises(ANY):
            SQLAlchemyUserDatabase(AsyncSession, current.User)

    async def test_session_that_was_not_awaited(self, current: SimpleNamespace) -> None:
        async def connect() -> None: ...

        forgotten = connect()
        with raises("not coroutine (did you forget await?). Call " + CURRENT):
            SQLAlchemyUserDatabase(forgotten, current.User)
        await forgotten

    def test_engine(self, engine: Any, current: SimpleNamespace) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(engine, current.User)

    def test_instance_of_the_user(self, session: AsyncSession, current: SimpleNamespace) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session, current.User())

    @pytest.mark.any_stack
    def test_too_many_arguments(self, session: AsyncSession, current: SimpleNamespace) -> None:
        with raises(ANY):
            SQLAlchemyUserDatabase(session, current.User, current.OAuthAccount, 1, 2)

    @pytest.mark.any_stack
    def test_unknown_keyword(self, session: AsyncSession, current: SimpleNamespace) -> None:
        with pytest.raises(TypeError, match="user_model"):
            SQLAlchemyUserDatabase(session, user_model=current.User)

    @pytest.mark.any_stack
    def test_argument_given_twice(self, session: AsyncSession, current: SimpleNamespace) -> None:
        with pytest.raises(TypeError, match="user_table"):
            SQLAlchemyUserDatabase(session, current.User, user_table=current.User)

    @pytest.mark.parametrize("model", [None, UserDB])
    def test_sync_session(self, model: Any, addresses: Any, legacy: SimpleNamespace) -> None:
        engine = create_engine(addresses.databases)
        args: Any = () if model is None else (model,)
        with Session(engine) as session, pytest.raises(TypeError, match="AsyncSession"):
            SQLAlchemyUserDatabase(*args, session, legacy.UserTable)
        engine.dispose()

    def test_the_right_call_names_the_subclass(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        class UserDatabase(SQLAlchemyUserDatabase):
            pass

        with raises("UserDatabase(session, User"):
            UserDatabase(current.User, session)


class TestDatabases:
    def test_model_database(self, database: Any) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(UserDB, database)

    def test_database_table(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(database, legacy.UserTable.__table__)

    def test_database_table_model(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(database, legacy.users, UserDB)

    def test_model_table_database(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(UserDB, legacy.users, database)

    def test_database_class(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(UserDB, type(database), legacy.users)

    def test_model_database_class(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(DATABASES):
            SQLAlchemyUserDatabase(UserDB, database, legacy.UserTable)

    def test_instance_of_the_model(self, database: Any, legacy: SimpleNamespace) -> None:
        with raises(ANY):
            SQLAlchemyUserDatabase(
                UserDB(email="anne@example.com", hashed_password="hash"), database, legacy.users
            )


class TestOAuthAccounts:
    """The last argument of the legacy forms."""

    @pytest.mark.parametrize("wrong", ["oauth_accounts", UserDB, AsyncSession()])
    def test_databases(self, wrong: Any, database: Any, legacy: SimpleNamespace) -> None:
        for oauth_accounts in (wrong, legacy.OAuthAccountTable):
            with raises(DATABASES):
                SQLAlchemyUserDatabase(UserDB, database, legacy.users, oauth_accounts)

    @pytest.mark.parametrize("wrong", ["oauth_accounts", UserDB, AsyncSession()])
    def test_orm(self, wrong: Any, session: AsyncSession, legacy: SimpleNamespace) -> None:
        for oauth_accounts in (wrong, legacy.oauth_accounts):
            with raises(LEGACY_ORM):
                SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable, oauth_accounts)


class TestRememberedCalls:
    """A call that was right is not looked at again, as long as there are not too many."""

    def test_argument_without_a_hash(self, session: AsyncSession) -> None:
        with raises(CURRENT):
            SQLAlchemyUserDatabase(session, [])

    def test_too_many(
        self, session: AsyncSession, current: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fastapi_users_db_sqlalchemy._arguments.MAX_KNOWN", 0)
        monkeypatch.setattr("fastapi_users_db_sqlalchemy._arguments._known", set())
        for _ in range(2):
            SQLAlchemyUserDatabase(session, current.User)
            with raises(CURRENT):
                SQLAlchemyUserDatabase(current.User, session)

    def test_as_many_as_there_may_be(
        self, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known: set[Any] = set()
        looked_at: list[Any] = []
        monkeypatch.setattr("fastapi_users_db_sqlalchemy._arguments.MAX_KNOWN", 2)
        monkeypatch.setattr("fastapi_users_db_sqlalchemy._arguments._known", known)
        monkeypatch.setattr(
            "fastapi_users_db_sqlalchemy._arguments._check_current",
            lambda adapter, names, session, tables: looked_at.append(tables[0]),
        )
        users: list[type[Any]] = [type(f"User{number}", (), {}) for number in range(4)]
        for user in (*users, *users):
            SQLAlchemyUserDatabase(session, user)
        assert looked_at == [*users, *users[2:]]
        assert len(known) == 2


class TestReads:
    async def test_class_that_is_not_mapped(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        for classes in ((dict,), (current.User, dict)):
            user_db: Any = SQLAlchemyUserDatabase(session, *classes)
            with pytest.raises(TypeError, match=r"is not mapped|needs a relationship"):
                await user_db.get_by_email("anne@example.com")


class TestWrites:
    async def test_create_of_nothing(self, form: Any) -> None:
        for arguments in ({}, {"create_dict": None}, {"create_dict": anne(), "user": anne()}):
            with raises("Call create(create_dict) or create(user)."):
                await form.user_db.create(**arguments)

    async def test_update_with_what_is_no_dict(self, form: Any) -> None:
        user = await form.user_db.create(anne())
        with pytest.raises(TypeError, match=re.escape("Call update(user, update_dict)")):
            await form.user_db.update(user, [("is_active", False)])

    async def test_what_was_not_awaited_is_said(self, form: Any) -> None:
        user_db: Any = form.user_db
        for call in (
            lambda forgotten: user_db.create(forgotten),
            lambda forgotten: user_db.update(forgotten, {}),
            lambda forgotten: user_db.delete(forgotten),
        ):
            forgotten = user_db.get_by_email("anne@example.com")
            with pytest.raises(TypeError, match=r"not coroutine \(did you forget await\?\)"):
                await call(forgotten)
            forgotten.close()

    async def test_class_in_place_of_an_object(self, form: Any, rows: Any) -> None:
        """As `delete(User)`: `User.id` is a column, and with it any row is the user's."""
        user_db: Any = form.user_db
        await user_db.create(anne())
        before = await rows(select(form.users))
        for cls in (form.returned, getattr(user_db, "user_table", UserDB)):
            for call in (
                lambda cls=cls: user_db.delete(cls),
                lambda cls=cls: user_db.update(cls, {"is_active": False}),
                lambda cls=cls: user_db.update(cls),
                lambda cls=cls: user_db.add_oauth_account(cls, account()),
                lambda cls=cls: user_db.update_oauth_account(cls, cls, {"access_token": "new"}),
            ):
                with pytest.raises(TypeError, match="Expected"):
                    await call()
        assert await rows(select(form.users)) == before


@pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought access tokens")
class TestAccessTokens:
    async def test_create_of_nothing(self, session: AsyncSession, current: SimpleNamespace) -> None:
        from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

        tokens: Any = SQLAlchemyAccessTokenDatabase(session, current.AccessToken)
        for arguments in ({}, {"create_dict": {}, "access_token": {}}):
            with raises("Call create(create_dict) or create(access_token)."):
                await tokens.create(**arguments)

    def test_table_session(self, session: AsyncSession, current: SimpleNamespace) -> None:
        from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

        with raises("SQLAlchemyAccessTokenDatabase(session, "):
            SQLAlchemyAccessTokenDatabase(current.User, session)

    def test_model_session(self, session: AsyncSession) -> None:
        from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

        with raises("SQLAlchemyAccessTokenDatabase("):
            SQLAlchemyAccessTokenDatabase(AccessTokenDB, session)

    def test_database_table(self, database: Any, legacy: SimpleNamespace) -> None:
        from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

        with raises("SQLAlchemyAccessTokenDatabase("):
            SQLAlchemyAccessTokenDatabase(database, legacy.users)
