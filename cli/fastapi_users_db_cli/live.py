"""The app itself, imported and asked for its adapters: what `doctor` works on."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase
from fastapi_users_db_cli.backends import DRIVERS
from fastapi_users_db_cli.files import UnusableError

__all__ = ["Target", "load"]

Work = Callable[[Any], Awaitable[None]]


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
    """

    def __init__(self, name: str, oauth: str | None = None, url: str | None = None) -> None:
        self.object = load(name)
        self.oauth = load(oauth) if oauth else None
        self.url = url or os.environ.get("DATABASE_URL")

    async def use(self, work: Work) -> None:
        """Call a function with the adapter, while its session lives.

        Raises:
            UnusableError: there is no adapter in it.
        """
        if isinstance(self.object, type):
            await self._with_session(work)
        else:
            await _with_dependency(self.object, work)

    async def _with_session(self, work: Work) -> None:
        if self.url is None:
            raise UnusableError("a mapped class needs a database: --database or $DATABASE_URL")
        url = make_url(self.url)
        driver = url.drivername if "+" in url.drivername else DRIVERS.get(url.drivername)
        engine = create_async_engine(
            url.set(drivername=driver or url.drivername), poolclass=NullPool
        )
        try:
            async with AsyncSession(engine) as session:
                if hasattr(self.object, "token"):
                    await work(SQLAlchemyAccessTokenDatabase(session, self.object))
                else:
                    await work(SQLAlchemyUserDatabase(session, self.object, self.oauth))
        finally:
            await engine.dispose()


async def _with_dependency(found: Any, work: Work) -> None:
    """Let FastAPI call a dependency as it does for a request."""
    dependency = found.get_user_manager if isinstance(found, FastAPIUsers) else found
    if not callable(dependency):
        raise UnusableError(f"{found!r} is no dependency, no FastAPIUsers and no mapped class")
    app, raised = FastAPI(), list[BaseException]()

    @app.get("/")
    async def probe(given: Any = Depends(dependency)) -> None:  # noqa: B008
        adapter = given.user_db if isinstance(given, BaseUserManager) else given
        if not (hasattr(adapter, "check_schema") and hasattr(adapter, "session")):
            kind = "no adapter of fastapi-users-db that works through a session"
            raised.append(UnusableError(f"{type(adapter).__name__} is {kind}"))
            return
        try:
            await work(adapter)
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


async def read_only(adapter: Any) -> str:
    """Make the transaction of an adapter one that cannot write, and return its database's name."""
    connection = await adapter.session.connection()
    name: str = connection.dialect.name
    if name == "postgresql":
        await connection.execute(text("SET TRANSACTION READ ONLY"))
    return name
