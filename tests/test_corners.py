"""What seldom happens, and must not go wrong when it does."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import DateTime, ForeignKey, String, TypeDecorator, event, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    mapped_column,
    relationship,
)

from fastapi_users_db import (
    InvalidValueError,
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)
from fastapi_users_db.mapping import entity
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT

NOON = datetime(2024, 1, 1, 12)


class Base(DeclarativeBase):
    pass


class Verbatim(TypeDecorator[str]):
    impl = String(320)
    cache_ok = True


class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[int], Base):
    __tablename__ = "corner_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    # Without ON DELETE CASCADE, as in a table that the app has made.
    user_id: Mapped[int] = mapped_column(ForeignKey("corner_user.id"))
    account_id: Mapped[str] = mapped_column(Verbatim)
    seen: Mapped[datetime | None] = mapped_column(DateTime)


class User(SQLAlchemyBaseUserTable[int], Base):
    __tablename__ = "corner_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    seen: Mapped[datetime | None] = mapped_column(DateTime)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class ByName(DeclarativeBase):
    pass


class Nameless(ByName):
    """A user who has a name and no address."""

    __tablename__ = "corner_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    hashed_password: Mapped[str] = mapped_column(String(1024))


class Addressed(ByName):
    """A user whose address is a hybrid of a column of another name."""

    __tablename__ = "corner_addressed"
    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(320))

    @hybrid_property
    def email(self) -> Any:
        return self.address


class Apart(SQLAlchemyBaseUserTable[int], Base):
    """A user whose accounts are a statement."""

    __tablename__ = "corner_apart"
    id: Mapped[int] = mapped_column(primary_key=True)
    oauth_accounts: DynamicMapped["AccountApart"] = relationship()


class AccountApart(SQLAlchemyBaseOAuthAccountTable[int], Base):
    __tablename__ = "corner_account_apart"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("corner_apart.id"))
    seen: Mapped[datetime | None] = mapped_column(DateTime)


@pytest.fixture(params=["sqlite"])
async def engine(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(new_database(request.param).orm)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def users(session: AsyncSession) -> Any:
    return SQLAlchemyUserDatabase(session, User, OAuthAccount)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_user_is_deleted_with_an_account_that_was_linked_since_the_look_up(
    users: Any, engine: AsyncEngine
) -> None:
    user = await users.create(ANNE)
    async with engine.begin() as other:
        await other.execute(insert(OAuthAccount.__table__).values({**ACCOUNT, "user_id": user.id}))
    await users.delete(user)
    async with engine.connect() as connection:
        assert (await connection.execute(select(OAuthAccount.__table__))).all() == []


async def test_an_external_account_of_a_type_of_the_apps_own_is_another_users(users: Any) -> None:
    await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    bert = await users.create(BERT)
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await users.add_oauth_account(bert, ACCOUNT)


async def test_an_account_of_a_dynamic_relationship_is_as_it_is_stored(
    session: AsyncSession,
) -> None:
    users: Any = SQLAlchemyUserDatabase(session, Apart, AccountApart)
    user = await users.create(ANNE)
    await users.add_oauth_account(user, {**ACCOUNT, "seen": NOON})
    [account] = (await session.execute(select(AccountApart))).scalars()
    await users.update_oauth_account(user, account, {"seen": NOON.replace(hour=13)})
    assert account.seen == NOON.replace(hour=13)


async def test_a_dynamic_relationship_is_readable_after_a_refusal(session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, Apart, AccountApart)
    await users.create(ANNE)
    bert = await users.create(BERT)
    with pytest.raises(UserAlreadyExistsError):
        await users.update(bert, {"email": ANNE["email"], "oauth_accounts": [ACCOUNT]})
    await users.add_oauth_account(bert, ACCOUNT)
    assert len((await session.execute(bert.oauth_accounts.statement)).all()) == 1


async def test_a_user_whom_a_filter_of_every_statement_hides_keeps_what_was_given(
    session: AsyncSession, users: Any
) -> None:
    def hide(state: Any) -> None:
        if state.is_select:
            state.statement = state.statement.where(User.is_active.is_(True))

    user = await users.create({**ANNE, "seen": NOON})
    event.listen(session.sync_session, "do_orm_execute", hide)
    await users.update(user, {"is_active": False, "seen": NOON.replace(hour=13)})
    assert (user.is_active, user.seen) == (False, NOON.replace(hour=13))


async def test_an_error_is_raised_though_the_rollback_fails(engine: AsyncEngine) -> None:
    class Failing(AsyncSession):
        async def rollback(self) -> None:
            await super().rollback()
            raise OSError

    async with Failing(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User)
        await users.create(ANNE)
        with pytest.raises(IntegrityError):
            await users.create(ANNE)


async def test_an_error_of_a_mock_is_raised() -> None:
    session = AsyncMock(spec=AsyncSession)
    session.commit.side_effect = ZeroDivisionError
    users: Any = SQLAlchemyUserDatabase(session, User)
    with pytest.raises(ZeroDivisionError):
        await users.create(ANNE)


async def test_a_look_up_of_the_apps_own_may_select_a_column(users: Any) -> None:
    await users.create(ANNE)
    users.oauth_account_table = None
    assert await users._get_user(select(User.email)) == ANNE["email"]


async def test_a_user_whom_the_app_has_only_added_is_updated(
    session: AsyncSession, users: Any
) -> None:
    user = User(**ANNE)
    session.add(user)
    await users.update(user, {"is_verified": True})
    assert (await session.execute(select(User.__table__.c.is_verified))).scalars().all() == [True]


async def test_what_the_app_has_added_is_not_read_after_a_refusal(
    session: AsyncSession, users: Any
) -> None:
    await users.create(ANNE)
    bert = await users.create(BERT)
    new, seen = User(email="new@example.com", hashed_password="hash"), bert.seen
    session.add(new)
    bert.seen = NOON
    await session.flush()
    with pytest.raises(UserAlreadyExistsError):
        await users.update(bert, {"email": ANNE["email"]})
    assert (bert.seen, new.email) == (seen, "new@example.com")


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(TypeError, match="User has no column attribute 'nothing'"):
        entity(User).column("nothing")


async def test_tables_of_users_without_an_address_can_be_checked(session: AsyncSession) -> None:
    users: Any = SQLAlchemyUserDatabase(session, Nameless)
    assert all("email" not in problem.code for problem in await users.check_schema())


async def test_an_address_of_another_name_is_looked_up(
    engine: AsyncEngine, session: AsyncSession
) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Addressed.__table__.create)
    addresses = ["anne@example.com", "bert@example.com", "BERT@example.com"]
    session.add_all(Addressed(id=n, address=address) for n, address in enumerate(addresses))
    await session.commit()
    users: Any = SQLAlchemyUserDatabase(session, Addressed)
    assert (await users.get_by_email("ANNE@example.com")).id == 0
    assert (await users.get_by_email("Bert@example.com")).id == 2  # the first of two alike
    assert await users.get_by_email("carl@example.com") is None


async def test_an_expression_is_taken_in_a_column_of_the_framework(users: Any) -> None:
    user = await users.create({**ANNE, "hashed_password": func.upper("hash")})
    assert user.hashed_password == "HASH"


async def test_a_number_that_no_database_holds_is_refused(users: Any) -> None:
    user = await users.create(ANNE)
    with pytest.raises(InvalidValueError, match="expires_at must be between"):
        await users.add_oauth_account(user, {**ACCOUNT, "expires_at": 2**70})


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_narrow_column_is_found_beside_values_that_are_no_text(
    engine: AsyncEngine, users: Any
) -> None:
    user = await users.create(ANNE)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "ALTER TABLE corner_user ALTER COLUMN hashed_password TYPE varchar(10)"
        )
    with pytest.raises(Exception, match="hashed_password is CHARACTER VARYING"):
        await users.update(user, {"is_verified": True, "hashed_password": "x" * 20})
