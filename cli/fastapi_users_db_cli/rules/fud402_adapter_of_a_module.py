"""An adapter belongs to one request, since its session does.

Before:

    from databases import Database
    from fastapi_users import models
    from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(models.BaseUserDB):
        pass


    database = Database("sqlite:///app.db")
    user_db = SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)


    def get_user_db():
        yield user_db

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


    database = Database("sqlite:///app.db")
    async_engine = create_async_engine(make_url("sqlite:///app.db").set(drivername="sqlite+aiosqlite"))
    async_session_maker = async_sessionmaker(async_engine, expire_on_commit=False)


    async def get_user_db():
        async with async_session_maker() as session:
            yield SQLAlchemyUserDatabase(UserDB, session, UserTable)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import backend_of, driver_of
from fastapi_users_db_cli.facts import Adapter, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.fud401_session import adapter_text, add_engine, with_session
from fastapi_users_db_cli.source import FUNCTIONS, Source


def find(facts: Facts) -> Iterator[Finding]:
    for adapter in facts.adapters:
        source = adapter.source
        statement = source.statement(adapter.call)
        if not isinstance(statement, ast.Assign) or statement not in source.tree.body:
            continue
        target = statement.targets[0]
        if backend_of(facts, source, adapter.backend) and isinstance(target, ast.Name):
            yield from _findings(facts, adapter, statement, f"{source.path}:{target.id}")


def _findings(facts: Facts, adapter: Adapter, statement: ast.stmt, name: str) -> Iterator[Finding]:
    backend = backend_of(facts, adapter.source, adapter.backend)
    driver = driver_of(facts, backend) if backend else None
    uses = facts.project.references(name)
    places = [(source, _handed_out(source, node)) for source, node in uses]
    if backend is None or driver is None or not places or any(not at for _, at in places):
        here: list[tuple[Source, ast.expr]] = [(adapter.source, adapter.call)]
        for source, node in uses or here:
            message = "this adapter is everybody's: ask for it with `Depends(get_user_db)`"
            yield Finding(source, node, message=message, fix="manual")
        return
    change = Change(facts.project)
    add_engine(facts, change, backend, driver)
    change.remove_statement(adapter.source, statement)
    for source, at in places:
        function = source.enclosing(at, *FUNCTIONS) if at else None
        assert at is not None
        assert function is not None
        text = adapter_text(facts, change, source, adapter)
        with_session(change, source, function, at, backend, text)
    yield Finding(adapter.source, adapter.call, change)


def _handed_out(source: Source, node: ast.AST) -> ast.stmt | None:
    """Return the statement if it is the `yield` or `return` of a dependency."""
    parent = source.parents[node]
    statement = source.parents[parent] if isinstance(parent, ast.Yield) else parent
    if isinstance(parent, ast.Yield | ast.Return) and isinstance(statement, ast.Expr | ast.Return):
        return statement
    return None


RULE = Rule(
    code="FUD402",
    step=4,
    fix="unsafe",
    title="an adapter is made once for all requests",
    why="A session is one request's: two that share one see each other's changes, or fail.",
    find=find,
    text=__doc__,
)
