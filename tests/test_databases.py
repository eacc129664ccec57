"""What only the `databases` adapter has: models of the app's own, bare tables, races seen."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from asyncpg.exceptions import NotNullViolationError
from asyncpg.transaction import Transaction
from databases import Database
from sqlalchemy import Column, Integer, MetaData, String, Table, Text, delete
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_users_db import (
    GUID,
    AccessTokenNotFoundError,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    TIMESTAMPAware,
    UserNotFoundError,
)
from tests.conformance.models import Base, OAuthAccount, User
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
on_both = pytest.mark.parametrize("addresses", ["postgresql", "sqlite"], indirect=True)
metadata = MetaData()
people = Table(
    "people",
    metadata,
    Column("id", GUID, primary_key=True, default=uuid.uuid4),
    Column("email", String(320), unique=True, nullable=False),
    Column("hashed_password", String(1024), nullable=False),
)
# Nothing refers to `people` but the name of the column.
links = Table(
    "links",
    metadata,
    Column("id", GUID, primary_key=True, default=uuid.uuid4),
    Column("user_id", GUID, nullable=False),
    Column("oauth_name", String(100), nullable=False),
    Column("access_token", Text, nullable=False),
    Column("expires_at", Integer),
    Column("refresh_token", Text),
    Column("account_id", String(320), nullable=False),
    Column("account_email", String(320), nullable=False),
)
tickets = Table(
    "tickets",
    metadata,
    Column("token", String(43), primary_key=True),
    Column("user_id", GUID, nullable=False),
    Column("created_at", TIMESTAMPAware(timezone=True), nullable=False),
)
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


@dataclass
class Person:
    id: uuid.UUID
    email: str
    hashed_password: str
    oauth_accounts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Ticket:
    token: str
    user_id: uuid.UUID
    created_at: datetime


@pytest.fixture(scope="module", params=["postgresql"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    for tables in (metadata, Base.metadata):
        asyncio.run(create_tables(addresses, tables))
    return addresses


@pytest.fixture
async def database(
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Database]:
    yield await database_of(addresses)
    for tables in (metadata, Base.metadata):
        await delete_rows(engine_of(addresses), tables)


async def test_users_are_built_from_bare_tables(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, people, links, user_model=Person)
    anne = await users.create(ANNE)
    await users.add_oauth_account(anne, ACCOUNT)
    found = await users.get_by_oauth_account("provider", "1")
    assert found == anne
    assert type(found) is Person
    assert found.oauth_accounts[0]["access_token"] == "token"
    bert = await users.create({"email": "bert@example.com", "hashed_password": "hash"})
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await users.add_oauth_account(bert, ACCOUNT)
    await users.delete(anne)
    assert await users.get_by_oauth_account("provider", "1") is None


async def test_access_tokens_are_built_from_a_bare_table(database: Database) -> None:
    tokens: Any = DatabasesAccessTokenDatabase(database, tickets, access_token_model=Ticket)
    values = {"token": "abc", "user_id": uuid.uuid4(), "created_at": NOON}
    with pytest.raises(UserNotFoundError):
        await tokens.create(values)
    await database.execute(people.insert().values(id=values["user_id"], **ANNE))
    ticket = await tokens.create(values)
    assert type(ticket) is Ticket
    later = NOON + timedelta(hours=1)
    assert await tokens.update(ticket, {"created_at": later}) is ticket
    assert await tokens.get_by_token("abc") == ticket == Ticket("abc", ticket.user_id, later)
    await tokens.delete(ticket)
    with pytest.raises(AccessTokenNotFoundError):
        await tokens.update(ticket, {"created_at": NOON})
    assert ticket.created_at == later


class Overtaken(DatabasesUserDatabase[User, uuid.UUID]):
    """Somebody else deletes rows between what an operation reads and what it writes."""

    deleted: Table

    async def _own_accounts(self, *arguments: Any, **options: Any) -> Any:
        accounts = await super()._own_accounts(*arguments, **options)
        await self.database.execute(delete(self.deleted))
        return accounts


# PostgreSQL's foreign key refuses the account; SQLite enforces none.
@on_both
async def test_an_account_added_to_a_user_who_goes_meanwhile_is_refused(
    database: Database,
) -> None:
    users: Any = Overtaken(database, User, OAuthAccount)
    users.deleted = User.__table__
    anne = await users.create(ANNE)
    with pytest.raises(UserNotFoundError):
        await users.add_oauth_account(anne, ACCOUNT)
    assert anne.oauth_accounts == []


@on_both
@pytest.mark.parametrize("values", [{}, {"name": "Anne"}])
async def test_accounts_are_not_given_to_a_user_who_goes_meanwhile(
    database: Database, values: dict[str, Any]
) -> None:
    users: Any = Overtaken(database, User, OAuthAccount)
    users.deleted = User.__table__
    anne = await users.create(ANNE)
    with pytest.raises(UserNotFoundError):
        await users.update(anne, {**values, "oauth_accounts": [ACCOUNT]})
    assert (anne.name, anne.oauth_accounts) == (None, [])
    assert await database.fetch_all(OAuthAccount.__table__.select()) == []


@on_both
async def test_an_account_that_goes_meanwhile_is_not_updated(database: Database) -> None:
    users: Any = Overtaken(database, User, OAuthAccount)
    users.deleted = OAuthAccount.__table__
    anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    [account] = anne.oauth_accounts
    with pytest.raises(OAuthAccountNotFoundError):
        await users.update_oauth_account(anne, account, {"access_token": "new"})
    assert account.access_token == "token"


@pytest.mark.parametrize("value", [1.5, True, b"provider"])
async def test_what_is_no_name_of_an_account_is_refused(database: Database, value: Any) -> None:
    users: Any = DatabasesUserDatabase(database, User, OAuthAccount)
    with pytest.raises(TypeError, match="must be a str"):
        await users.get_by_oauth_account(value, "1")
    with pytest.raises(TypeError, match="must be a str"):
        await users.get_by_oauth_account("provider", value)


@pytest.mark.parametrize(
    "change", [{"email": "other@example.com"}, {"email": "other@example.com", "oauth_accounts": []}]
)
async def test_a_user_whose_update_is_cancelled_is_as_before(
    database: Database, change: dict[str, Any]
) -> None:
    users = DatabasesUserDatabase(database, User, OAuthAccount)
    anne = await users.create(ANNE)

    async def update() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await users.update(anne, change)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(update())
    found = await users.get(anne.id)
    assert found is not None
    assert anne.email == found.email == ANNE["email"]


@pytest.mark.parametrize("step", ["start", "commit", "rollback"])
async def test_gives_the_connection_back_when_a_transaction_fails(
    database: Database, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    # `databases` itself keeps it for good then: a pool is empty after as many lost connections.
    user_db = DatabasesUserDatabase[Any, Any](database, User, OAuthAccount)
    accounts = [ACCOUNT]

    async def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, step, fail)
        if step == "rollback":
            accounts.append({"oauth_name": "other", "account_id": "2"})  # lacks what it needs
        with pytest.raises(NotNullViolationError if step == "rollback" else OSError):
            await user_db.create({**ANNE, "oauth_accounts": accounts})

    assert database.connection()._connection_counter == 0
    assert await user_db.get_by_email(ANNE["email"]) is None
    await user_db.create(ANNE)
