"""The hooks that apps override: every read of a user passes through them."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from databases import Database
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    tenant: Mapped[int] = mapped_column(default=1)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount")


ANNE = {"email": "anne@example.com", "hashed_password": "hash", "oauth_accounts": [ACCOUNT]}


@pytest.fixture
def addresses(new_database: Callable[[str], Addresses]) -> Addresses:
    return new_database("sqlite")


@pytest.fixture
async def session(addresses: Addresses) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(addresses.orm)
    await create_tables(addresses, Base.metadata)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session
    await engine.dispose()


@pytest.fixture
async def database(session: AsyncSession, addresses: Addresses) -> AsyncIterator[Database]:
    async with Database(addresses.databases) as database:
        yield database


class TenantUserDatabase(SQLAlchemyUserDatabase[User, uuid.UUID]):
    async def _get_user(self, statement: Any) -> User | None:
        return await super()._get_user(statement.where(User.tenant == 2))


class Shouting(DatabasesUserDatabase[User, uuid.UUID]):
    async def _make_user(self, row: Any) -> User:
        return await super()._make_user({**row, "email": row["email"].upper()})


async def test_every_read_of_the_orm_adapter_can_be_filtered(session: AsyncSession) -> None:
    anne = await SQLAlchemyUserDatabase(session, User, OAuthAccount).create(ANNE)
    tenant = TenantUserDatabase(session, User, OAuthAccount)
    assert await tenant.get(anne.id) is None
    assert await tenant.get_by_email("anne@example.com") is None
    assert await tenant.get_by_email("ANNE@example.com") is None
    assert await tenant.get_by_oauth_account("provider", "1") is None


async def test_a_filter_keeps_the_users_it_should(session: AsyncSession) -> None:
    tenant = TenantUserDatabase(session, User, OAuthAccount)
    anne = await tenant.create({**ANNE, "tenant": 2})
    assert await tenant.get(anne.id) is anne
    assert await tenant.get_by_email("ANNE@example.com") is anne
    assert await tenant.get_by_oauth_account("provider", "1") is anne


async def test_a_look_up_of_the_apps_own_returns_a_complete_user(session: AsyncSession) -> None:
    user_db: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
    await user_db.create(ANNE)
    session.expunge_all()
    user = await user_db._get_user(select(User).where(User.tenant == 1))
    await session.close()
    assert [account.account_id for account in user.oauth_accounts] == ["1"]


async def test_every_row_of_the_databases_adapter_passes_the_hook(database: Database) -> None:
    user_db = Shouting(database, User, OAuthAccount)
    anne = await user_db.create(ANNE)
    found = [
        anne,
        await user_db.get(anne.id),
        await user_db.get_by_email("anne@example.com"),
        await user_db.get_by_oauth_account("provider", "1"),
    ]
    assert [user.email for user in found if user] == ["ANNE@EXAMPLE.COM"] * 4
    assert all(user and user.oauth_accounts[0].account_id == "1" for user in found)


async def test_a_row_that_the_app_fetched_becomes_a_complete_user(database: Database) -> None:
    user_db: Any = DatabasesUserDatabase(database, User, OAuthAccount)
    anne = await user_db.create(ANNE)
    row: Any = await database.fetch_one(select(User.__table__))
    for given in (row, dict(row._mapping) | {"id": anne.id}):
        user = await user_db._make_user(given)
        assert (user.id, user.oauth_accounts[0].account_id) == (anne.id, "1")


async def test_an_adapter_made_without_its_constructor_works(session: AsyncSession) -> None:
    user_db: Any = object.__new__(TenantUserDatabase)
    user_db.session = session
    user_db.user_table = User
    user_db.oauth_account_table = OAuthAccount
    anne = await user_db.create({**ANNE, "tenant": 2})
    assert await user_db.get(anne.id) is anne
