"""In a transaction of the app's own, a refused write takes back itself and nothing of the app's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from fastapi_users_db import SQLAlchemyUserDatabase, UserAlreadyExistsError
from tests.conformance.models import Base, OAuthAccount, User
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE, BERT
from tests.sharing import delete_rows

CARL = {**BERT, "email": "carl@example.com"}
TAKEN = {"email": BERT["email"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-aiomysql"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.fixture(params=[False, True], ids=["keep", "expire"])
def expire_on_commit(request: pytest.FixtureRequest) -> bool:
    expires: bool = request.param
    return expires


@pytest.fixture
async def session(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine], expire_on_commit: bool
) -> AsyncIterator[AsyncSession]:
    engine = engine_of(addresses)
    async with AsyncSession(engine, expire_on_commit=expire_on_commit) as session:
        yield session
    await delete_rows(engine, Base.metadata)


@pytest.fixture
def users(session: AsyncSession) -> Any:
    return SQLAlchemyUserDatabase(session, User, OAuthAccount, commit=False)


@pytest.fixture
async def anne(users: Any, session: AsyncSession) -> Any:
    """Anne, who is a superuser, beside Bert."""
    await users.create(BERT)
    await users.create({**ANNE, "is_superuser": True, "oauth_accounts": [ACCOUNT]})
    await session.commit()
    return await users.get_by_email(ANNE["email"])


Stored = Callable[[Any], Awaitable[Any]]


@pytest.fixture
def stored(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine], session: AsyncSession
) -> Stored:
    """Commit, and return the one value that others see."""

    async def stored(column: Any) -> Any:
        await session.commit()
        async with engine_of(addresses).connect() as connection:
            statement = select(column).where(User.__table__.c.email != BERT["email"])
            return (await connection.execute(statement)).scalar_one()

    return stored


async def refuse(users: Any, user: Any) -> None:
    with pytest.raises(UserAlreadyExistsError):
        await users.update(user, TAKEN)


async def refuse_another(users: Any, user: Any) -> None:
    with pytest.raises(UserAlreadyExistsError):
        await users.create(BERT)


@pytest.fixture(params=[refuse, refuse_another], ids=["update", "create"])
def refused(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_a_flag_that_was_taken_away_stays_so(
    users: Any, anne: Any, refused: Any, stored: Stored
) -> None:
    anne.is_superuser = False
    await refused(users, anne)
    assert anne.is_superuser is False
    assert (await users.get(anne.id)).is_superuser is False
    assert await stored(User.__table__.c.is_superuser) is False
    assert (await users.get_by_email(ANNE["email"])).is_superuser is False


async def test_an_address_that_was_set_stays_set(users: Any, anne: Any, stored: Stored) -> None:
    anne.email = "new@example.com"
    await refuse_another(users, anne)
    assert anne.email == "new@example.com"
    assert await stored(User.__table__.c.email) == "new@example.com"


async def test_what_was_set_stays_where_the_same_attribute_is_refused(
    users: Any, anne: Any, stored: Stored
) -> None:
    anne.email = "new@example.com"
    await refuse(users, anne)
    assert anne.email == "new@example.com"
    assert await stored(User.__table__.c.email) == "new@example.com"


async def test_an_account_that_was_added_stays_added(
    users: Any, anne: Any, refused: Any, session: AsyncSession
) -> None:
    anne.oauth_accounts.append(OAuthAccount(**{**ACCOUNT, "account_id": "2"}))
    await refused(users, anne)
    assert sorted(a.account_id for a in anne.oauth_accounts) == ["1", "2"]
    await session.commit()
    accounts = (await users.get_by_email(ANNE["email"])).oauth_accounts
    assert sorted(a.account_id for a in accounts) == ["1", "2"]


async def test_an_account_that_was_removed_stays_removed(
    users: Any, anne: Any, refused: Any, session: AsyncSession
) -> None:
    await session.delete(anne.oauth_accounts.pop())
    await refused(users, anne)
    assert anne.oauth_accounts == []
    await session.commit()
    assert (await users.get_by_email(ANNE["email"])).oauth_accounts == []


async def test_what_was_set_of_another_object_stays_set(
    users: Any, anne: Any, refused: Any, session: AsyncSession
) -> None:
    bert = await users.get_by_email(BERT["email"])
    bert.is_active = False
    await refused(users, anne)
    assert bert.is_active is False
    await session.commit()
    assert (await users.get_by_email(BERT["email"])).is_active is False


async def test_what_the_app_has_added_stays_added(
    users: Any, anne: Any, refused: Any, session: AsyncSession
) -> None:
    carl = User(**CARL)
    session.add(carl)
    await refused(users, anne)
    assert carl in session
    assert carl.email == CARL["email"]
    await session.commit()
    assert await users.get_by_email(CARL["email"]) is not None


async def test_what_was_refused_is_not_there(users: Any, anne: Any, stored: Stored) -> None:
    """Neither in the database, nor in the object."""
    accounts = [{**ACCOUNT, "access_token": "new"}, {**ACCOUNT, "account_id": "2"}]
    with pytest.raises(UserAlreadyExistsError):
        await users.update(anne, {**TAKEN, "is_active": False, "oauth_accounts": accounts})
    assert (anne.email, anne.is_active) == (ANNE["email"], True)
    assert [(a.account_id, a.access_token) for a in anne.oauth_accounts] == [("1", "token")]
    assert await stored(User.__table__.c.is_active) is True


async def test_twice_refused_is_as_once(users: Any, anne: Any, stored: Stored) -> None:
    anne.is_superuser = False
    for _ in range(2):
        with suppress(UserAlreadyExistsError):
            await users.update(anne, {**TAKEN, "is_superuser": True})
    assert anne.is_superuser is False
    assert await stored(User.__table__.c.is_superuser) is False
