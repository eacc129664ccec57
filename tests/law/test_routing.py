"""Sessions that read elsewhere than they write: what completes or decides a write is not read
there."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import Delete, ForeignKey, Insert, String, Update, func
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from fastapi_users_db import (
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    level: Mapped[int] = mapped_column(server_default="1")
    loud: Mapped[str | None] = mapped_column(String(20), onupdate=func.upper("changed"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    team: Mapped[Team | None] = relationship(lazy="joined")
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="selectin", order_by=Account.account_id, cascade="all, delete-orphan"
    )


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    user: Mapped[User] = relationship(lazy="joined")


class Pair:
    """A leader, and a follower that has nothing but what was copied."""

    def __init__(self, leader: AsyncEngine, follower: AsyncEngine) -> None:
        self.leader, self.follower = leader, follower

        class Routing(Session):
            def get_bind(self, mapper: Any = None, clause: Any = None, **_: Any) -> Any:
                is_write = self._flushing or isinstance(clause, (Update, Delete, Insert))
                return (leader if is_write else follower).sync_engine

        self.sessions = async_sessionmaker(sync_session_class=Routing, expire_on_commit=False)

    async def copy(self) -> None:
        """Let the follower catch up."""
        await delete_rows(self.follower, Base.metadata)
        async with self.leader.connect() as source, self.follower.begin() as target:
            for table in Base.metadata.sorted_tables:
                rows = [dict(row) for row in (await source.execute(table.select())).mappings()]
                if rows:
                    await target.execute(table.insert(), rows)

    async def number(self, kind: Any) -> int:
        """Return how many rows of a table the leader has."""
        async with self.leader.connect() as connection:
            return len((await connection.execute(kind.__table__.select())).all())


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
async def database(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], Addresses],
    engine_of: Callable[[Addresses], AsyncEngine],
) -> Pair:
    pair = Pair(*(engine_of(new_database(request.param)) for _ in range(2)))
    for engine in (pair.leader, pair.follower):
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    return pair


@pytest.fixture
async def pair(database: Pair) -> AsyncIterator[Pair]:
    yield database
    for engine in (database.leader, database.follower):
        await delete_rows(engine, Base.metadata)


@pytest.fixture(params=["commit", "no-commit"])
def strategy(request: pytest.FixtureRequest) -> Any:
    return {} if request.param == "commit" else {"commit": False}


def users_of(session: Any, options: Any) -> Any:
    return SQLAlchemyUserDatabase(session, User, Account, **options)


async def test_a_new_user_is_completed_where_it_was_written(pair: Pair, strategy: Any) -> None:
    async with pair.sessions() as session:
        session.add(Team(id=1, name="one"))
        await session.commit()
        users = users_of(session, strategy)
        user = await users.create({**ANNE, "team_id": 1, "oauth_accounts": [ACCOUNT]})
        await session.commit()

    assert (user.level, user.team.name, len(user.oauth_accounts)) == (1, "one", 1)


async def test_a_user_whom_the_follower_has_not_is_written(pair: Pair, strategy: Any) -> None:
    async with pair.sessions() as session:
        users = users_of(session, strategy)
        user = await users.create(ANNE)
        await users.update(user, {"is_verified": True})
        await users.add_oauth_account(user, ACCOUNT)
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": "new"})
        loud = user.loud
        await users.update(user, {"oauth_accounts": [ACCOUNT]})
        await session.commit()

    assert loud == "CHANGED"
    assert [account.access_token for account in user.oauth_accounts] == ["token"]
    assert await pair.number(Account) == 1


async def test_accounts_that_the_follower_has_not_are_not_linked_twice(
    pair: Pair, strategy: Any
) -> None:
    async with pair.sessions() as session:
        user = await users_of(session, {}).create(ANNE)
        await pair.copy()
        await users_of(session, {}).add_oauth_account(user, ACCOUNT)
    async with pair.sessions() as session:
        users = users_of(session, strategy)
        user = await users.get(user.id)
        old = list(user.oauth_accounts)
        await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
        bert = await users.create(BERT)
        with pytest.raises(OAuthAccountAlreadyLinkedError):
            await users.add_oauth_account(bert, ACCOUNT)
        await session.commit()

    assert old == []
    assert [account.access_token for account in user.oauth_accounts] == ["new"]
    assert await pair.number(Account) == 1


async def test_a_taken_address_that_the_follower_has_not_is_explained(
    pair: Pair, strategy: Any
) -> None:
    async with pair.sessions() as session:
        users = users_of(session, strategy)
        await users.create(ANNE)
        bert = await users.create(BERT)
        await session.commit()
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)
        bert.level = 5
        with pytest.raises(UserAlreadyExistsError):
            await users.update(bert, {"email": ANNE["email"]})


async def test_what_the_app_has_written_before_hinders_no_explanation(pair: Pair) -> None:
    async with pair.sessions() as session:
        users = users_of(session, {})
        await users.create(ANNE)
        bert = await users.create(BERT)
        bert.level = 5
        await session.flush()
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)

    assert bert.level == 1


async def test_what_is_only_flushed_goes_with_the_apps_rollback(pair: Pair) -> None:
    async with pair.sessions() as session:
        users = users_of(session, {"commit": False})
        user = await users.create(ANNE)
        await users.add_oauth_account(user, ACCOUNT)
        await session.rollback()

    assert (await pair.number(User), await pair.number(Account)) == (0, 0)


async def test_a_user_who_is_gone_from_the_leader_is_gone(pair: Pair, strategy: Any) -> None:
    async with pair.sessions() as session:
        user = await users_of(session, {}).create(ANNE)
    await pair.copy()
    async with pair.sessions() as session:
        users = users_of(session, {})
        await users.delete(await users.get(user.id))
    async with pair.sessions() as session:
        users = users_of(session, strategy)
        user = await users.get(user.id)
        with pytest.raises(UserNotFoundError):
            await users.update(user, {"is_verified": True})
        with pytest.raises(UserNotFoundError):
            await users.add_oauth_account(user, ACCOUNT)


async def test_a_user_goes_with_accounts_that_the_follower_has_not(
    pair: Pair, strategy: Any
) -> None:
    async with pair.sessions() as session:
        user = await users_of(session, {}).create(ANNE)
        await pair.copy()
        await users_of(session, {}).add_oauth_account(user, ACCOUNT)
    async with pair.sessions() as session:
        users = users_of(session, strategy)
        await users.delete(await users.get(user.id))
        await session.commit()

    assert (await pair.number(User), await pair.number(Account)) == (0, 0)


async def test_a_token_is_completed_where_it_was_written(pair: Pair, strategy: Any) -> None:
    async with pair.sessions() as session:
        user = await users_of(session, {}).create(ANNE)
    async with pair.sessions() as session:
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, Token, **strategy)
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        email = token.user.email
        await tokens.update(token, {"token": "b" * 43})
        await tokens.delete(token)
        await session.commit()

    assert (email, token.token) == (ANNE["email"], "b" * 43)
    assert await pair.number(Token) == 0


@pytest.mark.parametrize("table", [User, Account])
async def test_each_class_may_have_a_database_of_its_own(pair: Pair, table: Any) -> None:
    binds: dict[Any, Any] = {Base: pair.leader, table: pair.leader, Token: pair.follower}
    sessions = async_sessionmaker(binds=binds, expire_on_commit=False)
    async with sessions() as session:
        users = users_of(session, {})
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update(user, {"is_verified": True})
        found = await users.get_by_oauth_account("provider", "1")
        await users.delete(found)

    assert await pair.number(User) == 0
