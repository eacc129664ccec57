"""A session is whatever upstream takes: scoped, a subclass, a proxy, with any options."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(lazy="joined")


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    user: Mapped[User] = relationship(lazy="selectin")


class Counting(AsyncSession):
    """A session of the app's own, which has a say in every commit."""

    async def commit(self) -> None:
        self.info["commits"] = self.info.get("commits", 0) + 1
        await super().commit()


class Proxy:
    """What apps make to have a session when it is first used."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._session: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._session is None:
            self._session = self._make()
        return getattr(self._session, name)


KINDS: dict[str, Callable[[Any], Any]] = {
    "session": lambda make: make(),
    "scoped": lambda make: async_scoped_session(make, scopefunc=lambda: "one request"),
    "subclass": lambda make: make(class_=Counting),
    "proxy": lambda make: Proxy(make),
    "proxy-of-scoped": lambda make: Proxy(
        lambda: async_scoped_session(make, scopefunc=lambda: "one request")
    ),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def database(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], Addresses],
    engine_of: Callable[[Addresses], AsyncEngine],
) -> AsyncEngine:
    engine = engine_of(new_database(request.param))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    return engine


@pytest.fixture(params=KINDS)
def form(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return KINDS[request.param]


@pytest.fixture(params=["expire", "autoflush", "both", "neither"])
def strategy(request: pytest.FixtureRequest) -> Any:
    return {
        "expire_on_commit": request.param in ("expire", "both"),
        "autoflush": request.param in ("autoflush", "both"),
    }


@pytest.fixture
async def session(
    database: AsyncEngine, form: Callable[[Any], Any], strategy: Any
) -> AsyncIterator[Any]:
    def make(class_: Any = AsyncSession) -> Any:
        return class_(database, **strategy)

    session = form(make)
    yield session
    await session.close()
    await delete_rows(database, Base.metadata)


def is_whole(user: Any) -> bool:
    return not inspect(user).unloaded


async def test_users_are_complete_after_every_method(session: Any) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, Account)
    user = await users.create(ANNE)
    seen = [is_whole(user)]
    await users.add_oauth_account(user, ACCOUNT)
    seen.append(is_whole(user))
    [account] = user.oauth_accounts
    await users.update_oauth_account(user, account, {"access_token": "new"})
    seen.append(is_whole(user) and is_whole(account))
    await users.update(user, {"is_verified": True})
    seen.append(is_whole(user))

    assert seen == [True, True, True, True]
    assert (await users.get(user.id)).oauth_accounts[0].access_token == "new"


async def test_tokens_are_complete_after_every_method(session: Any) -> None:
    user = await SQLAlchemyUserDatabase(session, User, Account).create(ANNE)
    tokens: Any = SQLAlchemyAccessTokenDatabase(session, Token)
    token = await tokens.create({"token": "a" * 43, "user_id": user.id})
    seen = [is_whole(token), is_whole(user)]
    await tokens.update(token, {"token": "b" * 43})
    seen.append(is_whole(token))

    assert (seen, token.user.email) == ([True, True, True], ANNE["email"])


async def test_users_that_the_apps_commit_has_expired_are_written(session: Any) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, Account)
    user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    user_id = user.id
    await session.commit()
    await users.update(user, {"is_verified": True})
    whole = is_whole(user)
    await session.commit()
    await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
    accounts = len(user.oauth_accounts)
    await session.commit()
    await users.delete(user)

    assert (whole, accounts) == (True, 2)
    assert await users.get(user_id) is None


async def test_the_session_is_usable_after_a_refusal(session: Any) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, Account)
    await users.create(ANNE)
    bert = await users.create(BERT)
    with pytest.raises(UserAlreadyExistsError):
        await users.update(bert, {"email": ANNE["email"]})
    whole = is_whole(bert)
    await users.update(bert, {"is_verified": True})

    assert (whole, bert.email, bert.is_verified) == (True, BERT["email"], True)


async def test_a_change_of_the_apps_own_is_written_with_an_update(session: Any) -> None:
    users: Any = SQLAlchemyUserDatabase(session, User, Account)
    user = await users.create(ANNE)
    user.hashed_password = "new"
    await users.update(user, {"is_verified": True})
    session.expire_all()

    assert (await users.get(user.id if is_whole(user) else inspect(user).identity[0])).is_verified
    assert user.hashed_password == "new"


async def test_a_session_of_the_apps_own_has_its_say(database: AsyncEngine) -> None:
    async with Counting(database) as session:
        users: Any = SQLAlchemyUserDatabase(session, User)
        user = await users.create(ANNE)
        await users.update(user, {"is_verified": True})
        await users.delete(user)

        assert session.info["commits"] == 3


@pytest.mark.parametrize("commit", [True, False])
async def test_a_subclass_has_methods_by_the_names_of_the_options(
    database: AsyncEngine, commit: bool
) -> None:
    class OfTheApp:
        session: Any

        async def commit(self) -> None:
            await self.session.commit()

        async def retries(self) -> int:
            return 2

    class Users(OfTheApp, SQLAlchemyUserDatabase[Any, Any]):
        pass

    class Tokens(OfTheApp, SQLAlchemyAccessTokenDatabase[Any]):
        pass

    async with Counting(database) as session:
        users, tokens = Users(session, User, commit=commit), Tokens(session, Token, commit=commit)
        user: Any = await users.create(ANNE)
        token = await tokens.create({"token": "a" * 43, "user_id": user.id})
        await tokens.delete(token)
        await users.delete(user)
        assert session.info.get("commits", 0) == (4 if commit else 0)

        await users.commit()
        await tokens.commit()

        assert session.info["commits"] == (6 if commit else 2)
        assert await users.retries() == await tokens.retries() == 2
