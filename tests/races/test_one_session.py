"""One session in two tasks at once: the second is told so, and the first loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import fastapi_users_db_sqlalchemy as shim
import pytest
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as ShimAccessTokenDatabase,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker

from fastapi_users_db import (
    SessionInUseError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.compat.models import AccessTokenDB, OAuthUserDB
from tests.people import ACCOUNT, ANNE, BERT
from tests.races.conftest import Raced
from tests.races.parties import Party, watch_engine
from tests.sharing import delete_rows

pytestmark = [
    pytest.mark.any_stack,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TOKEN = {"token": "known", "created_at": NOW}


def plain(session: Any, tables: SimpleNamespace, **options: Any) -> tuple[Any, Any]:
    users = SQLAlchemyUserDatabase(session, tables.User, tables.OAuthAccount, **options)
    return users, SQLAlchemyAccessTokenDatabase(session, tables.AccessToken, **options)


def no_commit(session: Any, tables: SimpleNamespace) -> tuple[Any, Any]:
    return plain(session, tables, commit=False)


def current_shim(session: Any, tables: SimpleNamespace) -> tuple[Any, Any]:
    users = shim.SQLAlchemyUserDatabase(session, tables.User, tables.OAuthAccount)
    return users, ShimAccessTokenDatabase(session, tables.AccessToken)


def legacy_shim(session: Any, tables: SimpleNamespace) -> tuple[Any, Any]:
    users = shim.SQLAlchemyUserDatabase(OAuthUserDB, session, tables.User, tables.OAuthAccount)
    return users, ShimAccessTokenDatabase(AccessTokenDB, session, tables.AccessToken)


FORMS = {
    "orm": plain,
    "orm-no-commit": no_commit,
    "scoped-session": plain,
    "shim": current_shim,
    "legacy-shim": legacy_shim,
}

CALLS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "get": lambda of: of.users.get(of.user.id),
    "get_by_email": lambda of: of.users.get_by_email(of.user.email),
    "get_by_oauth_account": lambda of: of.users.get_by_oauth_account("provider", "1"),
    "create": lambda of: of.users.create({**BERT, "email": "carl@example.com"}),
    "update": lambda of: of.users.update(of.user, {"is_superuser": True}),
    "update-accounts": lambda of: of.users.update(of.user, {"oauth_accounts": []}),
    "delete": lambda of: of.users.delete(of.user),
    "add_oauth_account": lambda of: of.users.add_oauth_account(of.user, ACCOUNT),
    "update_oauth_account": lambda of: of.users.update_oauth_account(
        of.user, of.user.oauth_accounts[0], {"access_token": "new"}
    ),
    "check_schema": lambda of: of.users.check_schema(),
    "tokens.get_by_token": lambda of: of.tokens.get_by_token("known"),
    "tokens.create": lambda of: of.tokens.create({"token": "new", "user_id": of.user.id}),
    "tokens.update": lambda of: of.tokens.update(of.token, {"created_at": NOW}),
    "tokens.delete": lambda of: of.tokens.delete(of.token),
    "tokens.delete_expired": lambda of: of.tokens.delete_expired(NOW + timedelta(days=1)),
    "tokens.check_schema": lambda of: of.tokens.check_schema(),
}


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


Busy = Callable[[int], Any]


@pytest.fixture
async def busy(form: str, database: dict[bool, Raced]) -> AsyncIterator[Busy]:
    """A session whose first task is held before one of the statements in which it creates Bert."""
    raced = database[False]
    await delete_rows(raced.engine, raced.tables.Base.metadata)
    watched = raced.engine.execution_options()
    party = Party(form)
    watch_engine(watched, party)

    @asynccontextmanager
    async def busy(number: int) -> AsyncIterator[SimpleNamespace]:
        maker = async_sessionmaker(watched, expire_on_commit=False)
        scoped: Any = async_scoped_session(maker, scopefunc=lambda: "the same for all")
        session = scoped if form == "scoped-session" else maker()
        users, tokens = FORMS[form](session, raced.tables)
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        token = await tokens.create({**TOKEN, "user_id": user.id})
        await session.commit()
        await party.begin(number)
        creating = asyncio.create_task(users.create(BERT))
        held = asyncio.create_task(party.is_held.wait())
        await asyncio.wait({creating, held}, return_when=asyncio.FIRST_COMPLETED)
        held.cancel()
        try:
            yield SimpleNamespace(
                session=session,
                users=users,
                tokens=tokens,
                user=user,
                token=token,
                is_held=not creating.done(),
            )
        finally:
            party.may_go_on.set()
            created = await creating
            await session.commit()
            await session.close()
        assert created.email == BERT["email"]

    yield busy
    await delete_rows(raced.engine, raced.tables.Base.metadata)


async def rows(database: dict[bool, Raced], table: str, column: str) -> list[Any]:
    raced = database[False]
    found = await raced.observer.rows(select(getattr(raced.tables, table).__table__.c[column]))
    return sorted(row[0] for row in found)


@pytest.mark.parametrize("call", CALLS)
async def test_the_second_task_is_told(busy: Busy, call: str, database: dict[bool, Raced]) -> None:
    """Whatever it asks for. The first task's user is there, and nothing else has changed."""
    async with busy(1) as session:
        assert session.is_held
        with pytest.raises(SessionInUseError, match="give each task a session of its own"):
            await CALLS[call](session)
    assert await rows(database, "User", "email") == [ANNE["email"], BERT["email"]]
    assert await rows(database, "User", "is_superuser") == [False, False]
    assert await rows(database, "OAuthAccount", "access_token") == ["token"]
    assert await rows(database, "AccessToken", "token") == ["known"]


async def test_the_first_is_stored_wherever_it_is(
    busy: Busy, form: str, database: dict[bool, Raced]
) -> None:
    number = 1
    while True:
        async with busy(number) as session:
            is_held = session.is_held
            if is_held:
                with pytest.raises(SessionInUseError):
                    await session.users.update(session.user, {"is_superuser": True})
        assert await rows(database, "User", "email") == [ANNE["email"], BERT["email"]]
        raced = database[False]
        await delete_rows(raced.engine, raced.tables.Base.metadata)
        if not is_held:
            break
        number += 1
    assert number > 1


async def test_the_second_goes_on_once_the_first_has_ended(busy: Busy) -> None:
    async with busy(1) as session:
        with pytest.raises(SessionInUseError):
            await session.users.get(session.user.id)
    assert (await session.users.get(session.user.id)).email == ANNE["email"]
    await session.session.close()
