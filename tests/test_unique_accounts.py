"""Linking where `unique_oauth_account_index` refuses what is linked already: no look goes first.

The user was read in the transaction that links; what others do in between it has not seen.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Index,
    UniqueConstraint,
    delete,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import declarative_base, relationship

from fastapi_users_db import (
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserNotFoundError,
)
from fastapi_users_db.mapping import UserEntity, user_entity
from tests.conftest import DATABASES, Addresses, create_tables
from tests.people import ANNE, BERT
from tests.races.tables import declare
from tests.sharing import delete_rows

TABLES = declare(indexed=True)
USERS, ACCOUNTS = TABLES.User.__table__, TABLES.OAuthAccount.__table__
ADAPTERS: dict[str, Any] = {
    "commit": ({"expire_on_commit": False}, {}),
    "expire-on-commit": ({"expire_on_commit": True}, {}),
    "no-commit": ({"expire_on_commit": False}, {"commit": False}),
}


def account(account_id: str = "1", access_token: str = "token") -> dict[str, Any]:
    return {
        "oauth_name": "provider",
        "access_token": access_token,
        "account_id": account_id,
        "account_email": "anne@provider.example",
    }


def linked(user: Any) -> dict[str, str]:
    return {a.account_id: a.access_token for a in user.oauth_accounts}


@dataclass
class Subject:
    """An adapter over a session, and a connection of somebody else's."""

    engine: AsyncEngine
    session: AsyncSession
    users: Any

    async def settle(self) -> None:
        """Do what is left to the app with `commit=False`: commit."""
        if not self.users._commits:
            await self.session.commit()

    async def elsewhere(self, statement: Any) -> Any:
        async with self.engine.begin() as connection:
            result = await connection.execute(statement)
            return list(result.all()) if result.returns_rows else []

    async def link_elsewhere(self, user: Any, **values: Any) -> None:
        row = {"id": uuid.uuid4(), "user_id": user.id, **account(**values)}
        await self.elsewhere(insert(ACCOUNTS).values(**row))

    async def stored(self) -> dict[uuid.UUID, dict[str, str]]:
        await self.settle()
        stored: dict[uuid.UUID, dict[str, str]] = {}
        for row in await self.elsewhere(select(ACCOUNTS)):
            stored.setdefault(row.user_id, {})[row.account_id] = row.access_token
        return stored

    async def names(self) -> dict[str, str | None]:
        await self.settle()
        rows = await self.elsewhere(select(USERS.c.email, USERS.c.name))
        return {row.email: row.name for row in rows}


@pytest.fixture(scope="module", params=DATABASES)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, TABLES.Base.metadata))
    return addresses


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
async def subject(
    adapter: str, addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[Subject]:
    session_options, options = ADAPTERS[adapter]
    engine = engine_of(addresses)
    async with AsyncSession(engine, **session_options) as session:
        users = SQLAlchemyUserDatabase(session, TABLES.User, TABLES.OAuthAccount, **options)
        yield Subject(engine, session, users)
    await delete_rows(engine, TABLES.Base.metadata)


@pytest.fixture
async def user(subject: Subject) -> Any:
    """A user with one account, as the transaction has read it."""
    created = await subject.users.create({**ANNE, "oauth_accounts": [account("0")]})
    await subject.settle()
    return await subject.users.get(created.id)


async def test_links_an_account(subject: Subject, user: Any) -> None:
    assert await subject.users.add_oauth_account(user, account()) is user
    assert linked(user) == {"0": "token", "1": "token"}
    assert await subject.stored() == {user.id: {"0": "token", "1": "token"}}


async def test_links_the_same_account_once(subject: Subject, user: Any) -> None:
    await subject.users.add_oauth_account(user, account("0", "newer"))
    assert linked(user) == {"0": "newer"}
    assert await subject.stored() == {user.id: {"0": "newer"}}


async def test_updates_a_link_that_was_made_elsewhere(subject: Subject, user: Any) -> None:
    await subject.link_elsewhere(user)
    await subject.users.add_oauth_account(user, account(access_token="newer"))
    assert linked(user) == {"0": "token", "1": "newer"}
    assert await subject.stored() == {user.id: {"0": "token", "1": "newer"}}


async def test_refuses_another_users_account(subject: Subject, user: Any) -> None:
    bert = await subject.users.create({**BERT, "oauth_accounts": [account()]})
    await subject.settle()
    user = await subject.users.get(user.id)
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await subject.users.add_oauth_account(user, account(access_token="stolen"))
    assert linked(user) == {"0": "token"}
    assert linked(bert) == {"1": "token"}
    await subject.users.add_oauth_account(user, account("2"))
    assert await subject.stored() == {
        user.id: {"0": "token", "2": "token"},
        bert.id: {"1": "token"},
    }


async def test_refuses_a_user_who_was_deleted_elsewhere(subject: Subject, user: Any) -> None:
    await subject.elsewhere(delete(ACCOUNTS))
    await subject.elsewhere(delete(USERS))
    with pytest.raises(UserNotFoundError):
        await subject.users.add_oauth_account(user, account())
    assert await subject.stored() == {}


async def test_links_again_what_was_unlinked_elsewhere(subject: Subject, user: Any) -> None:
    await subject.elsewhere(delete(ACCOUNTS))
    await subject.users.add_oauth_account(user, account("0", "newer"))
    assert linked(user) == {"0": "newer"}
    assert await subject.stored() == {user.id: {"0": "newer"}}


async def test_updates_no_account_that_was_unlinked_elsewhere(subject: Subject, user: Any) -> None:
    await subject.elsewhere(delete(ACCOUNTS))
    with pytest.raises(OAuthAccountNotFoundError):
        await subject.users.update_oauth_account(
            user, user.oauth_accounts[0], account("0", "newer")
        )
    assert await subject.stored() == {}


async def test_sees_what_was_linked_before_its_transaction(subject: Subject, user: Any) -> None:
    await subject.users.update(user, {"is_verified": True})
    await subject.settle()
    await subject.link_elsewhere(user, account_id="2")
    await subject.users.add_oauth_account(user, account())
    assert linked(user) == {"0": "token", "1": "token", "2": "token"}


async def test_sees_what_was_unlinked_before_its_transaction(subject: Subject, user: Any) -> None:
    await subject.session.commit()
    await subject.elsewhere(delete(ACCOUNTS))
    await subject.session.execute(select(text("1")))
    await subject.users.add_oauth_account(user, account())
    assert linked(user) == {"1": "token"}
    assert await subject.stored() == {user.id: {"1": "token"}}


async def test_keeps_what_the_app_has_not_written_yet(subject: Subject, user: Any) -> None:
    await subject.link_elsewhere(user)
    subject.session.add(TABLES.User(id=uuid.uuid4(), **BERT))
    user.name = "Anne"
    await subject.users.add_oauth_account(user, account(access_token="newer"))
    assert await subject.stored() == {user.id: {"0": "token", "1": "newer"}}
    assert await subject.names() == {"anne@example.com": "Anne", "bert@example.com": None}


async def test_keeps_what_the_app_has_written(subject: Subject, user: Any) -> None:
    await subject.link_elsewhere(user)
    user.name = "Anne"
    await subject.session.flush()
    await subject.users.add_oauth_account(user, account(access_token="newer"))
    assert await subject.stored() == {user.id: {"0": "token", "1": "newer"}}
    assert await subject.names() == {"anne@example.com": "Anne"}


# MariaDB's look locks what is not there yet, and SQLite has one writer at a time.
@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_does_not_write_without_what_the_app_has_written(
    subject: Subject, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is linked elsewhere between the look and the INSERT."""
    looks = subject.users._own_accounts

    async def look(*arguments: Any, **options: Any) -> Any:
        found = await looks(*arguments, **options)
        if not await subject.elsewhere(select(ACCOUNTS).where(ACCOUNTS.c.account_id == "1")):
            await subject.link_elsewhere(user)
        return found

    monkeypatch.setattr(subject.users, "_own_accounts", look)
    user.name = "Anne"
    await subject.users.add_oauth_account(user, account(access_token="newer"))
    assert await subject.stored() == {user.id: {"0": "token", "1": "newer"}}
    assert await subject.names() == {"anne@example.com": "Anne"}


async def test_links_to_a_user_whom_the_app_has_only_added(subject: Subject) -> None:
    assert await subject.users.get_by_email("bert@example.com") is None
    bert = TABLES.User(id=uuid.uuid4(), oauth_accounts=[], **BERT)
    subject.session.add(bert)
    await subject.users.add_oauth_account(bert, account())
    assert await subject.stored() == {bert.id: {"1": "token"}}


async def test_reads_no_account_that_the_app_has_expired(subject: Subject, user: Any) -> None:
    subject.session.expire(user.oauth_accounts[0])
    await subject.users.add_oauth_account(user, account())
    assert await subject.stored() == {user.id: {"0": "token", "1": "token"}}


def declaring(*arguments: Any) -> UserEntity:
    """Return what is known of a user whose OAuth account's table has these arguments."""
    base: Any = declarative_base()

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        __table_args__ = arguments

    class User(SQLAlchemyBaseUserTableUUID, base):
        oauth_accounts = relationship("OAuthAccount")

    return user_entity(User, OAuthAccount)


@pytest.mark.parametrize(
    "declared",
    [
        Index("unique", "oauth_name", "account_id", unique=True),
        UniqueConstraint("account_id", "oauth_name"),
        UniqueConstraint("account_id"),
    ],
)
def test_trusts_what_keeps_every_two_accounts_apart(declared: Any) -> None:
    assert declaring(declared).has_unique_accounts


@pytest.mark.parametrize(
    "declared",
    [
        Index("any", "oauth_name", "account_id"),
        Index("more", "oauth_name", "account_id", "user_id", unique=True),
        Index("partial", "account_id", unique=True, postgresql_where=text("expires_at IS NULL")),
        Index("expression", text("lower(account_id)"), unique=True),
        UniqueConstraint("oauth_name", "account_id", deferrable=True),
        UniqueConstraint("oauth_name", "account_id", initially="DEFERRED"),
        CheckConstraint("account_id <> ''"),
    ],
)
def test_trusts_nothing_else(declared: Any) -> None:
    assert not declaring(declared).has_unique_accounts


def test_trusts_nothing_without_an_account_table() -> None:
    assert not user_entity(TABLES.User).has_unique_accounts
