"""Users and access tokens that are of a class of the app's own, over `databases`: it need not let
others set what it holds, and it has no history."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pydantic
import pytest
from databases import Database
from sqlalchemy import JSON, Column, ForeignKey, Integer, MetaData, String, Table, select
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_users_db import DatabasesAccessTokenDatabase, DatabasesUserDatabase
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

metadata = MetaData()
people = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), unique=True, nullable=False),
    Column("hashed_password", String(1024)),
    Column("nick", String(20)),
    Column("tags", JSON),
    Column("level", Integer, default=1),
)
links = Table(
    "link",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", Integer, ForeignKey("person.id"), nullable=False),
    *(Column(name, String(320)) for name in ("oauth_name", "account_id", "account_email")),
    *(Column(name, String(1024)) for name in ("access_token", "refresh_token")),
    Column("expires_at", Integer),
)
members = Table(
    "member",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320)),
    Column("hashed_password", String(1024)),
)
tickets = Table(
    "ticket", metadata, Column("token", String(43), primary_key=True), Column("user_id", Integer)
)


@dataclass
class Person:
    id: int
    email: str
    hashed_password: str
    nick: str | None = None
    tags: list[str] | None = None
    level: int = 1
    oauth_accounts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Frozen:
    id: int
    email: str
    hashed_password: str
    nick: str | None = None
    tags: list[str] | None = None
    level: int = 1
    oauth_accounts: list[dict[str, Any]] = field(default_factory=list)


class Row(NamedTuple):
    id: int
    email: str
    hashed_password: str
    nick: str | None
    tags: Any
    level: int
    oauth_accounts: Any = ()


class WithKey(Person):
    """Its id is for ever."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "id" and hasattr(self, "id"):
            raise AttributeError(name)
        super().__setattr__(name, value)


class Checked(pydantic.BaseModel):
    """It takes no nick without a tag, at any moment."""

    model_config = {"validate_assignment": True}

    id: int
    email: str
    hashed_password: str
    nick: str | None
    tags: list[str] | None
    level: int

    @pydantic.model_validator(mode="after")
    def check(self) -> "Checked":
        if self.nick and not self.tags:
            raise ValueError("no nick without a tag")
        return self


class Member:
    """What the app wants to know of a user, and no id."""

    def __init__(self, email: str, hashed_password: str, **_: Any) -> None:
        self.email, self.hashed_password = email, hashed_password


class Ticket(NamedTuple):
    token: str
    user_id: int


@pytest.fixture(scope="module", params=["sqlite"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, metadata))
    return addresses


@pytest.fixture
async def database(
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Database]:
    yield await database_of(addresses)
    await delete_rows(engine_of(addresses), metadata)


async def stored(database: Database) -> tuple[Any, ...]:
    row: Any = await database.fetch_one(select(people.c.nick, people.c.tags, people.c.level))
    return tuple(row._mapping.values())


async def test_what_is_given_is_written_whatever_the_model_has(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, people, user_model=Person)
    anne = await users.create({**ANNE, "tags": []})
    anne.nick = "Annie"
    anne.tags.append("admin")
    await users.update(anne, {"nick": anne.nick, "tags": anne.tags})

    assert await stored(database) == ("Annie", ["admin"], 1)


async def test_what_stays_the_same_need_not_be_settable(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, people, user_model=WithKey)
    anne = await users.create(ANNE)
    await users.update(anne, {"nick": "Annie"})

    assert (anne.nick, (await stored(database))[0]) == ("Annie", "Annie")


@pytest.mark.parametrize("model", [Frozen, Row])
async def test_what_cannot_be_set_is_refused_before_it_is_written(
    database: Database, model: Any
) -> None:
    users: Any = DatabasesUserDatabase(database, people, links, user_model=model)
    anne = await users.create(ANNE)
    with pytest.raises(AttributeError):
        await users.update(anne, {"nick": "Annie"})

    assert (await stored(database))[0] is None


@pytest.mark.parametrize(("model", "shown"), [(Frozen, 1), (Row, 0), (Checked, None)])
async def test_an_account_is_linked_to_a_user_who_cannot_show_it(
    database: Database, model: Any, shown: int | None
) -> None:
    users: Any = DatabasesUserDatabase(database, people, links, user_model=model)
    anne = await users.create(ANNE)
    assert await users.add_oauth_account(anne, ACCOUNT) is anne
    found = await users.get_by_oauth_account("provider", "1")

    assert found.id == anne.id
    assert shown is None or len(anne.oauth_accounts) == shown


async def test_what_a_model_has_refused_is_as_before(database: Database) -> None:
    users: Any = DatabasesUserDatabase(database, people, user_model=Checked)
    anne = await users.create(ANNE)
    with pytest.raises(pydantic.ValidationError):
        await users.update(anne, {"level": 7, "nick": "Annie"})

    assert (anne.level, anne.nick) == (1, None)
    assert await stored(database) == (None, None, 1)


async def test_an_access_token_that_cannot_be_set_is_refused_before(database: Database) -> None:
    tokens: Any = DatabasesAccessTokenDatabase(database, tickets, access_token_model=Ticket)
    users: Any = DatabasesUserDatabase(database, people, user_model=Row)
    ticket = await tokens.create({"token": "a", "user_id": (await users.create(ANNE)).id})
    with pytest.raises(AttributeError):
        await tokens.update(ticket, {"token": "b"})

    assert await tokens.get_by_token("a") == ticket


async def test_equal_addresses_are_told_of_users_without_an_id(database: Database) -> None:
    for _ in range(2):
        await database.execute(members.insert().values(ANNE))
    users: Any = DatabasesUserDatabase(database, members, user_model=Member)
    with pytest.raises(MultipleResultsFound):
        await users.get_by_email(ANNE["email"])
