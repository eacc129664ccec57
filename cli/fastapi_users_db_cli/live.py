"""The app itself, imported and asked for its adapters: what `doctor` and `verify` work on."""

from __future__ import annotations

import asyncio
import configparser
import importlib
import os
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase
from fastapi_users_db_cli.backends import DRIVERS
from fastapi_users_db_cli.errors import UnusableError

__all__ = [
    "OAUTH_ACCOUNTS",
    "USERS",
    "Target",
    "Work",
    "fetch",
    "load",
    "read_only",
    "run",
    "say",
    "table_of",
]

Work = Callable[[Any, Any], Awaitable[None]]
"""Is given an adapter and its manager, which is `None` where the object has none."""
_TIMEOUT = "10min"


def load(name: str) -> Any:
    """Import what `MODULE:OBJECT` names.

    Raises:
        UnusableError: it cannot be imported.
    """
    module, colon, attributes = name.partition(":")
    if not colon:
        raise UnusableError(f"{name!r} is not of the form MODULE:OBJECT")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except Exception as error:
        last = traceback.format_exception_only(error)[-1].strip()
        raise UnusableError(
            f"{name} cannot be imported: {last}\n"
            "Is this the environment of the app, and its folder? Are the settings there that it "
            "reads?"
        ) from error
    return found


class Target:
    """An app's dependency, its `FastAPIUsers`, or mapped classes with a database.

    Parameters:
        name: `MODULE:OBJECT`.
        oauth: the mapped class of OAuth accounts, where the object is a mapped class.
        url: the database, where the object is a mapped class.
        config: the file of Alembic's that names the database, where nothing else does.
    """

    def __init__(
        self,
        name: str,
        oauth: str | None = None,
        url: str | None = None,
        config: str = "alembic.ini",
    ) -> None:
        self.object = load(name)
        self.oauth = load(oauth) if oauth else None
        self.url = url or os.environ.get("DATABASE_URL") or _url_in(config)

    async def use(self, work: Work) -> None:
        """Call a function with the adapter and the manager, while their session lives.

        Raises:
            UnusableError: there is no adapter in it.
        """
        if isinstance(self.object, type):
            await self._with_session(work)
        else:
            await _with_dependency(self.object, work)

    async def _with_session(self, work: Work) -> None:
        if self.url is None:
            raise UnusableError(
                "a mapped class needs a database: --database, $DATABASE_URL or alembic.ini"
            )
        url = make_url(self.url)
        driver = url.drivername if "+" in url.drivername else DRIVERS.get(url.drivername)
        engine = create_async_engine(
            url.set(drivername=driver or url.drivername), poolclass=NullPool
        )
        try:
            async with AsyncSession(engine) as session:
                if hasattr(self.object, "token"):
                    await work(SQLAlchemyAccessTokenDatabase(session, self.object), None)
                else:
                    await work(SQLAlchemyUserDatabase(session, self.object, self.oauth), None)
        finally:
            await engine.dispose()


def _url_in(config: str) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(config)
    return parser.get("alembic", "sqlalchemy.url", fallback=None)


async def _with_dependency(found: Any, work: Work) -> None:
    """Let FastAPI call a dependency as it does for a request."""
    dependency = found.get_user_manager if isinstance(found, FastAPIUsers) else found
    if not callable(dependency):
        raise UnusableError(f"{found!r} is no dependency, no FastAPIUsers and no mapped class")
    app, raised = FastAPI(), list[BaseException]()

    @app.get("/")
    async def probe(given: Any = Depends(dependency)) -> None:  # noqa: B008
        manager = given if isinstance(given, BaseUserManager) else None
        adapter = given if manager is None else manager.user_db
        if not hasattr(adapter, "check_schema"):
            name = type(adapter).__name__
            raised.append(UnusableError(f"{name} is no adapter of fastapi-users-db"))
            return
        try:
            await work(adapter, manager)
        except Exception as error:  # FastAPI would answer 500 and say nothing
            raised.append(error)

    async def ignore(*_: Any) -> Any:
        """Receive no body, and throw the answer away."""

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "root_path": "",
        "headers": [],
    }
    await app(scope, ignore, ignore)
    if raised:
        raise raised[0]


@asynccontextmanager
async def read_only(adapter: Any) -> AsyncIterator[str]:
    """Give the name of an adapter's database, and let nothing be written in the meantime."""
    if hasattr(adapter, "session"):
        connection = await adapter.session.connection()
        name: str = connection.dialect.name
        for statement in _BEFORE[name]:
            await connection.execute(text(statement))
        try:
            yield name
        finally:
            await adapter.session.rollback()
            if name == "sqlite":
                connection = await adapter.session.connection()
                await connection.execute(text("PRAGMA query_only = OFF"))
        return
    database = adapter.database
    was_connected = database.is_connected
    if not was_connected:
        await database.connect()
    try:
        async with database.connection() as connection:
            name = make_url(str(database.url)).get_backend_name()
            if name == "mysql":
                # It is about the next transaction: in one that has begun it is an error.
                await connection.execute(_BEFORE[name][0])
            async with connection.transaction(force_rollback=True):
                for statement in _BEFORE[name] if name == "postgresql" else ():
                    await connection.execute(statement)
                yield name
    finally:
        if not was_connected:
            await database.disconnect()


_BEFORE = {
    "postgresql": ("SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = '{_TIMEOUT}'"),
    "mysql": ("SET TRANSACTION READ ONLY",),
    "mariadb": ("SET TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}


# The shim's adapters over `databases` have the names of that time.
USERS = ("user_table", "users")
OAUTH_ACCOUNTS = ("oauth_account_table", "oauth_accounts")
ACCESS_TOKENS = ("access_token_table", "access_tokens")


def table_of(adapter: Any, names: Sequence[str] = (*USERS, *ACCESS_TOKENS)) -> Any:
    """Return the table that an adapter has under one of these names, or `None`."""
    tables = [getattr(adapter, name, None) for name in names]
    table = next((each for each in tables if each is not None), None)
    return getattr(table, "__table__", table)


async def fetch(adapter: Any, statement: Any) -> list[Sequence[Any]]:
    """Return the rows of a statement, through what the adapter itself works through."""
    try:
        if hasattr(adapter, "session"):
            return list((await adapter.session.execute(statement)).all())
        indexes = range(len(statement.selected_columns))
        rows = await adapter.database.fetch_all(statement)
        return [[row[index] for index in indexes] for row in rows]
    except (ValueError, AttributeError) as error:
        # Not the error's own text: it may quote the value.
        raise UnusableError(
            "a row cannot be read: a column of it has another type than its values; see doctor"
        ) from error


def run(targets: Sequence[Target], work: Work) -> None:
    """Do some work with each target.

    Raises:
        UnusableError: the database does not answer.
    """

    async def all_of_them() -> None:
        for target in targets:
            await target.use(work)

    try:
        asyncio.run(all_of_them())
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UnusableError(
            f"the database does not answer: {type(error).__name__}: {reason}"
        ) from error


def say(message: str) -> None:
    """Say how far it is, where a person is watching."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{message}")
        sys.stderr.flush()
