"""A taken address in the app's own transaction, at the levels at which that sees no newer rows.

What the driver says is enough: a query would not find the user who has the address.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from databases import Database
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)
from tests.conftest import Addresses, create_tables
from tests.people import ANNE, BERT
from tests.races.tables import declare
from tests.sharing import delete_rows

pytestmark = [
    pytest.mark.any_stack,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

TABLES = declare(indexed=True)
USERS = TABLES.User.__table__
ROW = {"hashed_password": "hash", "is_active": True, "is_superuser": False, "is_verified": False}
RENAME = {
    "postgresql": "ALTER INDEX {} RENAME TO {}",
    "mariadb": "ALTER TABLE `user` RENAME INDEX {} TO {}",
}
INDEXES = {"ix_user_email": "mail", "ix_user_email_lower": "lower_mail"}


@pytest.fixture(params=["REPEATABLE READ", "SERIALIZABLE"])
def isolation(request: pytest.FixtureRequest) -> str:
    level: str = request.param
    return level


@pytest.fixture(scope="module", params=["postgresql", "mariadb-aiomysql"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    await create_tables(addresses, TABLES.Base.metadata)
    return addresses


Other = Callable[..., Awaitable[Any]]


@pytest.fixture
async def other(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[Other]:
    """Somebody else, who commits a statement."""
    engine = engine_of(addresses)

    async def other(statement: Any) -> Any:
        async with engine.begin() as connection:
            return await connection.execute(statement)

    yield other
    await delete_rows(engine, TABLES.Base.metadata)


@pytest.fixture(params=["orm", "databases"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


Open = Callable[[], Any]


@pytest.fixture
def open_transaction(
    backend: str,
    isolation: str,
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> Open:
    """Open a transaction of the app's own that has read, and give the adapter in it."""

    @asynccontextmanager
    async def open_transaction() -> AsyncIterator[Any]:
        # Not the users: at SERIALIZABLE on MariaDB nobody else could write them.
        reading = select(func.count()).select_from(TABLES.AccessToken.__table__)
        if backend == "orm":
            async with AsyncSession(engine_of(addresses), expire_on_commit=False) as session:
                await session.connection(execution_options={"isolation_level": isolation})
                await session.execute(reading)
                yield SQLAlchemyUserDatabase(
                    session, TABLES.User, TABLES.OAuthAccount, commit=False
                )
                await session.commit()
            return
        database = await database_of(addresses)
        options: Any = {}
        async with database.connection() as connection:
            if addresses.name == "postgresql":
                options["isolation"] = isolation.lower().replace(" ", "_")
            else:
                await connection.execute(text(f"SET TRANSACTION ISOLATION LEVEL {isolation}"))
            async with database.transaction(**options):
                await database.fetch_all(reading)
                yield DatabasesUserDatabase(database, TABLES.User, TABLES.OAuthAccount)

    return open_transaction


def row(number: int, email: str) -> Any:
    return insert(USERS).values(id=f"00000000-0000-0000-0000-{number:012}", email=email, **ROW)


async def emails(other: Other) -> set[str]:
    return {*(await other(select(USERS.c.email))).scalars()}


@pytest.mark.parametrize("email", [ANNE["email"], ANNE["email"].upper()])
async def test_a_newer_user_has_the_address_of_a_new_one(
    open_transaction: Open, other: Other, email: str
) -> None:
    async with open_transaction() as users:
        await other(row(1, email))
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)
        await users.create(BERT)
    assert await emails(other) == {email, BERT["email"]}


@pytest.mark.parametrize("email", [ANNE["email"], ANNE["email"].upper()])
async def test_a_newer_user_has_the_address_that_another_changes_to(
    open_transaction: Open, other: Other, email: str
) -> None:
    # Written before: inserted here, he would keep others from the gap in MariaDB's index. So would
    # a row of this address that was deleted, and is not purged yet.
    bert_email = f"bert-{uuid4().hex}@example.com"
    await other(row(2, bert_email))
    # At SERIALIZABLE it locks the gap below whom it reads: the other's address is not in that one.
    between = "b@example.com"
    await other(row(3, between))
    async with open_transaction() as users:
        bert = await users.get_by_email(bert_email)
        await other(row(1, email))
        with pytest.raises(UserAlreadyExistsError):
            await users.update(bert, {"email": ANNE["email"], "hashed_password": "other"})
        assert (bert.email, bert.hashed_password) == (bert_email, "hash")
        await users.update(bert, {"name": "Bert"})
    assert await emails(other) == {email, between, bert_email}


async def test_the_error_is_the_integrity_error_too(
    open_transaction: Open, other: Other, backend: str
) -> None:
    async with open_transaction() as users:
        await other(row(1, ANNE["email"]))
        with pytest.raises(UserAlreadyExistsError) as refused:
            await users.create(ANNE)
    cause = refused.value.__cause__
    assert isinstance(refused.value, type(cause))
    assert isinstance(cause, IntegrityError) == (backend == "orm")


@pytest.fixture
async def renamed(addresses: Addresses, other: Other) -> AsyncIterator[None]:
    """Indexes whose names are not those that the class declares."""
    server = addresses.name.partition("-")[0]
    names = list(INDEXES.items())[: None if server == "postgresql" else 1]
    for old, new in names:
        await other(text(RENAME[server].format(old, new)))
    yield
    for old, new in names:
        await other(text(RENAME[server].format(new, old)))


@pytest.mark.usefixtures("renamed")
@pytest.mark.parametrize("email", [ANNE["email"], ANNE["email"].upper()])
async def test_an_index_may_have_another_name_than_is_declared(
    open_transaction: Open, other: Other, email: str
) -> None:
    async with open_transaction() as users:
        await other(row(1, email))
        with pytest.raises(UserAlreadyExistsError):
            await users.create(ANNE)
    assert await emails(other) == {email}
