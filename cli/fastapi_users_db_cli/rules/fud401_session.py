"""The adapter is given a session and the mapped classes, in place of a `Database` and tables.

The URL stays as it is, so that a synchronous engine on it goes on working.

Before:

    from databases import Database
    from fastapi_users import models
    from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(models.BaseUserDB):
        pass


    DATABASE_URL = "postgresql://localhost/app"
    database = Database(DATABASE_URL)


    async def get_user_db():
        yield SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)

After:

    from databases import Database
    from fastapi_users import models
    from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(models.BaseUserDB):
        pass


    DATABASE_URL = "postgresql://localhost/app"
    database = Database(DATABASE_URL)
    async_engine = create_async_engine(make_url(DATABASE_URL).set(drivername="postgresql+asyncpg"))
    async_session_maker = async_sessionmaker(async_engine, expire_on_commit=False)


    async def get_user_db():
        async with async_session_maker() as session:
            yield SQLAlchemyUserDatabase(UserDB, session, UserTable)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import (
    ENGINE,
    SESSION_MAKER,
    Backend,
    backend_of,
    driver_of,
    names_driver,
    url_of,
)
from fastapi_users_db_cli.facts import OURS, TOKEN_ADAPTER, USER_ADAPTER, Adapter, Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.places import calls
from fastapi_users_db_cli.source import FUNCTIONS, Source

_OURS = {
    "DatabasesUserDatabase": USER_ADAPTER,
    "DatabasesAccessTokenDatabase": TOKEN_ADAPTER,
}


def find(facts: Facts) -> Iterator[Finding]:
    ours = list(_adapters(facts))
    for adapter in [*facts.adapters, *ours]:
        backend = backend_of(facts, adapter.source, adapter.backend)
        source, call = adapter.source, adapter.call
        if backend is None:
            if facts.is_of_tables(adapter):
                message = "where is its `Database`? A module has to have it under a name"
                yield Finding(source, call, message=message, fix="manual")
            continue
        function = source.enclosing(call, *FUNCTIONS)
        statement = source.statement(call)
        is_whole = isinstance(statement, ast.Return) and statement.value is call
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield):
            is_whole = statement.value.value is call
        if function is None or not is_whole:
            continue
        if source.shares_line(statement) and statement is not source.block(statement)[0]:
            message = "the adapter is handed out on the line of another statement: part them first"
            yield Finding(source, call, message=message, fix="manual")
            continue
        driver = driver_of(facts, backend)
        table = facts.table_class(source, adapter.table)
        if driver is None:
            message = "which driver is it? Name it with --driver, such as postgresql+asyncpg"
            yield Finding(source, call, message=message, fix="manual")
        elif table is None:
            message = "the adapter needs a mapped class, and the app has none for this table"
            yield Finding(source, adapter.table or call, message=message, fix="manual")
        else:
            change = Change(facts.project)
            add_engine(facts, change, backend, driver)
            text = adapter_text(facts, change, source, adapter)
            if adapter in ours:
                text = _renamed(facts, change, adapter, text)
            with_session(change, source, function, statement, backend, text)
            yield Finding(source, call, change, fix="unsafe" if backend.call.keywords else None)


def _adapters(facts: Facts) -> Iterator[Adapter]:
    """Go through the calls of the adapters that this package has for `databases`."""
    for source, call, name in calls(facts, OURS, *_OURS):
        if not any(each.arg in ("user_model", "access_token_model") for each in call.keywords):
            yield facts.adapter(source, call, is_user=_OURS[name] == USER_ADAPTER)


def _renamed(facts: Facts, change: Change, adapter: Adapter, text: str) -> str:
    """Let the adapter for sessions take the place of the other, in annotations too."""
    source, func = adapter.source, adapter.call.func
    named = unsubscripted(func)
    old = facts.project.resolve(source, named) or ""
    new = change.name(source, f"fastapi_users_db.{_OURS[old.rpartition('.')[2]]}")
    for place, node in facts.project.references(old):
        if place is source and not _is_called(source, node):
            change.replace(source, node, new)
    retries = [source.code(each) for each in adapter.call.keywords if each.arg == "retries"]
    arguments = ", ".join([text.removeprefix(source.code(func))[1:-1], *retries])
    return f"{new}{source.code(func).removeprefix(source.code(named))}({arguments})"


def _is_called(source: Source, node: ast.AST) -> bool:
    """Tell whether a name is called, also with type arguments."""
    parent = source.parents[node]
    if isinstance(parent, ast.Subscript) and parent.value is node:
        node, parent = parent, source.parents[parent]
    return isinstance(parent, ast.Call) and parent.func is node


def add_engine(facts: Facts, change: Change, backend: Backend, driver: str) -> None:
    """Put an engine and a maker of sessions beside a `Database`."""
    if backend.has_engine:
        return
    source = backend.source
    argument = backend.call.args[0]
    url = source.code(argument)
    if not names_driver(facts, backend, driver):
        options = ", query={}" if "?" in (url_of(facts, source, argument) or "") else ""
        make_url = change.name(source, "sqlalchemy.engine.make_url")
        url = f'{make_url}({url}).set(drivername="{driver}"{options})'
    create = change.name(source, "sqlalchemy.ext.asyncio.create_async_engine")
    maker = change.name(source, "sqlalchemy.ext.asyncio.async_sessionmaker")
    engine = f"{ENGINE} = {create}({url})"
    sessions = f"{SESSION_MAKER} = {maker}({ENGINE}, expire_on_commit=False)"
    indent = source.newline + source.indent(backend.statement)
    lines = "".join(indent + line for line in (engine, sessions))
    change.after(source, backend.statement, lines)


def adapter_text(facts: Facts, change: Change, source: Source, adapter: Adapter) -> str:
    """Return the call of an adapter as it is with a session."""
    arguments = [source.code(adapter.model)] if adapter.model else []
    arguments.append("session")
    for node in (adapter.table, adapter.oauth):
        name = facts.table_class(adapter.source, node)
        if name:
            arguments.append(change.name(source, name))
    return f"{source.code(adapter.call.func)}({', '.join(arguments)})"


def with_session(
    change: Change,
    source: Source,
    function: ast.stmt,
    statement: ast.stmt,
    backend: Backend,
    text: str,
) -> None:
    """Put a statement that hands out an adapter into a session."""
    maker = change.name(source, backend.beside(SESSION_MAKER))
    indent = source.newline + source.indent(statement)
    is_on_header = source.shares_line(statement)
    indent += source.step if is_on_header else ""
    break_ = indent if is_on_header else ""
    lines = f"{break_}async with {maker}() as session:{indent}{source.step}yield {text}"
    change.replace(source, statement, lines)
    if isinstance(function, ast.FunctionDef):
        start = source.offset(function.lineno, function.col_offset)
        change.edits.append(source.insert(start, "async "))


RULE = Rule(
    code="FUD401",
    step=4,
    fix="safe",
    title="an adapter works through `databases`",
    why="That package had its last release in 2024; the same rows are there through a session.",
    find=find,
    deprecations=("databases-adapter", "databases-access-token-adapter"),
    text=__doc__,
)
