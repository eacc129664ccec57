"""Partitioned tables on PostgreSQL: each write reads one partition, each address is one user's."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from databases import Database
from sqlalchemy import event, func, select, text

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)
from tests.conftest import Addresses
from tests.docs.samples import load
from tests.people import ACCOUNT, ANNE, BERT

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


@pytest.fixture
def addresses(empty_database: Callable[[str], Addresses]) -> Addresses:
    return empty_database("postgresql")


@pytest.fixture
async def sample(addresses: Addresses) -> AsyncIterator[Any]:
    sample = load("servers_partitions.py", addresses.orm)
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute(sample.CLAIMS)
    yield sample
    await sample.engine.dispose()


@pytest.fixture(params=["orm", "databases"])
async def adapters(
    request: pytest.FixtureRequest, sample: Any, addresses: Addresses
) -> AsyncIterator[Any]:
    """A function that gives both adapters, over a connection of their own."""
    classes = sample.User, sample.OAuthAccount
    if request.param == "databases":
        async with Database(addresses.databases, min_size=1) as database:
            yield lambda: (
                DatabasesUserDatabase[Any, Any](database, *classes),
                DatabasesAccessTokenDatabase[Any](database, sample.AccessToken),
            )
        return
    opened = []

    def adapters() -> Any:
        session = sample.async_session_maker()
        opened.append(session)
        return (
            SQLAlchemyUserDatabase[Any, Any](session, *classes),
            SQLAlchemyAccessTokenDatabase[Any](session, sample.AccessToken),
        )

    yield adapters
    for session in opened:
        await session.close()


async def test_each_address_is_one_users(sample: Any, adapters: Any) -> None:
    async def register(number: int) -> bool:
        users, _ = adapters()
        email = f"{'user' if number % 2 else 'USER'}{number % 3}@example.com"
        try:
            await users.create({**ANNE, "email": email})
        except UserAlreadyExistsError:
            return False
        return True

    assert sum(await asyncio.gather(*map(register, range(15)))) == 3
    users, _ = adapters()
    user, other = [await users.get_by_email(f"user{number}@example.com") for number in (0, 1)]
    with pytest.raises(UserAlreadyExistsError):
        await users.update(user, {"email": other.email.upper()})
    await users.update(user, {"email": "free@example.com"})
    await users.delete(other)
    for number in (0, 1):
        assert await register(number)
    async with sample.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(sample.User)) == 4
        assert await connection.scalar(text("SELECT count(*) FROM email_claim")) == 4


@pytest.mark.parametrize("adapters", ["orm"], indirect=True)
async def test_each_write_reads_one_partition(sample: Any, adapters: Any) -> None:
    written = []

    @event.listens_for(sample.engine.sync_engine, "before_cursor_execute")
    def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith(("UPDATE", "DELETE")):
            written.append((statement, parameters))

    users, tokens = adapters()
    user = await users.create({**BERT, "oauth_accounts": [ACCOUNT]})
    await users.update(user, {"email": "new@example.com"})
    await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": "new"})
    await users.add_oauth_account(user, {**ACCOUNT, "access_token": "newer"})
    await users.update(user, {"oauth_accounts": []})
    token = await tokens.create({"token": "token", "user_id": user.id})
    moment = datetime(2024, 1, 1, tzinfo=timezone.utc)
    await tokens.update(token, {"created_at": moment})
    await tokens.delete(token)
    await users.add_oauth_account(user, ACCOUNT)
    await users.delete(user)
    assert len(written) >= 8
    async with sample.engine.connect() as connection:
        for statement, parameters in written:
            plan = await connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) {statement}", parameters
            )
            read = {*re.findall(r"'Relation Name': '(\w+_\d)'", str(plan.scalar()))}
            assert len(read) == 1, (statement, read)


def test_ids_in_the_order_of_time(addresses: Addresses) -> None:
    uuid7 = load("servers_partitions.py", addresses.orm).uuid7
    ids = [uuid7() for _ in range(100)]
    assert {(found.version, found.variant) for found in ids} == {(7, ids[0].variant)}
    assert len({*ids}) == 100
    moments = [found.int >> 80 for found in ids]
    assert moments == sorted(moments)
