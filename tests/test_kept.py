"""What an app keeps of what is deleted, by a listener or by a session of its own."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    is_gone: Mapped[bool] = mapped_column(default=False)

    # Those of one provider are alike, to the app.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, OAuthAccount) and self.oauth_name == other.oauth_name

    def __hash__(self) -> int:
        return hash(self.oauth_name)


class User(SQLAlchemyBaseUserTableUUID, Base):
    is_gone: Mapped[bool] = mapped_column(default=False)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(
        lazy="joined", cascade="all, delete-orphan"
    )


class Soft(AsyncSession):
    """A session of the app's own, that deletes nobody."""

    async def delete(self, instance: Any) -> None:
        instance.is_gone = True


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.fixture
async def engine(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[AsyncEngine]:
    engine = engine_of(addresses)
    yield engine
    await delete_rows(engine, Base.metadata)


async def gone(engine: AsyncEngine) -> list[list[bool]]:
    """Return of each user, and of each account, whether it is marked as gone."""
    async with engine.connect() as connection:
        return [
            list((await connection.execute(select(table.is_gone))).scalars())
            for table in (User, OAuthAccount)
        ]


async def test_what_a_listener_keeps_is_kept(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:

        def keep(session: Any, *_: Any) -> None:
            for instance in list(session.deleted):
                session.add(instance)
                instance.is_gone = True

        event.listen(session.sync_session, "before_flush", keep)
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        await users.delete(await users.create({**ANNE, "oauth_accounts": [ACCOUNT]}))
    assert await gone(engine) == [[True], [True]]


async def test_what_the_apps_own_session_keeps_is_kept(engine: AsyncEngine) -> None:
    async with Soft(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User)
        await users.delete(await users.create(ANNE))
    assert await gone(engine) == [[True], []]


async def test_the_account_that_was_left_out_is_the_one_that_goes(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        users: Any = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        other = {**ACCOUNT, "account_id": "2"}
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT, other]})
        for kept in (ACCOUNT, other):
            user = await users.update(user, {"oauth_accounts": [kept]})
            assert [a.account_id for a in user.oauth_accounts] == [kept["account_id"]]
    async with AsyncSession(engine) as session:
        [account] = (await session.scalars(select(OAuthAccount))).all()
        assert account.account_id == "2"


async def test_what_the_app_deletes_is_not_in_the_collection(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        adapter = SQLAlchemyUserDatabase[Any, Any](session, User, OAuthAccount)
        accounts = [{**ACCOUNT, "account_id": number} for number in "123"]
        user = await adapter.create({**ANNE, "oauth_accounts": accounts})
        left = []
        for change in ({"is_verified": True}, {"is_active": False}):
            await session.delete(user.oauth_accounts[0])
            await adapter.update(user, change)
            left.append([account.account_id for account in user.oauth_accounts])

    assert left == [["2", "3"], ["3"]]


@pytest.mark.parametrize("change", [{"access_token": "new"}, {"account_id": "new"}, {**ACCOUNT}])
async def test_an_expired_account_is_changed(engine: AsyncEngine, change: dict[str, Any]) -> None:
    async with AsyncSession(engine) as session:
        adapter = SQLAlchemyUserDatabase[Any, Any](session, User, OAuthAccount)
        user = await adapter.create({**ANNE, "oauth_accounts": [{**ACCOUNT, "account_id": "old"}]})
        [account] = user.oauth_accounts
        await session.commit()
        await adapter.update_oauth_account(user, account, change)
        [changed] = user.oauth_accounts

    assert {name: getattr(changed, name) for name in change} == change
    assert (user.email, changed.oauth_name) == (ANNE["email"], ACCOUNT["oauth_name"])


async def test_an_expired_account_does_not_become_that_of_another(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        adapter = SQLAlchemyUserDatabase[Any, Any](session, User, OAuthAccount)
        await adapter.create({**BERT, "oauth_accounts": [ACCOUNT]})
        user = await adapter.create({**ANNE, "oauth_accounts": [{**ACCOUNT, "account_id": "old"}]})
        [account] = user.oauth_accounts
        await session.commit()
        with pytest.raises(OAuthAccountAlreadyLinkedError):
            await adapter.update_oauth_account(user, account, {"account_id": ACCOUNT["account_id"]})
