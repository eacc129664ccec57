"""What only the ORM adapter has: mocks as sessions, cascades, objects of other sessions."""

import gc
import uuid
import weakref
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.exc import InvalidRequestError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.orm.exc import StaleDataError

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
    UserNotFoundError,
    unique_email_index,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    # Neither cascade, nor eager.
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", cascade="merge")


class BaseWithVersions(DeclarativeBase):
    pass


class AccountOfVersions(SQLAlchemyBaseOAuthAccountTableUUID, BaseWithVersions):
    pass


class UserWithVersions(SQLAlchemyBaseUserTableUUID, BaseWithVersions):
    version: Mapped[int] = mapped_column()
    oauth_accounts: Mapped[list[AccountOfVersions]] = relationship(AccountOfVersions)

    __mapper_args__: ClassVar = {"version_id_col": version}


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


@pytest.fixture
async def engine(new_database: Callable[[str], Addresses]) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(new_database("sqlite").orm)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


async def test_a_mock_as_session_sees_the_writes() -> None:
    session = AsyncMock(spec=AsyncSession)
    users: Any = SQLAlchemyUserDatabase(session, User)
    user = await users.create(ANNE)
    await users.update(user, {"email": "new@example.com"})
    await users.delete(user)
    assert user.email == "new@example.com"
    session.add.assert_called_with(user)
    session.delete.assert_awaited_once_with(user)
    assert session.commit.await_count == 3


async def test_a_mock_as_session_sees_access_tokens() -> None:
    session = AsyncMock(spec=AsyncSession)
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    token = await tokens.create({"token": "abc", "user_id": uuid.uuid4()})
    session.add.assert_called_once_with(token)
    await tokens.delete(token)
    session.delete.assert_awaited_once_with(token)
    assert session.commit.await_count == 2


async def test_delete_needs_no_cascade(engine: AsyncEngine, session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
    created = await users.create(ANNE)
    await users.add_oauth_account(created, ACCOUNT)
    await session.close()
    async with AsyncSession(engine) as other:
        await SQLAlchemyUserDatabase(other, User, OAuthAccount).delete(created)
        assert (await other.execute(select(OAuthAccount))).all() == []


async def test_a_user_who_was_never_created_is_not_updated(session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User)
    with pytest.raises(UserNotFoundError):
        await users.update(User(**ANNE), {"email": "new@example.com"})
    assert (await session.execute(select(User))).all() == []


async def test_delete_of_what_was_only_added_takes_it_out(session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User)
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    user, token = User(id=uuid.uuid4(), **ANNE), AccessToken(token="abc", user_id=uuid.uuid4())
    session.add(user)
    await users.delete(user)
    session.add(token)
    await tokens.delete(token)
    await session.commit()
    assert (await session.execute(select(User))).all() == []
    assert (await session.execute(select(AccessToken))).all() == []


async def test_what_the_app_has_written_is_undone_with_a_refused_write(
    session: AsyncSession,
) -> None:
    """An adapter that gave each object its values back would show what is not in the database."""
    users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
    anne = await users.create(ANNE)
    bert = await users.create({**ANNE, "email": "bert@example.com"})
    bert.hashed_password = "changed"
    await session.flush()
    with pytest.raises(UserAlreadyExistsError):
        await users.update(anne, {"email": "bert@example.com"})
    assert bert.hashed_password == ANNE["hashed_password"]


async def test_an_error_of_the_apps_own_is_raised_as_it_is(session: AsyncSession) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("refused by the app")

    users: Any = SQLAlchemyUserDatabase(session, User)
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    user = await users.create(ANNE)
    event.listen(AccessToken, "before_insert", refuse)
    try:
        with pytest.raises(RuntimeError, match="refused by the app"):
            await tokens.create({"token": "abc", "user_id": user.id})
    finally:
        event.remove(AccessToken, "before_insert", refuse)
    assert await tokens.create({"token": "abc", "user_id": user.id})


async def test_a_savepoint_that_cannot_begin_is_the_databases_error(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/missing/database.db")
    async with AsyncSession(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, commit=False)
        for _ in range(2):
            with pytest.raises(OperationalError):
                await users.create(ANNE)
    await engine.dispose()


async def test_another_instance_of_the_row_is_not_let_go_of_with_its_changes(
    session: AsyncSession,
) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User)
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    user = await users.create(ANNE)
    token = await tokens.create({"token": "abc", "user_id": user.id})
    session.expunge_all()
    (await users.get(user.id)).is_verified = True
    with pytest.raises(InvalidRequestError, match="another, changed instance"):
        await users.update(user, {"hashed_password": "new"})
    (await users.get(user.id)).is_verified = True
    with pytest.raises(InvalidRequestError, match="another, changed instance"):
        await users.delete(user)
    (await tokens.get_by_token("abc")).user_id = uuid.uuid4()
    with pytest.raises(InvalidRequestError, match="another, changed instance"):
        await tokens.delete(token)
    [(user_id, hashed_password)] = await session.execute(select(User.id, User.hashed_password))
    assert (user_id, hashed_password) == (user.id, ANNE["hashed_password"])
    assert (await session.execute(select(AccessToken.token))).scalars().all() == ["abc"]


async def test_in_a_transaction_of_the_app_the_changes_of_another_instance_are_written(
    session: AsyncSession,
) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, commit=False)
    user = await users.create(ANNE)
    await session.commit()
    session.expunge_all()
    (await users.get(user.id)).is_verified = True
    await users.update(user, {"hashed_password": "new"})
    written = select(User.__table__.c.is_verified, User.__table__.c.hashed_password)
    assert (await session.execute(written)).all() == [(True, "new")]


class Overtaken(SQLAlchemyUserDatabase[User, uuid.UUID]):
    """Another session deletes the user between what an update reads and what it writes."""

    engine: AsyncEngine

    async def _own_accounts(self, *arguments: Any, **options: Any) -> Any:
        accounts = await super()._own_accounts(*arguments, **options)
        async with AsyncSession(self.engine) as other:
            others: Any = SQLAlchemyUserDatabase(other, User, OAuthAccount)
            await others.delete(await others.get_by_email(ANNE["email"]))
        return accounts


# SQLite enforces no foreign key. Where only accounts are given, no UPDATE finds the user gone.
@pytest.mark.parametrize("values", [{}, {"is_verified": True}])
async def test_accounts_are_not_given_to_a_user_who_goes_meanwhile(
    values: dict[str, Any], engine: AsyncEngine, session: AsyncSession
) -> None:
    users: Any = Overtaken(session, User, OAuthAccount)
    users.engine = engine
    anne = await users.create(ANNE)
    await session.commit()
    with pytest.raises(UserNotFoundError):
        await users.update(anne, {**values, "oauth_accounts": [ACCOUNT]})
    assert (anne.is_verified, anne.oauth_accounts) == (False, [])
    await session.commit()
    assert (await session.execute(select(OAuthAccount.__table__))).all() == []


async def test_an_expired_user_who_is_gone_is_not_returned(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User)
    user = await users.create(ANNE)
    session.expire(user)
    async with engine.begin() as connection:
        await connection.execute(delete(User.__table__))
    with pytest.raises(UserNotFoundError):
        await users.update(user, {})


async def test_an_expired_user_is_complete_after_an_update(session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
    user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    await session.commit()
    session.expire(user)
    await users.update(user, {"is_verified": True})
    await session.close()
    assert (user.email, user.is_verified) == ("anne@example.com", True)
    assert [account.account_id for account in user.oauth_accounts] == ["1"]


async def test_reads_are_fresh_where_the_session_expires_on_commit(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, AsyncSession(engine) as other:
        users: Any = SQLAlchemyUserDatabase(session, User)
        user = await users.create(ANNE)
        others: Any = SQLAlchemyUserDatabase(other, User)
        await others.update(await others.get(user.id), {"email": "new@example.com"})
        assert (await users.get(user.id)).email == "new@example.com"


async def test_a_pending_change_survives_a_read(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, autoflush=False) as session:
        users: Any = SQLAlchemyUserDatabase(session, User)
        user = await users.create(ANNE)
        user.is_verified = True
        assert (await users.get(user.id)).is_verified


async def test_a_read_keeps_no_transaction(session: AsyncSession) -> None:
    """On SQLite, that of a cancelled statement holds its locks as long as it is referred to."""
    users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
    assert await users.get(uuid.uuid4()) is None
    transaction = weakref.ref(session.sync_session.get_transaction())
    await session.rollback()
    gc.collect()
    assert transaction() is None


async def test_without_autoflush_a_pending_change_survives_a_link(engine: AsyncEngine) -> None:
    async with AsyncSession(engine, expire_on_commit=False, autoflush=False) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        user.oauth_accounts[0].access_token = "pending"
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        tokens = (await session.execute(select(OAuthAccount.__table__.c.access_token))).scalars()
        assert sorted(tokens) == ["pending", ACCOUNT["access_token"]]


async def test_a_user_of_an_older_version_is_refused_as_such(
    new_database: Callable[[str], Addresses],
) -> None:
    addresses = new_database("sqlite")
    await create_tables(addresses, BaseWithVersions.metadata)
    engine = create_async_engine(addresses.orm)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        users = SQLAlchemyUserDatabase(session, UserWithVersions, AccountOfVersions)
        anne = await users.create(ANNE)
        async with engine.begin() as connection:
            await connection.execute(update(UserWithVersions.__table__).values(version=2))
        with pytest.raises(StaleDataError):
            await users.update(anne, {"is_verified": True, "oauth_accounts": [ACCOUNT]})
        assert (anne.is_verified, anne.oauth_accounts) == (False, [])
    await engine.dispose()


class Routed(DeclarativeBase):
    pass


class RoutedOAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Routed):
    pass


class RoutedUser(SQLAlchemyBaseUserTableUUID, Routed):
    oauth_accounts: Mapped[list[RoutedOAuthAccount]] = relationship(RoutedOAuthAccount)


class RoutedAccessToken(SQLAlchemyBaseAccessTokenTableUUID, Routed):
    pass


unique_email_index(RoutedUser)


class RoutingSession(Session):
    """Chooses the engine by the mapper or the statement, as SQLAlchemy's documentation shows it."""

    engines: ClassVar[dict[Any, AsyncEngine]] = {}

    def get_bind(self, mapper: Any = None, clause: Any = None, **options: Any) -> Any:
        return self.engines[mapper.class_.metadata].sync_engine


def by_mapper(engine: AsyncEngine) -> dict[str, Any]:
    RoutingSession.engines = {Routed.metadata: engine}
    return {"sync_session_class": RoutingSession}


def by_class(engine: AsyncEngine) -> dict[str, Any]:
    return {"binds": {RoutedUser: engine, RoutedOAuthAccount: engine, RoutedAccessToken: engine}}


def by_table(engine: AsyncEngine) -> dict[str, Any]:
    return {"binds": dict.fromkeys(Routed.metadata.tables.values(), engine)}


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("route", [by_mapper, by_class, by_table])
async def test_a_session_may_route_each_class_to_an_engine(
    route: Callable[[AsyncEngine], dict[str, Any]], commit: bool, engine: AsyncEngine
) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Routed.metadata.create_all)
    async with AsyncSession(**route(engine), expire_on_commit=False) as session:
        users: Any = SQLAlchemyUserDatabase(session, RoutedUser, RoutedOAuthAccount, commit=commit)
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, RoutedAccessToken, commit=commit)
        user = await users.create(ANNE)
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)
        await users.update(user, {"email": "new@example.com"})
        assert await users.get_by_email("NEW@example.com") is user
        await users.add_oauth_account(user, ACCOUNT)
        await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": "new"})
        assert await users.get_by_oauth_account("provider", "1") is user
        for token in ("first", "second"):
            access_token = await tokens.create({"token": token, "user_id": user.id})
        await tokens.update(access_token, {"token": "third"})
        await tokens.delete(access_token)
        assert await tokens.get_by_token("first") is not None
        assert await tokens.delete_expired(datetime.now(timezone.utc) + timedelta(days=1)) == 1
        assert [problem.code for problem in await users.check_schema()] == []
        await users.delete(user)
        assert await users.get(user.id) is None


async def test_a_look_up_hands_a_session_nothing_but_a_statement(engine: AsyncEngine) -> None:
    class PlainSession(AsyncSession):
        async def execute(self, statement: Any) -> Any:
            return await super().execute(statement)

    async with PlainSession(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, AccessToken)
        user = await users.create(ANNE)
        assert await users.get(user.id) is user
        assert await users.get_by_email("ANNE@example.com") is user
        assert await users.get_by_oauth_account("provider", "1") is None
        assert await tokens.get_by_token("token") is None
