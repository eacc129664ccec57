"""The adapters against a model: what a dict of users would do, they do, whichever of them acts.

An operation goes through a form that is chosen at random, often with an object that another form
has handed out a while ago. After it everything is read through both adapters.
"""

import asyncio
import unicodedata
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid5

from databases import Database
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from fastapi_users_db import (
    AccessTokenNotFoundError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.conftest import Addresses, create_tables, isolated
from tests.equivalence.forms import FORMS, LEGACY, opened
from tests.races.tables import declare

NAMESPACE = UUID(int=0)
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
MAX_USERS = 5
MAX_HELD = 12
FIELDS = ("email", "hashed_password", "is_active", "is_superuser", "is_verified", "name")
ACCOUNT_FIELDS = (
    "oauth_name",
    "account_id",
    "access_token",
    "expires_at",
    "refresh_token",
    "account_email",
)
READERS = ("orm", "databases")

# Those that some database takes for the same, and some that none does.
EMAILS = (
    "anne@example.com",
    "Anne@example.com",
    "ANNE@EXAMPLE.COM",
    "änne@example.com",
    "anne@example.com ",
    "bert@example.com",
    "日本@example.com",
    "😀@example.com",
    "x" * 308 + "@example.com",
    "",
)
text = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
) | st.just("ä" * 100)
long_text = text | st.just("token" * 250)
flags = st.booleans()
changes = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(EMAILS),
        "hashed_password": text,
        "is_active": flags,
        "is_superuser": flags,
        "is_verified": flags,
        "name": st.none() | text,
    },
)
secrets = st.fixed_dictionaries(
    {"access_token": long_text, "account_email": text},
    optional={
        "expires_at": st.none() | st.integers(-(2**31), 2**31 - 1),
        "refresh_token": st.none() | long_text,
    },
)
keys = st.tuples(
    st.sampled_from(["google", "github"]), st.sampled_from(["1", "2", "a", "A", "ä", ""])
)
accounts = st.lists(st.tuples(keys, secrets), max_size=3, unique_by=lambda pair: pair[0])
forms = st.sampled_from(FORMS)
tokens = st.sampled_from(["0", "1", "2", "3"])
times = st.integers(0, 5).map(lambda hours: NOON + timedelta(hours=hours))


def fold(email: str, database: str, indexed: bool) -> str:
    """Return what a database compares of an address in its unique index."""
    if database.startswith("mariadb"):
        letters = unicodedata.normalize("NFKD", email)
        return "".join(c for c in letters if not unicodedata.combining(c)).lower().rstrip(" ")
    return email.lower() if indexed else email


def in_other_case(email: str) -> str:
    """Return the address in other letters, but for those that not every database knows."""
    return "".join(letter.swapcase() if letter.isascii() else letter for letter in email)


def state_of(user: Any) -> dict[str, Any]:
    """Return the values of a user, as a form has handed it out."""
    values = {key: getattr(user, key) for key in FIELDS}
    linked = {
        account.id: {key: getattr(account, key) for key in ACCOUNT_FIELDS}
        for account in user.oauth_accounts
    }
    return {**values, "oauth_accounts": linked}


@dataclass
class Held:
    """A user that the app still holds, and the form that has handed it out."""

    form: str
    user: Any

    @property
    def id(self) -> Any:
        return self.user.id


@dataclass
class Model:
    """What the tables should hold."""

    users: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, tuple[UUID, datetime]] = field(default_factory=dict)

    def owner(self, key: tuple[str, str]) -> UUID | None:
        """Return the user to whom an external account is linked."""
        for user_id, user in self.users.items():
            if any(
                key == (a["oauth_name"], a["account_id"]) for a in user["oauth_accounts"].values()
            ):
                return user_id
        return None


class Equivalence(RuleBasedStateMachine):
    """One database, with or without the opt-in indexes."""

    loop: asyncio.AbstractEventLoop
    addresses: Addresses
    engine: AsyncEngine
    database: Database
    indexed: bool
    retries: int = 0
    on_step: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self) -> None:
        super().__init__()
        self.tables = declare(self.indexed)
        self.model = Model()
        self.held: list[Held] = []
        self.number = 0
        self.run(self._begin())

    @classmethod
    def run(cls, operation: Coroutine[Any, Any, Any]) -> Any:
        return cls.loop.run_until_complete(asyncio.wait_for(operation, 120))

    async def _begin(self) -> None:
        async with self.engine.begin() as connection:
            for table in reversed(self.tables.Base.metadata.sorted_tables):
                await connection.execute(table.delete())

    def act(self, form: str, action: Callable[[Any], Coroutine[Any, Any, Any]]) -> Any:
        """Do something through a form, and return what it returns, or the error."""

        async def request() -> Any:
            async with opened(
                form, self.engine, self.database, self.tables, self.retries
            ) as adapters:
                try:
                    return await action(adapters)
                except Exception as error:
                    return error

        self.on_step()
        return self.run(request())

    # --- what is done -------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.users) < MAX_USERS)
    @rule(form=forms, email=st.sampled_from(EMAILS), values=changes, given=accounts, same=flags)
    def create(self, form: str, email: str, values: Any, given: Any, same: bool) -> None:
        self.number += 1
        user_id = uuid5(NAMESPACE, str(self.number))
        is_taken_id = same and self.number % 4 == 0 and bool(self.model.users)
        if is_taken_id:
            user_id = next(iter(self.model.users))
        given = self._possible(given)
        row = {"hashed_password": "hash", **values, "email": email, "id": user_id}
        linked = [self._account(*pair) for pair in given]
        result = self.act(form, lambda a: a.users.create({**row, "oauth_accounts": linked}))
        if any(self.model.owner(key) for key, _ in given):
            self._refused(result, OAuthAccountAlreadyLinkedError)
        elif self._is_taken(email, None):
            self._refused(result, UserAlreadyExistsError)
        elif is_taken_id:
            # The database tells of the id, but is asked whose the address is, in any case.
            emails = [user["email"].lower() for user in self.model.users.values()]
            if not (isinstance(result, UserAlreadyExistsError) and email.lower() in emails):
                name = type(result).__name__
                assert "Integrity" in name or "Unique" in name, result
        else:
            defaults = {"is_active": True, "is_superuser": False, "is_verified": False}
            expected = {"name": None, **defaults, **row}
            del expected["id"]
            assert not isinstance(result, Exception), result
            assert result.id == user_id
            self._learn(user_id, {**expected, "oauth_accounts": given}, state_of(result))
            self._hold(form, result)
        self.check()

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, MAX_HELD), values=changes)
    def update(self, index: int, values: Any) -> None:
        held = self._choose(index)
        # A value that the object has already is none to write, whatever the row has by now.
        values = {k: v for k, v in values.items() if getattr(held.user, k) != v}
        before = state_of(held.user)
        result = self.act(held.form, lambda a: a.users.update(held.user, dict(values)))
        if held.id not in self.model.users:
            if values or held.form != "shim-legacy-databases":
                self._refused_or_idle(result, UserNotFoundError, values)
        elif "email" in values and self._is_taken(values["email"], held.id):
            self._refused(result, UserAlreadyExistsError)
            assert state_of(held.user) == before
        else:
            assert not isinstance(result, Exception), result
            self.model.users[held.id].update(values)
            assert {key: getattr(result, key) for key in values} == values
            self._hold(held.form, result)
        self.check()

    @precondition(lambda self: self.model.users)
    @rule(form=st.sampled_from(LEGACY), index=st.integers(0, MAX_USERS), values=changes)
    def write_whole(self, form: str, index: int, values: Any) -> None:
        """The legacy convention: a model is changed, and written as it is."""
        user_id = list(self.model.users)[index % len(self.model.users)]
        user = self.act(form, lambda a: a.users.get(user_id))
        user = user.model_copy(update=values)
        result = self.act(form, lambda a: a.users.update(user))
        if "email" in values and self._is_taken(values["email"], user_id):
            self._refused(result, UserAlreadyExistsError)
        else:
            assert not isinstance(result, Exception), result
            self.model.users[user_id].update(values)
            self._hold(form, result)
        self.check()

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, MAX_HELD), given=accounts)
    def replace_accounts(self, index: int, given: Any) -> None:
        held = self._choose(index)
        given = self._possible(given)
        linked = [self._account(*pair) for pair in given]
        before = state_of(held.user)
        result = self.act(
            held.form, lambda a: a.users.update(held.user, {"oauth_accounts": linked})
        )
        if held.id not in self.model.users:
            self._refused(result, UserNotFoundError)
        elif any(self.model.owner(key) not in (None, held.id) for key, _ in given):
            self._refused(result, OAuthAccountAlreadyLinkedError)
            assert state_of(held.user) == before
        else:
            assert not isinstance(result, Exception), result
            user = self.model.users[held.id]
            self._learn(held.id, {**user, "oauth_accounts": given}, state_of(result))
            self._hold(held.form, result)
        self.check()

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, MAX_HELD), key=keys, values=secrets, times=st.integers(1, 2))
    def link(self, index: int, key: Any, values: Any, times: int) -> None:
        held = self._choose(index)
        if not self._possible([(key, values)]):
            return
        for _ in range(times):
            result = self.act(
                held.form,
                lambda a: a.users.add_oauth_account(held.user, self._account(key, values)),
            )
        if held.id not in self.model.users:
            self._refused(result, UserNotFoundError)
        elif self.model.owner(key) not in (None, held.id):
            self._refused(result, OAuthAccountAlreadyLinkedError)
        else:
            assert not isinstance(result, Exception), result
            user = self.model.users[held.id]
            others = [
                ((a["oauth_name"], a["account_id"]), a)
                for a in user["oauth_accounts"].values()
                if (a["oauth_name"], a["account_id"]) != key
            ]
            given = [*others, (key, values)]
            self._learn(held.id, {**user, "oauth_accounts": given}, state_of(result))
            self._hold(held.form, result)
        self.check()

    @precondition(lambda self: any(held.user.oauth_accounts for held in self.held))
    @rule(index=st.integers(0, MAX_HELD), values=secrets, key=st.none() | keys)
    def change_account(self, index: int, values: Any, key: Any) -> None:
        with_accounts = [held for held in self.held if held.user.oauth_accounts]
        held = with_accounts[index % len(with_accounts)]
        account = held.user.oauth_accounts[index % len(held.user.oauth_accounts)]
        account_id = account.id
        if key is not None:
            is_own = held.id in self.model.users and self.model.owner(key) == held.id
            if is_own or key == (account.oauth_name, account.account_id):
                return
            if not self._possible([(key, values)]):
                return
            values = {**values, "oauth_name": key[0], "account_id": key[1]}
        result = self.act(
            held.form,
            lambda a: a.users.update_oauth_account(held.user, account, dict(values)),
        )
        if held.id not in self.model.users:
            self._refused(result, UserNotFoundError)
        elif key is not None and self.model.owner(key) not in (None, held.id):
            self._refused(result, OAuthAccountAlreadyLinkedError)
        elif account_id not in self.model.users[held.id]["oauth_accounts"]:
            self._refused(result, OAuthAccountNotFoundError)
        else:
            assert not isinstance(result, Exception), result
            self.model.users[held.id]["oauth_accounts"][account_id].update(values)
            self._hold(held.form, result)
        self.check()

    @precondition(lambda self: self.held)
    @rule(index=st.integers(0, MAX_HELD))
    def delete(self, index: int) -> None:
        held = self._choose(index)
        result = self.act(held.form, lambda a: a.users.delete(held.user))
        assert result is None, result
        if self.model.users.pop(held.id, None) and self.addresses.name != "sqlite":
            # Only SQLite does not enforce the tokens' foreign key.
            self.model.tokens = {
                token: (user_id, created_at)
                for token, (user_id, created_at) in self.model.tokens.items()
                if user_id != held.id
            }
        self.check()

    # --- access tokens ------------------------------------------------------------------------

    @precondition(lambda self: self.model.users)
    @rule(form=forms, token=tokens, created_at=times, index=st.integers(0, MAX_USERS))
    def create_token(self, form: str, token: str, created_at: datetime, index: int) -> None:
        user_id = list(self.model.users)[index % len(self.model.users)]
        row = {"token": token, "user_id": user_id, "created_at": created_at}
        result = self.act(form, lambda a: a.tokens.create(row))
        if token in self.model.tokens:
            assert "Integrity" in type(result).__name__ or "Unique" in type(result).__name__, result
        else:
            assert (result.token, result.created_at) == (token, created_at)
            self.model.tokens[token] = (user_id, created_at)
        self.check()

    @rule(form=forms, token=tokens, created_at=times, overtaken=flags)
    def change_token(self, form: str, token: str, created_at: datetime, overtaken: bool) -> None:
        found = self.act(form, lambda a: a.tokens.get_by_token(token))
        if found is None:
            assert token not in self.model.tokens
            return
        if overtaken:
            self.act("orm", lambda a: a.tokens.delete_expired(NOON + timedelta(days=1)))
            self.model.tokens.clear()
        if found.created_at == created_at:
            return
        result = self.act(form, lambda a: a.tokens.update(found, {"created_at": created_at}))
        if overtaken:
            self._refused(result, AccessTokenNotFoundError)
        else:
            assert result.created_at == created_at
            self.model.tokens[token] = (found.user_id, created_at)
        self.check()

    @rule(form=forms, token=tokens)
    def delete_token(self, form: str, token: str) -> None:
        found = self.act(form, lambda a: a.tokens.get_by_token(token))
        assert (found is not None) == (token in self.model.tokens)
        if found is not None:
            for _ in range(2):
                assert self.act(form, lambda a: a.tokens.delete(found)) is None
            del self.model.tokens[token]
        self.check()

    @rule(form=forms, max_age=times, batch_size=st.integers(1, 3))
    def delete_expired(self, form: str, max_age: datetime, batch_size: int) -> None:
        result = self.act(form, lambda a: a.tokens.delete_expired(max_age, batch_size=batch_size))
        left = {t: row for t, row in self.model.tokens.items() if row[1] >= max_age}
        assert result == len(self.model.tokens) - len(left)
        self.model.tokens = left
        self.check()

    # --- what is read -------------------------------------------------------------------------

    def check(self) -> None:
        """Read everything, through either adapter."""
        for form in READERS:
            result = self.act(form, self._compare)
            if isinstance(result, Exception):
                raise result

    @rule(form=forms)
    def read_through(self, form: str) -> None:
        """Read everything, through any form."""
        result = self.act(form, self._compare)
        if isinstance(result, Exception):
            raise result

    async def _compare(self, adapters: Any) -> None:
        for user_id, expected in self.model.users.items():
            assert state_of(await adapters.users.get(user_id)) == expected
            for email in {expected["email"], in_other_case(expected["email"])}:
                await self._compare_email(adapters, email)
            for account in expected["oauth_accounts"].values():
                key = account["oauth_name"], account["account_id"]
                assert (await adapters.users.get_by_oauth_account(*key)).id == user_id
        for held in self.held:
            if held.id not in self.model.users:
                assert await adapters.users.get(held.id) is None
        email = EMAILS[self.number % len(EMAILS)]
        await self._compare_email(adapters, email)
        for token in ("0", "1", "2", "3"):
            found = await adapters.tokens.get_by_token(token)
            stored = None if found is None else (found.user_id, found.created_at)
            assert stored == self.model.tokens.get(token)
            late = await adapters.tokens.get_by_token(token, NOON + timedelta(hours=3))
            is_late = stored is not None and stored[1] >= NOON + timedelta(hours=3)
            assert (late is not None) == is_late

    async def _compare_email(self, adapters: Any, email: str) -> None:
        found = await adapters.users.get_by_email(email)
        stored = {user["email"]: user_id for user_id, user in self.model.users.items()}
        if email in stored:
            assert found.id == stored[email]
            return
        same = {user_id for address, user_id in stored.items() if address.lower() == email.lower()}
        assert (found is None and not same) or found.id in same

    # --- helpers ------------------------------------------------------------------------------

    def _account(self, key: tuple[str, str], values: Any) -> dict[str, Any]:
        return {**values, "oauth_name": key[0], "account_id": key[1]}

    def _possible(self, given: Any) -> Any:
        """Return those external accounts that the index keeps apart: MariaDB's ignores case."""
        if self.indexed and self.addresses.name.startswith("mariadb"):
            return [pair for pair in given if pair[0][1] in ("1", "2", "a")]
        return given

    def _is_taken(self, email: str, but: Any) -> bool:
        folded = fold(email, self.addresses.name, self.indexed)
        return any(
            fold(user["email"], self.addresses.name, self.indexed) == folded
            for user_id, user in self.model.users.items()
            if user_id != but
        )

    def _refused(self, result: Any, error: type[Exception]) -> None:
        assert isinstance(result, error), repr(result)

    def _refused_or_idle(self, result: Any, error: type[Exception], values: Any) -> None:
        """Without anything to write nobody need notice that the user is gone."""
        assert isinstance(result, error) or not values, repr(result)

    def _learn(self, user_id: UUID, expected: dict[str, Any], found: dict[str, Any]) -> None:
        """Take over a user as it should be, with the ids that its accounts have been given."""
        before = self.model.users.get(user_id, {"oauth_accounts": {}})["oauth_accounts"]
        old = {(a["oauth_name"], a["account_id"]): (i, a) for i, a in before.items()}
        ids = {
            (a["oauth_name"], a["account_id"]): account_id
            for account_id, a in found["oauth_accounts"].items()
        }
        linked = {}
        for key, values in expected["oauth_accounts"]:
            old_id, old_values = old.get(key, (None, {"expires_at": None, "refresh_token": None}))
            assert key in ids, f"{key} was not linked."
            account_id = ids[key]
            assert old_id in (None, account_id)
            linked[account_id] = {**old_values, **self._account(key, values)}
        self.model.users[user_id] = {**expected, "oauth_accounts": linked}
        assert found["oauth_accounts"] == linked

    def _hold(self, form: str, user: Any) -> None:
        self.held = [h for h in self.held if h.user is not user][-MAX_HELD + 1 :]
        self.held.append(Held(form, user))

    def _choose(self, index: int) -> Held:
        return self.held[index % len(self.held)]


@contextmanager
def machine(
    addresses: Addresses, *, indexed: bool, isolation: str | None = None, **attributes: Any
) -> Iterator[type[Equivalence]]:
    """Give the machine for one database, whose tables are created.

    Parameters:
        addresses: the database.
        indexed: whether the tables have the indexes that are opt-in.
        isolation: the level of all transactions; the server's if not given.
        **attributes: the machine's.
    """
    of_engine, of_databases = isolated(addresses.name, isolation)
    pool: dict[str, Any] = {} if addresses.name == "sqlite" else {"min_size": 1, "max_size": 3}
    open_ = {
        "loop": asyncio.new_event_loop(),
        "engine": create_async_engine(addresses.orm, **of_engine),
        "database": Database(addresses.databases, **pool, **of_databases),
    }
    here = type(
        "EquivalenceHere",
        (Equivalence,),
        {"addresses": addresses, "indexed": indexed, **open_, **attributes},
    )
    here.run(create_tables(addresses, declare(indexed).Base.metadata))
    here.run(here.database.connect())
    try:
        yield here
    finally:
        here.run(here.database.disconnect())
        here.run(here.engine.dispose())
        here.loop.close()
