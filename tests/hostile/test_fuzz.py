"""Values of any kind for every argument of every method: each call works, or is refused clearly.

Refused means one of the documented errors, without the secrets that were given; no row, and no
object that the app holds, is changed; and the adapter goes on working. The last test shows that
an adapter which does not check text that it looks for is found out.
"""

import asyncio
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from databases import Database
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User, UserModel
from tests.conftest import Addresses, create_tables
from tests.equivalence.forms import FORMS, opened
from tests.equivalence.machine import state_of
from tests.faults.secrets import Texts, collected
from tests.hostile.values import (
    ANYTHING,
    INTEGERS,
    MOMENTS,
    NAMES,
    SECRET,
    STRINGS,
    is_promised,
    repeatable,
)

EXAMPLES = 200
ALL_FORMS = (*FORMS, "orm-no-commit", "databases-user-model")
TABLES = SimpleNamespace(User=User, OAuthAccount=OAuthAccount, AccessToken=AccessToken)
ANNE, BERT = UUID(int=10), UUID(int=11)
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
TOKEN = "PLANTED-token"
FLAGS = {"is_active": True, "is_superuser": False, "is_verified": False}
USER = {"hashed_password": "PLANTED-hash", **FLAGS, "greeting": "hello", "changes": 0}
ACCOUNT = {"oauth_name": "acme", "access_token": "PLANTED-oauth", "account_email": "a@example.com"}
ROWS: dict[Any, list[dict[str, Any]]] = {
    User.__table__: [
        {"id": ANNE, "email": "anne@example.com", **USER},
        {"id": BERT, "email": "bert@example.com", **USER},
    ],
    OAuthAccount.__table__: [
        {"id": UUID(int=20), "user_id": ANNE, "account_id": "1", **ACCOUNT},
        {"id": UUID(int=21), "user_id": BERT, "account_id": "2", **ACCOUNT},
    ],
    AccessToken.__table__: [{"token": TOKEN, "user_id": ANNE, "created_at": NOON}],
}
PROBE = {"id": UUID(int=12), "email": "probe@example.com", "hashed_password": "PLANTED-hash"}

# --- what is given --------------------------------------------------------------------------------


def keys_of(table: Any, *more: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([*table.__table__.columns.keys(), *more]) | NAMES | st.integers()


def spoilt(right: Any, attributes: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values with one or two that are anything; sometimes no dict at all."""
    changes = st.dictionaries(attributes, ANYTHING, min_size=1, max_size=2)
    return st.builds(lambda change: {**right, **change}, changes) | changes | ANYTHING


ACCOUNTS = spoilt({"account_id": "3", **ACCOUNT}, keys_of(OAuthAccount, "user", "_sa", "metadata"))
NEW_USERS = spoilt(
    {"email": "new@example.com", "hashed_password": SECRET},
    keys_of(User, "colour", "_sa_instance_state", "metadata", "oauth_accounts", "__class__"),
)
WITH_ACCOUNTS = st.builds(
    lambda accounts: {
        "email": "new@example.com",
        "hashed_password": SECRET,
        "oauth_accounts": accounts,
    },
    st.lists(ACCOUNTS, min_size=1, max_size=2) | ANYTHING,
)
TOKENS = spoilt({"token": SECRET, "user_id": ANNE}, keys_of(AccessToken, "colour", "metadata"))
TOKEN_KEYS = STRINGS | st.just(TOKEN) | ANYTHING
AGES = MOMENTS | ANYTHING

Action = Callable[[Any, Any, Any], Any]
"""What is done with the adapters, a user and an access token."""


def calls() -> st.SearchStrategy[tuple[str, Action]]:
    """A call of one of the methods, with a text that tells which."""

    def call(name: str, act: Any, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        def bind(*values: Any) -> tuple[str, Action]:
            return f"{name}{values!r}", lambda a, user, token: act(a, user, token, *values)

        return st.builds(bind, *arguments)

    user_changes = NEW_USERS | WITH_ACCOUNTS
    return st.one_of(
        call("get", lambda a, u, t, x: a.users.get(x), ANYTHING),
        call("get_by_email", lambda a, u, t, x: a.users.get_by_email(x), ANYTHING),
        call(
            "get_by_oauth_account",
            lambda a, u, t, x, y: a.users.get_by_oauth_account(x, y),
            ANYTHING | st.just("acme"),
            ANYTHING,
        ),
        call("create", lambda a, u, t, x: a.users.create(x), NEW_USERS),
        call("create", lambda a, u, t, x: a.users.create(x), WITH_ACCOUNTS),
        call("update", lambda a, u, t, x: a.users.update(u, x), user_changes),
        call("update of", lambda a, u, t, x, y: a.users.update(x, y), ANYTHING, user_changes),
        call("delete", lambda a, u, t, x: a.users.delete(x), ANYTHING),
        call("add_oauth_account", lambda a, u, t, x: a.users.add_oauth_account(u, x), ACCOUNTS),
        call(
            "add_oauth_account to",
            lambda a, u, t, x, y: a.users.add_oauth_account(x, y),
            ANYTHING,
            ACCOUNTS,
        ),
        call(
            "update_oauth_account",
            lambda a, u, t, x: a.users.update_oauth_account(u, u.oauth_accounts[0], x),
            ACCOUNTS,
        ),
        call(
            "update_oauth_account of",
            lambda a, u, t, x, y: a.users.update_oauth_account(u, x, y),
            ANYTHING,
            ACCOUNTS,
        ),
        call("get_by_token", lambda a, u, t, x, y: a.tokens.get_by_token(x, y), TOKEN_KEYS, AGES),
        call("tokens.create", lambda a, u, t, x: a.tokens.create(x), TOKENS),
        call("tokens.update", lambda a, u, t, x: a.tokens.update(t, x), TOKENS),
        call("tokens.update of", lambda a, u, t, x, y: a.tokens.update(x, y), ANYTHING, TOKENS),
        call("tokens.delete", lambda a, u, t, x: a.tokens.delete(x), ANYTHING),
        call(
            "delete_expired",
            lambda a, u, t, x, y: a.tokens.delete_expired(x, batch_size=y),
            AGES,
            st.just(10) | INTEGERS | ANYTHING,
        ),
    )


# --- what is tried --------------------------------------------------------------------------------


@asynccontextmanager
async def adapters_of(form: str, engine: Any, database: Database) -> AsyncIterator[Any]:
    """Give `users`, `tokens`, and the `session` to commit if that is left to the app."""
    if form == "orm-no-commit":
        async with AsyncSession(engine, expire_on_commit=False) as session:
            users = SQLAlchemyUserDatabase[Any, Any](session, User, OAuthAccount, commit=False)
            tokens = SQLAlchemyAccessTokenDatabase[Any](session, AccessToken, commit=False)
            yield SimpleNamespace(users=users, tokens=tokens, session=session)
    elif form == "databases-user-model":
        model: Any = UserModel
        yield SimpleNamespace(
            users=DatabasesUserDatabase[Any, Any](database, User, OAuthAccount, user_model=model),
            tokens=DatabasesAccessTokenDatabase[Any](database, AccessToken),
        )
    else:
        async with opened(form, engine, database, TABLES) as adapters:
            yield adapters


class Trial:
    """One database with the same rows before each call, and one form of the adapters."""

    def __init__(self, form: str, addresses: Addresses, texts: Texts) -> None:
        self.form = form
        self.texts = texts
        self.engine = create_async_engine(addresses.orm)
        pool = {} if addresses.name == "sqlite" else {"min_size": 1, "max_size": 2}
        self.database = Database(addresses.databases, **pool)
        self.before: list[Any] = []

    async def rows(self) -> list[Any]:
        async with self.engine.connect() as connection:
            return [
                list((await connection.execute(select(table).order_by(*table.primary_key))).all())
                for table in ROWS
            ]

    async def fill(self) -> None:
        async with self.engine.begin() as connection:
            for table in reversed(ROWS):
                await connection.execute(table.delete())
            for table, rows in ROWS.items():
                await connection.execute(insert(table), rows)
        self.before = await self.rows()

    async def clear(self) -> None:
        async with self.engine.begin() as connection:
            for table in reversed(ROWS):
                await connection.execute(table.delete())

    async def attempt(self, what: str, action: Action) -> None:
        async with adapters_of(self.form, self.engine, self.database) as adapters:
            user = await adapters.users.get(ANNE)
            token = await adapters.tokens.get_by_token(TOKEN)
            state = state_of(user)
            error = None
            try:
                await asyncio.wait_for(action(adapters, user, token), 60)
            except Exception as raised:
                error = raised
            await self.settle(adapters)
            rows = await self.rows()
            if error is not None:
                if not is_promised(error):
                    raise AssertionError(f"{type(error)} after {what}") from error
                assert rows == self.before, f"half-written by {what}"
                assert state_of(user) == state, f"changed by {what}"
                self.texts.raised(error)
                self.texts.assert_no_secret()
                await self.use(adapters, state)
        if rows != self.before:
            await self.fill()

    async def use(self, adapters: Any, state: dict[str, Any]) -> None:
        assert state_of(await adapters.users.get(ANNE)) == state
        probe = await adapters.users.create(dict(PROBE))
        await self.settle(adapters)
        await adapters.users.delete(probe)
        token = await adapters.tokens.create({"token": "probe", "user_id": ANNE})
        await adapters.tokens.delete(token)
        await self.settle(adapters)
        assert await self.rows() == self.before

    async def settle(self, adapters: Any) -> None:
        if hasattr(adapters, "session"):
            await adapters.session.commit()


@contextmanager
def open_trial(form: str, addresses: Addresses) -> Iterator[tuple[Trial, Callable[..., Any]]]:
    loop = asyncio.new_event_loop()
    with collected() as texts, warnings.catch_warnings():
        warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
        trial = Trial(form, addresses, texts)
        loop.run_until_complete(trial.database.connect())
        loop.run_until_complete(trial.fill())
        try:
            yield trial, loop.run_until_complete
        finally:
            loop.run_until_complete(trial.clear())
            loop.run_until_complete(trial.database.disconnect())
            loop.run_until_complete(trial.engine.dispose())
            loop.close()


def fuzz(form: str, addresses: Addresses, how: settings) -> None:
    with open_trial(form, addresses) as (trial, run):

        @how
        @given(call=calls())
        def attempt(call: tuple[str, Action]) -> None:
            run(trial.attempt(*call))

        attempt()


@pytest.mark.parametrize("form", ALL_FORMS)
def test_any_call_works_or_is_refused(form: str, addresses: Addresses) -> None:
    fuzz(form, addresses, repeatable(EXAMPLES))


def test_an_adapter_that_does_not_check_text_is_found_out(
    new_database: Callable[[str], Addresses], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi_users_db.adapters.base.is_storable", lambda _: True)
    addresses = new_database("sqlite")
    asyncio.run(create_tables(addresses, Base.metadata))
    at_once = settings(
        repeatable(10 * EXAMPLES), phases=[Phase.generate], report_multiple_bugs=False
    )
    with pytest.raises(AssertionError, match="after"):
        fuzz("orm", addresses, at_once)
