"""The databases that are measured: with names of their own, seeded, and dropped in the end."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import DeclarativeBase

import fastapi_users_db as ours
from benchmarks import data
from tests import servers

EMAIL_INDEX = 'CREATE UNIQUE INDEX email_any_case ON "user" (lower(email))'

# PostgreSQL makes the rows itself, with the ids of `data.user_id`.
_ID = "overlay(overlay(md5({}) placing '4' from 13) placing '8' from 17)::uuid"
_USER_ID = _ID.format("n::text")
_ON_POSTGRESQL = [
    f"""INSERT INTO "user" (id, email, hashed_password, is_active, is_superuser, is_verified)
       SELECT {_USER_ID}, 'user' || n || '@example.com', :hash, true, false, true
       FROM generate_series(CAST(:first AS int), :last) AS n""",
    f"""INSERT INTO oauth_account
       (id, user_id, oauth_name, access_token, expires_at, account_id, account_email)
       SELECT {_ID.format("'account' || n")}, {_USER_ID}, 'provider', repeat('a', 200), 1,
       'account' || n, 'user' || n || '@provider.example.com'
       FROM generate_series(CAST(:first AS int), :last, :every) AS n""",
    f"""INSERT INTO accesstoken (token, created_at, user_id)
       SELECT 'token-of-user-' || n, now(), {_USER_ID}
       FROM generate_series(CAST(:first AS int), :last, :every) AS n""",
]
_EXPIRED_ON_POSTGRESQL = f"""
    INSERT INTO accesstoken (token, created_at, user_id)
    SELECT 'old-' || n, now() - (n % 2) * interval '30 days', {_ID.format("'0'")}
    FROM generate_series(1, CAST(:tokens AS int)) AS n"""


class Base(DeclarativeBase):
    """The tables that all sides share."""


class User(ours.SQLAlchemyBaseUserTableUUID, Base):
    """A user."""


class OAuthAccount(ours.SQLAlchemyBaseOAuthAccountTableUUID, Base):
    """An OAuth account."""


ours.unique_oauth_account_index(OAuthAccount)


class AccessToken(ours.SQLAlchemyBaseAccessTokenTableUUID, Base):
    """An access token."""


class Store:
    """One database.

    Attributes:
        name: the kind of database.
        url: its address, without a driver.
        users: how many users it is seeded with.
    """

    def __init__(self, name: str, url: URL) -> None:
        self.name = name
        self.url = url
        self.users = 0
        driver = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}[name]
        self._engine: Engine = create_engine(url.set(drivername=driver))
        Base.metadata.create_all(self._engine)

    def address(self, backend: str) -> str:
        """Return the address as a backend writes it: `orm` or `databases`."""
        drivers = {
            ("sqlite", "orm"): "sqlite+aiosqlite",
            ("postgresql", "orm"): "postgresql+asyncpg",
        }
        url = self.url.set(drivername=drivers.get((self.name, backend), self.name))
        return url.render_as_string(hide_password=False)

    def grow(self, users: int) -> None:
        """Seed more users, until there are as many."""
        if users <= self.users:
            return
        if self.name == "postgresql":
            values = {"hash": data.HASH, "first": self.users, "last": users - 1}
            for statement in _ON_POSTGRESQL:
                self.execute(statement, {**values, "every": data.EVERY})
            self.execute("VACUUM ANALYZE")
        else:
            self._grow_on_sqlite(range(self.users, users))
        self.users = users

    def _grow_on_sqlite(self, numbers: range) -> None:
        now = datetime.now(timezone.utc).replace(tzinfo=None).isoformat(" ")
        with contextlib.closing(sqlite3.connect(str(self.url.database))) as connection:
            connection.executemany(
                'INSERT INTO "user" (id, email, hashed_password, is_active, is_superuser, '
                "is_verified) VALUES (?, ?, ?, 1, 0, 1)",
                ((str(data.user_id(n)), data.email(n), data.HASH) for n in numbers),
            )
            some = range(numbers.start, numbers.stop, data.EVERY)
            connection.executemany(
                "INSERT INTO oauth_account (id, user_id, oauth_name, access_token, account_id, "
                "account_email) VALUES (?, ?, 'provider', ?, ?, ?)",
                (
                    (
                        str(data.user_id(-n - 1)),
                        str(data.user_id(n)),
                        "a" * 200,
                        data.account_id(n),
                        data.email(n),
                    )
                    for n in some
                ),
            )
            connection.executemany(
                "INSERT INTO accesstoken (token, created_at, user_id) VALUES (?, ?, ?)",
                ((data.token(n), now, str(data.user_id(n))) for n in some),
            )
            connection.commit()
            connection.execute("ANALYZE")

    def add_tokens(self, tokens: int) -> None:
        """Add access tokens of the first user, half of which are a month old."""
        if self.name == "postgresql":
            self.execute(_EXPIRED_ON_POSTGRESQL, {"tokens": tokens})
            self.execute("VACUUM ANALYZE accesstoken")
            return
        now = datetime.now(timezone.utc)
        ages = (now, now - timedelta(days=30))
        with self._engine.begin() as connection:
            rows = [
                {"token": f"old-{n}", "created_at": ages[n % 2], "user_id": data.user_id(0)}
                for n in range(1, tokens + 1)
            ]
            connection.execute(insert(AccessToken), rows)

    def execute(self, statement: str, values: dict[str, Any] | None = None) -> None:
        """Execute a statement that returns nothing, outside a transaction."""
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement), values or {})

    def close(self) -> None:
        """Close the connections that seeded it."""
        self._engine.dispose()


@contextlib.contextmanager
def new_store(name: str) -> Iterator[Store]:
    """Create a database, by its kind, and drop it in the end, also when interrupted."""
    with contextlib.ExitStack() as stack:
        if name == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
            url = URL.create("sqlite", database=str(Path(folder) / "database.db"))
        else:
            server = stack.enter_context(servers.running(servers.POSTGRESQL))
            url = stack.enter_context(servers.database(servers.POSTGRESQL, server))
        store = Store(name, url)
        stack.callback(store.close)
        yield store
