"""`verify`: whether each user in the database can log in to the app as it is now.

It reads every user as the app does for a request, through its manager. It knows no password, so it
does not show that one is right: it shows that the hash is one that the installed helper reads.
"""

from __future__ import annotations

import inspect
import json
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi_users.password import PasswordHelper
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from fastapi_users_db.deprecation import DOCUMENTATION
from fastapi_users_db_cli.live import (
    OAUTH_ACCOUNTS,
    USERS,
    Target,
    fetch,
    read_only,
    run,
    say,
    table_of,
)
from fastapi_users_db_cli.remarks import Remark

__all__ = ["CHECKS", "Verified", "as_json", "as_table", "remarks", "verify"]

CHECKS = {
    "loaded": "users are loaded by their id",
    "found-by-email": "are found by their address",
    "found-in-any-case": "are found by their address in capitals",
    "known-hash": "have a hash that the installed helper reads",
    "room-for-hash": "have room for the next hash",
    "session": "are who their new session says",
    "accounts": "OAuth accounts belong to a user",
    "tokens": "access tokens belong to a user",
}
ADDRESS = f"{DOCUMENTATION}/migrating/tool/#the-users"
BATCH = 1_000


@dataclass
class Verified:
    """How many rows pass each check, and the ids of those that do not."""

    good: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    bad: dict[str, list[str]] = field(default_factory=lambda: {each: [] for each in CHECKS})

    def note(self, check: str, id_: Any, *, is_good: bool) -> None:
        """Note what came of a check."""
        if is_good:
            self.good[check] += 1
        else:
            self.bad[check].append(str(id_))

    @property
    def is_sound(self) -> bool:
        """Whether all rows pass all checks."""
        return not any(self.bad.values())


def verify(targets: Sequence[Target], *, sample: int | None = None, deep: bool = False) -> Verified:
    """Read all users, and all rows that belong to them. It changes nothing.

    Parameters:
        targets: the users, and the access tokens if there are any.
        sample: so many users at most.
        deep: try each hash, not only one of each kind.

    Raises:
        UnusableError: the database does not answer.
    """
    found = Verified()

    async def work(adapter: Any, manager: Any) -> None:
        async with read_only(adapter):
            if table_of(adapter, USERS) is not None:
                strategies = await _strategies(targets[0].object)
                users = _Users(adapter, manager, strategies, found, deep=deep)
                await users.verify(sample)
            else:
                await _belonging(adapter, table_of(adapter), "token", "tokens", found)
        say("")

    run(targets, work)
    return found


async def _strategies(frontend: Any) -> list[Any]:
    """Return the strategies that write a session without writing a row."""
    backends = getattr(getattr(frontend, "authenticator", None), "backends", ())
    found = []
    for backend in backends:
        if not inspect.signature(backend.get_strategy).parameters:
            strategy = backend.get_strategy()
            found += [strategy] if hasattr(strategy, "secret") else []
    return found


class _Users:
    def __init__(
        self, adapter: Any, manager: Any, strategies: list[Any], found: Verified, *, deep: bool
    ) -> None:
        self.adapter = adapter
        self.manager = manager
        self.reader = adapter if manager is None else manager
        self.helper = getattr(manager, "password_helper", None) or PasswordHelper()
        self.strategies = strategies
        self.found = found
        self.deep = deep
        self.kinds: dict[Any, bool] = {}

    async def verify(self, sample: int | None) -> None:
        table = table_of(self.adapter)
        [[total]] = await fetch(self.adapter, select(func.count()).select_from(table))
        problems = await self.adapter.check_schema()
        has_room = not any(
            (each.code, each.table, each.column) == ("narrow-column", table.name, "hashed_password")
            for each in problems
        )
        async for id_ in self.ids(table, sample):
            self.found.note("room-for-hash", id_, is_good=has_room)
            await self.verify_user(id_)
            say(f"{self.found.good['room-for-hash'] or '...'} of {total} users")
        accounts = table_of(self.adapter, OAUTH_ACCOUNTS)
        if accounts is not None:
            await _belonging(self.adapter, accounts, "id", "accounts", self.found, users=table)

    async def ids(self, table: Any, sample: int | None) -> AsyncIterator[Any]:
        """Go through the ids, a batch after the other. A table without a key may lack some."""
        missing = select(func.count()).select_from(table).where(table.c.id.is_(None))
        [[lacking]] = await fetch(self.adapter, missing)
        for _ in range(lacking):
            self.found.note("loaded", None, is_good=False)
        async for (id_,) in _rows(self.adapter, select(table.c.id), table.c.id, sample):
            yield id_

    async def verify_user(self, id_: Any) -> None:
        # FastAPI Users 9 and older have no `parse_id`: routes take a UUID.
        parse = getattr(self.manager, "parse_id", None)
        user = await self.read("get", parse(str(id_)) if parse else id_)
        if user is None or user.id != id_:
            self.found.note("loaded", id_, is_good=False)
            return
        self.found.note("loaded", id_, is_good=True)
        capitals = "".join(each.upper() if each.isascii() else each for each in user.email)
        for check, email in (("found-by-email", user.email), ("found-in-any-case", capitals)):
            found = await self.read("get_by_email", email)
            self.found.note(check, id_, is_good=found is not None and found.id == id_)
        self.found.note("known-hash", id_, is_good=self.is_known(user.hashed_password))
        for strategy in self.strategies:
            is_same = await self.is_same(strategy, user)
            self.found.note("session", id_, is_good=is_same)

    async def read(self, method: str, value: Any) -> Any:
        try:
            return await getattr(self.reader, method)(value)
        except DBAPIError:
            raise  # It is about the table, not about this row.
        except Exception:  # whatever the app's own classes raise: this user cannot log in
            return None

    def is_known(self, hashed: str) -> bool:
        """Tell whether the helper reads a hash: one of each kind is tried, or each."""
        kind = hashed if self.deep else _kind(hashed)
        if kind not in self.kinds:
            try:
                accepted, _ = self.helper.verify_and_update(secrets.token_urlsafe(), hashed)
            except Exception:  # each helper has its own for what it does not know
                accepted = True
            self.kinds[kind] = not accepted
        return self.kinds[kind]

    async def is_same(self, strategy: Any, user: Any) -> bool:
        token = await strategy.write_token(user)
        again = await strategy.read_token(token, self.manager)
        return again is not None and again.id == user.id


def _kind(hashed: str) -> tuple[str, ...]:
    """Return the scheme of a hash, its cost, and how long each part of it is."""
    *known, last = hashed.split("$")
    salted = len(known) > 4
    lengths = re.sub(r"[^$]", "x", "$".join([*(known[4:] if salted else []), last]))
    return (*(known[:4] if salted else known), lengths)


async def _belonging(
    adapter: Any, table: Any, key: str, check: str, found: Verified, users: Any = None
) -> None:
    """Count the rows of a table whose user is there."""
    if users is None:
        # Nothing else says whose tokens they are.
        [reference] = table.c.user_id.foreign_keys
        owners = reference.column
    else:
        owners = users.c.id
    shown = table.c.user_id if key == "token" else table.c.id
    joined = table.outerjoin(owners.table, table.c.user_id == owners)
    statement = select(table.c[key], shown.label("shown"), owners.label("owner"))
    async for _, id_, owner in _rows(adapter, statement.select_from(joined), table.c[key]):
        found.note(check, id_, is_good=owner is not None)


async def _rows(
    adapter: Any, statement: Any, key: Any, sample: int | None = None
) -> AsyncIterator[Sequence[Any]]:
    """Go through rows in the order of their first column, so many at a time: memory stays flat."""
    last, left = None, sample
    while left is None or left > 0:
        size = BATCH if left is None else min(BATCH, left)
        batch = statement.where(key.is_not(None)).order_by(key).limit(size)
        rows = await fetch(adapter, batch if last is None else batch.where(key > last))
        for row in rows:
            yield row
        if len(rows) < size:
            return
        last = rows[-1][0]
        left = None if left is None else left - size
        if hasattr(adapter, "session"):
            adapter.session.expunge_all()


def as_json(found: Verified, *, ids: bool) -> str:
    """Return it as JSON: the same on the old and on the new stack, if nothing is lost."""
    checks = {
        check: {
            "good": found.good[check],
            "bad": len(found.bad[check]),
            **({"ids": found.bad[check]} if ids else {}),
        }
        for check in CHECKS
    }
    return json.dumps({"version": 1, "checks": checks}, indent=2) + "\n"


def remarks(found: Verified, *, ids: bool) -> list[Remark]:
    """Return for other programs what not everybody passes."""
    made = []
    for check, says in CHECKS.items():
        good, bad = found.good[check], found.bad[check]
        if bad:
            named = f"; not {', '.join(bad)}" if ids else ""
            message = f"{good} of {good + len(bad)} {says}{named}"
            made.append(Remark(check, "error", "", message, says, ADDRESS))
    return made


def as_table(found: Verified, *, ids: bool) -> str:
    """Return it as a table."""
    lines = []
    for check, says in CHECKS.items():
        good, bad = found.good[check], found.bad[check]
        if good or bad:
            lines.append(f"{good:>9} of {good + len(bad):>9}  {says}  [{check}]")
            lines += [f"           not {each}" for each in bad] if ids else []
    lines.append("Everybody can log in." if found.is_sound else "Not everybody can log in.")
    return "\n".join(lines) + "\n"
