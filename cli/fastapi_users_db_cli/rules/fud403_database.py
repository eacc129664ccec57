"""A `Database` that nothing asks any more is not connected.

Before:

    from databases import Database
    from fastapi import FastAPI
    from fastapi_users.db import SQLAlchemyUserDatabase
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    DATABASE_URL = "sqlite:///app.db"
    database = Database(DATABASE_URL)
    async_engine = create_async_engine(make_url(DATABASE_URL).set(drivername="sqlite+aiosqlite"))
    app = FastAPI()


    @app.on_event("startup")
    async def startup():
        await database.connect()


    @app.on_event("shutdown")
    async def shutdown():
        await database.disconnect()

After:

    from fastapi import FastAPI
    from fastapi_users.db import SQLAlchemyUserDatabase
    from sqlalchemy.engine import make_url
    from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

    DATABASE_URL = "sqlite:///app.db"
    async_engine = create_async_engine(make_url(DATABASE_URL).set(drivername="sqlite+aiosqlite"))
    app = FastAPI()


    @app.on_event("shutdown")
    async def shutdown():
        await async_engine.dispose()
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import ENGINE, Backend, backends
from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Source

_LIFE = ("connect", "disconnect", "is_connected")


def find(facts: Facts) -> Iterator[Finding]:
    for backend in backends(facts):
        uses = facts.project.references(backend.key)
        if backend.has_engine and all(_is_life(source, node) for source, node in uses):
            yield Finding(backend.source, backend.call, _change(facts, backend))


def _is_life(source: Source, node: ast.AST) -> bool:
    parent = source.parents[node]
    is_life = isinstance(parent, ast.Attribute) and parent.attr in _LIFE
    return is_life or isinstance(parent, ast.withitem)


def _change(facts: Facts, backend: Backend) -> Change:
    change = Change(facts.project)
    change.remove_statement(backend.source, backend.statement)
    gone: dict[tuple[str, ast.stmt], Source] = {}
    for source, node in facts.project.references(backend.key):
        parent = source.parents[node]
        if isinstance(parent, ast.withitem):
            _without_with(change, source, source.statement(parent), backend)
        elif isinstance(parent, ast.Attribute) and parent.attr != "is_connected":
            statement = _guard(source, source.statement(parent))
            if parent.attr == "connect":
                gone[source.path, statement] = source
            else:
                engine = change.name(source, backend.beside(ENGINE))
                call = source.parents[parent]
                if isinstance(call, ast.Call) and call.func is parent:
                    change.replace(source, statement, f"await {engine}.dispose()")
                else:
                    change.replace(source, parent, f"{engine}.dispose")
    for (_, statement), source in gone.items():
        change.remove_statement(source, _whole(facts, source, statement))
    for source, imported in facts.project.bringing(backend.key):
        change.forgotten.add((source.path, imported.alias.asname or imported.alias.name))
    return change


def _guard(source: Source, statement: ast.stmt) -> ast.stmt:
    """Return the `if` around a statement that asks whether the database is connected."""
    parent = source.parents[statement]
    if not isinstance(parent, ast.If) or len(parent.body) > 1 or parent.orelse:
        return statement
    return parent if "is_connected" in source.code(parent.test) else statement


def _whole(facts: Facts, source: Source, statement: ast.stmt) -> ast.stmt:
    """Return the function that a statement is all of, if nothing calls it."""
    parent = source.parents[statement]
    if not isinstance(parent, FUNCTIONS) or len(parent.body) > 1 or not parent.decorator_list:
        return statement
    is_called = facts.project.references(f"{source.path}:{parent.name}")
    return statement if is_called else parent


def _without_with(change: Change, source: Source, statement: ast.stmt, backend: Backend) -> None:
    """Turn `async with database:` into something that disposes of the engine at the same time."""
    assert isinstance(statement, ast.AsyncWith)
    engine = change.name(source, backend.beside(ENGINE))
    end = source.data.index(b":", source.end(statement.items[-1].context_expr))
    change.edits.append(source.replace_between(source.start(statement), end, "try"))
    indent = source.newline + source.indent(statement)
    inner = source.newline + source.indent(statement.body[0])
    change.after(source, statement, f"{indent}finally:{inner}await {engine}.dispose()")


RULE = Rule(
    code="FUD403",
    step=4,
    fix="safe",
    title="a `Database` is connected that nothing asks",
    why="It keeps connections open that nobody uses; the engine is disposed of instead.",
    find=find,
    text=__doc__,
)
