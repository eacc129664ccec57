"""Sessions over several shards, where only an object says in which of them its row is."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import fastapi_users_db_sqlalchemy as old_name
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

import fastapi_users_db as new_name
from fastapi_users_db import (
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    UserAlreadyExistsError,
    unique_email_index,
)
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", backref="user"
    )


unique_email_index(User)


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class Shards:
    """Two databases: users whose address begins with an `a` are in the first of them."""

    def __init__(self, engines: dict[str, AsyncEngine]) -> None:
        self.engines = engines
        self.sessions = async_sessionmaker(
            sync_session_class=ShardedSession,
            shard_chooser=self._choose,
            identity_chooser=lambda *_, **__: list(engines),
            execute_chooser=lambda _: list(engines),
            shards={name: engine.sync_engine for name, engine in engines.items()},
            expire_on_commit=False,
        )

    def _choose(self, mapper: Any, instance: Any, clause: Any = None) -> str:
        if isinstance(instance, Token):
            return "second"
        user: Any = instance.user if isinstance(instance, Account) else instance
        return "first" if user.email.startswith("a") else "second"

    async def number(self, kind: Any) -> list[int]:
        """Return how many rows of a table each of them has."""
        numbers = []
        for engine in self.engines.values():
            async with engine.connect() as connection:
                numbers.append(len((await connection.execute(kind.__table__.select())).all()))
        return numbers


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> list[Addresses]:
    return [new_database(request.param) for _ in range(2)]


@pytest.fixture
async def shards(
    addresses: list[Addresses], engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[Shards]:
    engines = dict(zip(("first", "second"), map(engine_of, addresses), strict=True))
    for engine in engines.values():
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    yield Shards(engines)
    for engine in engines.values():
        await delete_rows(engine, Base.metadata)


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
@pytest.mark.parametrize("name", ["new name", "old name"])
async def test_users_live_in_the_shard_that_the_app_chooses(shards: Shards, name: str) -> None:
    names: Any = new_name if name == "new name" else old_name
    async with shards.sessions() as session:
        users = names.SQLAlchemyUserDatabase(session, User, Account)
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        bert = await users.create(BERT)
        await users.add_oauth_account(bert, {**ACCOUNT, "account_id": "2"})
        numbers = await shards.number(User), await shards.number(Account)
    async with shards.sessions() as session:
        users = names.SQLAlchemyUserDatabase(session, User, Account)
        found = [
            await users.get(anne.id),
            await users.get_by_email("ANNE@example.com"),
            await users.get_by_oauth_account("provider", "1"),
        ]
        bert = await users.get(bert.id)
        await users.update(bert, {"is_verified": True})
        await users.update_oauth_account(bert, bert.oauth_accounts[0], {"access_token": "new"})
        await users.update(bert, {"oauth_accounts": [{**ACCOUNT, "account_id": "3"}]})
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)
        with pytest.raises(OAuthAccountAlreadyLinkedError):
            await users.add_oauth_account(bert, ACCOUNT)
        await users.delete(found[0])
        left = [account.account_id for account in bert.oauth_accounts]

    assert numbers == ([1, 1], [1, 1])
    assert {user.id for user in found} == {anne.id}
    assert (bert.is_verified, left) == (True, ["3"])
    assert (await shards.number(User), await shards.number(Account)) == ([0, 1], [0, 1])


async def test_the_transaction_may_be_the_apps_own(shards: Shards) -> None:
    """Without savepoints, which SQLAlchemy does not begin in shards."""
    async with shards.sessions() as session:
        users: Any = new_name.SQLAlchemyUserDatabase(session, User, Account, commit=False)
        anne = await users.create(ANNE)
        await users.add_oauth_account(anne, ACCOUNT)
        await users.update(anne, {"is_verified": True})
        await session.commit()
    async with shards.sessions() as session:
        users = new_name.SQLAlchemyUserDatabase(session, User, Account, commit=False)
        found = await users.get(anne.id)
        await users.delete(found)
        numbers = await shards.number(User)
        await session.commit()

    assert (found.is_verified, [a.account_id for a in found.oauth_accounts]) == (True, ["1"])
    assert (numbers, await shards.number(User)) == ([1, 0], [0, 0])


async def test_access_tokens_are_beside_no_user(shards: Shards) -> None:
    """Whose they are nobody asks where the user may be in another shard."""
    async with shards.sessions() as session:
        users: Any = new_name.SQLAlchemyUserDatabase(session, User, Account)
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, Token)
        bert = await users.create(BERT)
        token = await tokens.create({"token": "token", "user_id": bert.id})
        is_beside = tokens.is_beside(users)
        found = await tokens.get_by_token("token")
        await tokens.update(found, {"token": "other"})
        numbers = await shards.number(Token)
        await tokens.delete(token)

    assert (found.user_id, is_beside, numbers) == (bert.id, False, [0, 1])
    assert await shards.number(Token) == [0, 0]
