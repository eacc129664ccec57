"""Ids of text that a column takes for the same, as "ALICE" for "alice": nobody is found by the id
of another, and nobody is harmed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import fastapi_users_db_sqlalchemy as shim
import pytest
from databases import Database
from sqlalchemy import Column, ForeignKey, String, select
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import declarative_base, relationship

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
    UserNotFoundError,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE
from tests.sharing import delete_rows

pytestmark = [
    pytest.mark.any_stack,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

OTHERS = ["ALICE", "alice ", "\xe1lice"]


def declare(text: Any) -> SimpleNamespace:
    base: Any = declarative_base()

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[str], base):
        id = Column(String(40), primary_key=True)
        account_id = Column(text, nullable=False)
        user_id = Column(text, ForeignKey("user.id"), nullable=False)

    class User(SQLAlchemyBaseUserTable[str], base):
        id = Column(text, primary_key=True)
        oauth_accounts = relationship(OAuthAccount, lazy="joined")

    return SimpleNamespace(base=base, User=User, OAuthAccount=OAuthAccount)


PLAIN = declare(String(40))
NOCASE = declare(String(40, collation="NOCASE"))
CITEXTS = declare(CITEXT)
TABLES = {"sqlite": NOCASE, "postgresql": CITEXTS, "mariadb-asyncmy": PLAIN}


@pytest.fixture(scope="module", params=TABLES)
async def addresses(
    request: pytest.FixtureRequest,
    new_database: Callable[[str], Addresses],
    engine_of: Callable[[Addresses], AsyncEngine],
) -> Addresses:
    addresses = new_database(request.param)
    if addresses.name == "postgresql":
        async with engine_of(addresses).begin() as connection:
            await connection.execute(sql("CREATE EXTENSION citext"))
    await create_tables(addresses, TABLES[addresses.name].base.metadata)
    return addresses


@pytest.fixture
def tables(addresses: Addresses) -> SimpleNamespace:
    return TABLES[addresses.name]


@pytest.fixture(params=["orm", "databases", "shim"])
async def users(
    request: pytest.FixtureRequest,
    addresses: Addresses,
    tables: SimpleNamespace,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Any]:
    """The adapter, where there is Alice with an OAuth account."""
    engine = engine_of(addresses)
    classes = (tables.User, tables.OAuthAccount)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        users: Any
        if request.param == "databases":
            users = DatabasesUserDatabase(await database_of(addresses), *classes)
        else:
            of = SQLAlchemyUserDatabase if request.param == "orm" else shim.SQLAlchemyUserDatabase
            users = of(session, *classes)
        await users.create({**ANNE, "id": "alice", "oauth_accounts": [{**ACCOUNT, "id": "1"}]})
        session.expunge_all()
        yield users
    await delete_rows(engine, tables.base.metadata)


@pytest.fixture
def rows(
    addresses: Addresses, tables: SimpleNamespace, engine_of: Callable[[Addresses], AsyncEngine]
) -> Callable[[], Awaitable[Any]]:
    async def rows() -> Any:
        async with engine_of(addresses).connect() as connection:
            names = (await connection.execute(select(tables.User.id, tables.User.email))).all()
            owners = await connection.execute(select(tables.OAuthAccount.user_id))
            return [tuple(row) for row in names], owners.scalars().all()

    return rows


UNHARMED = [("alice", ANNE["email"])], ["alice"]


@pytest.mark.parametrize("user_id", OTHERS)
async def test_nobody_is_found(users: Any, user_id: str) -> None:
    assert await users.get(user_id) is None
    assert (await users.get("alice")).id == "alice"


@pytest.mark.parametrize("user_id", OTHERS)
async def test_nobody_is_deleted(
    users: Any, tables: SimpleNamespace, user_id: str, rows: Callable[[], Awaitable[Any]]
) -> None:
    await users.delete(tables.User(**ANNE, id=user_id))
    assert await rows() == UNHARMED


@pytest.mark.parametrize("user_id", OTHERS)
async def test_nobody_is_updated(
    users: Any, tables: SimpleNamespace, user_id: str, rows: Callable[[], Awaitable[Any]]
) -> None:
    with pytest.raises(UserNotFoundError):
        await users.update(tables.User(**ANNE, id=user_id), {"email": "new@example.com"})
    assert await rows() == UNHARMED


@pytest.mark.parametrize("account_id", ["A", "a ", "\xe1"])
async def test_an_external_account_in_other_letters_is_another(users: Any, account_id: str) -> None:
    alice = await users.get("alice")
    await users.add_oauth_account(alice, {**ACCOUNT, "id": "2", "account_id": "a"})
    assert await users.get_by_oauth_account("provider", account_id) is None
    assert (await users.get_by_oauth_account("provider", "a")).id == "alice"
