"""Every way in which apps have built the adapter."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from fastapi_users.db import BaseUserDatabase
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, sessionmaker

from tests.compat.conftest import Form
from tests.compat.models import (
    OAuthUserDB,
    UserDB,
    anne,
    current_form,
    databases_form,
    legacy_orm_form,
    legacy_tables,
    on_every_database,
    ours,
)


async def works(user_db: Any, user: Any) -> None:
    """Create this user and read it."""
    await user_db.create(user)

    found = await user_db.get_by_email("anne@example.com")

    assert found.email == "anne@example.com"
    assert (await user_db.get(found.id)).email == found.email


@databases_form
class TestDatabases:
    @on_every_database
    async def test_model_database_users(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

        await works(user_db, UserDB(**anne()))

    @on_every_database
    async def test_model_database_users_oauth_accounts(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)

        await works(user_db, OAuthUserDB(**anne()))

    async def test_user_table_inline(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(
            OAuthUserDB, database, legacy.UserTable.__table__, legacy.OAuthAccountTable.__table__
        )

        await works(user_db, OAuthUserDB(**anne()))

    async def test_keywords(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(
            user_db_model=OAuthUserDB,
            database=database,
            users=legacy.users,
            oauth_accounts=legacy.oauth_accounts,
        )

        await works(user_db, OAuthUserDB(**anne()))

    async def test_some_keywords(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, database=database, users=legacy.users)

        await works(user_db, UserDB(**anne()))

    async def test_module_level_singleton(self, addresses: Any, legacy: SimpleNamespace) -> None:
        databases = pytest.importorskip("databases")
        database = databases.Database(addresses.databases)
        user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

        await database.connect()  # when the app starts

        await works(user_db, UserDB(**anne()))
        await database.disconnect()

    async def test_attributes(self, database: Any, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(OAuthUserDB, database, legacy.users, legacy.oauth_accounts)

        assert user_db.user_db_model is OAuthUserDB
        assert user_db.database is database
        assert user_db.users is legacy.users
        assert user_db.oauth_accounts is legacy.oauth_accounts

    async def test_without_oauth_accounts_the_attribute_is_none(
        self, database: Any, legacy: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, database, legacy.users)

        assert user_db.oauth_accounts is None


@legacy_orm_form
class TestLegacyORM:
    @on_every_database
    async def test_model_session_table(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable)

        await works(user_db, UserDB(**anne()))

    @on_every_database
    async def test_model_session_table_oauth_table(
        self, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(
            OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable
        )

        await works(user_db, OAuthUserDB(**anne()))

    async def test_keywords(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(
            user_db_model=OAuthUserDB,
            session=session,
            user_table=legacy.UserTable,
            oauth_account_table=legacy.OAuthAccountTable,
        )

        await works(user_db, OAuthUserDB(**anne()))

    @pytest.mark.parametrize("name", ["UserRead", "BaseUser", "User", "UserTable"])
    async def test_model_of_any_name(
        self, name: str, session: AsyncSession, legacy: SimpleNamespace
    ) -> None:
        model: Any = type(name, (UserDB,), {})

        await works(SQLAlchemyUserDatabase(model, session, legacy.UserTable), model(**anne()))

    async def test_table_class_called_user(self, session: AsyncSession, create_all: Any) -> None:
        tables = legacy_tables()
        User = type("User", (tables.UserTable,), {})  # noqa: N806
        await create_all(tables.base)

        await works(SQLAlchemyUserDatabase(UserDB, session, User), UserDB(**anne()))

    async def test_attributes(self, session: AsyncSession, legacy: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(
            OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable
        )

        assert user_db.user_db_model is OAuthUserDB
        assert user_db.session is session
        assert user_db.user_table is legacy.UserTable
        assert user_db.oauth_account_table is legacy.OAuthAccountTable

    async def test_session_and_expire_on_commit(self, engine: Any, legacy: SimpleNamespace) -> None:
        async with AsyncSession(engine, expire_on_commit=True) as session:
            user_db = SQLAlchemyUserDatabase(
                OAuthUserDB, session, legacy.UserTable, legacy.OAuthAccountTable
            )

            await works(user_db, OAuthUserDB(**anne()))


@current_form
class TestCurrent:
    @on_every_database
    async def test_session_user(self, session: AsyncSession, current: SimpleNamespace) -> None:
        await works(SQLAlchemyUserDatabase(session, current.User), anne())

    @on_every_database
    async def test_session_user_oauth_account(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase(session, current.User, current.OAuthAccount)

        await works(user_db, anne())

    async def test_keywords(self, session: AsyncSession, current: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(
            session=session,
            user_table=current.User,
            oauth_account_table=current.OAuthAccount,
        )

        await works(user_db, anne())

    async def test_some_keywords(self, session: AsyncSession, current: SimpleNamespace) -> None:
        await works(SQLAlchemyUserDatabase(session, user_table=current.User), anne())

    async def test_with_type_parameters(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        user_db = SQLAlchemyUserDatabase[current.User, int](session, current.User)

        await works(user_db, anne())

    async def test_attributes(self, session: AsyncSession, current: SimpleNamespace) -> None:
        user_db = SQLAlchemyUserDatabase(session, current.User)

        assert user_db.session is session
        assert user_db.user_table is current.User
        assert user_db.oauth_account_table is None

    def test_session_is_a_mock(self, current: SimpleNamespace) -> None:
        session, user_table = Mock(), current.User

        user_db = SQLAlchemyUserDatabase(session, user_table)

        assert user_db.session is session
        assert user_db.user_table is user_table

    def test_session_is_an_async_mock_with_a_spec(self, current: SimpleNamespace) -> None:
        session = AsyncMock(spec=AsyncSession)

        assert SQLAlchemyUserDatabase(session, current.User).session is session

    async def test_writes_to_an_async_mock(self, current: SimpleNamespace) -> None:
        session = AsyncMock()
        session.add = Mock()

        user = await SQLAlchemyUserDatabase(session, current.User).create(anne())

        session.add.assert_called_once_with(user)
        session.commit.assert_awaited_once_with()

    async def test_reads_from_an_async_mock(self, current: SimpleNamespace) -> None:
        session, result, user = AsyncMock(), Mock(), current.User(**anne())
        result.unique.return_value.scalar_one_or_none.return_value = user
        result.first.return_value = (user,)  # upstream 4
        session.execute.return_value = result

        assert await SQLAlchemyUserDatabase(session, current.User).get(uuid.uuid4()) is user

    async def test_session_is_a_proxy_around_a_sync_session(
        self, addresses: Any, current: SimpleNamespace
    ) -> None:
        engine = create_engine(addresses.databases)
        with Session(engine) as session:
            user_db = SQLAlchemyUserDatabase(AsyncProxy(session), current.User)
            await works(user_db, anne())
            user = await user_db.get_by_email("anne@example.com")
            await user_db.update(user, {"username": "anne"})
            await user_db.delete(user)
        engine.dispose()

    async def test_session_is_a_context_local_proxy(
        self, session: AsyncSession, current: SimpleNamespace
    ) -> None:
        variable: ContextVar[AsyncSession] = ContextVar("session")
        user_db = SQLAlchemyUserDatabase(LocalProxy(variable), current.User)
        variable.set(session)

        await works(user_db, anne())

    async def test_session_is_scoped(self, engine: Any, current: SimpleNamespace) -> None:
        factory = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        session = async_scoped_session(factory, scopefunc=lambda: 1)

        await works(SQLAlchemyUserDatabase(session, current.User), anne())
        await session.remove()

    async def test_get_user_db_as_a_context_manager(
        self, engine: Any, current: SimpleNamespace
    ) -> None:
        async def get_user_db() -> AsyncIterator[Any]:
            async with AsyncSession(engine) as session:
                yield SQLAlchemyUserDatabase(session, current.User)

        async with contextlib.asynccontextmanager(get_user_db)() as user_db:
            await works(user_db, anne())


class AsyncProxy:
    """What apps write to keep their synchronous driver."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, instance: Any) -> None:
        self._session.add(instance)

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        return self._session.execute(*args, **kwargs)

    async def commit(self) -> None:
        self._session.commit()

    async def rollback(self) -> None:
        self._session.rollback()

    async def flush(self) -> None:
        self._session.flush()

    async def refresh(self, instance: Any) -> None:
        self._session.refresh(instance)

    async def delete(self, instance: Any) -> None:
        self._session.delete(instance)


class LocalProxy:
    def __init__(self, variable: ContextVar[AsyncSession]) -> None:
        self._variable = variable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._variable.get(), name)


async def test_create_in_a_script_with_a_model(legacy_form: Form) -> None:
    user_db = legacy_form.user_db

    user = await user_db.create(OAuthUserDB(email="king@example.com", hashed_password="hash"))

    assert (user.email, user.is_active) == ("king@example.com", True)
    assert isinstance(user, OAuthUserDB)


@current_form
async def test_create_in_a_script_with_a_dict(
    session: AsyncSession, current: SimpleNamespace
) -> None:
    user_db = SQLAlchemyUserDatabase(session, current.User)

    user = await user_db.create({"email": "king@example.com", "hashed_password": "hash"})

    assert (user.email, user.is_active) == ("king@example.com", True)
    assert isinstance(user, current.User)


@current_form
async def test_adapter_is_fastapi_users_base(
    session: AsyncSession, current: SimpleNamespace
) -> None:
    assert isinstance(SQLAlchemyUserDatabase(session, current.User), BaseUserDatabase)


@ours
async def test_both_forms_in_one_process(session: AsyncSession, legacy: SimpleNamespace) -> None:
    with_model: Any = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable)
    without: Any = SQLAlchemyUserDatabase(session, legacy.UserTable)

    user = await with_model.create(UserDB(**anne()))

    assert isinstance(await without.get(user.id), legacy.UserTable)
