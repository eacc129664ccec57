"""A user is not made by calling `UserDB`.

A mapped object has its `id` after the flush, where the model had one at once: so one is given.

Before:

    import uuid
    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    async def add(session):
        user_db = SQLAlchemyUserDatabase(UserDB, session, UserTable)
        await user_db.create(UserDB(email="ada@example.com", hashed_password="..."))
        return UserDB(email="grace@example.com")

After:

    import uuid
    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    async def add(session):
        user_db = SQLAlchemyUserDatabase(UserDB, session, UserTable)
        await user_db.create(dict(email="ada@example.com", hashed_password="..."))
        return UserTable(id=uuid.uuid4(), email="grace@example.com")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeGuard

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Source


def find(facts: Facts) -> Iterator[Finding]:
    for model, table in sorted(facts.table_of.items()):
        for source, node in facts.project.references(model):
            call = source.parents[node]
            if isinstance(call, ast.Call) and call.func is node:
                creating, others = _uses(source, call)
                is_created = bool(creating) and not others
                yield Finding(source, call, _change(facts, source, call, table, is_created))
                for use in creating if others else ():
                    message = "`create` takes a dictionary, and this is read elsewhere too"
                    yield Finding(source, use, message=message, fix="manual")


def _uses(source: Source, call: ast.Call) -> tuple[list[ast.Call], list[ast.AST]]:
    """Return the calls of `create` that an instance is for, and what else reads it."""
    outer = source.parents[call]
    if _creates(outer, call):
        return [outer], []
    target = outer.targets[0] if isinstance(outer, ast.Assign) else None
    name = target.id if isinstance(target, ast.Name) else None
    function = source.enclosing(call, *FUNCTIONS)
    creating, others = list[ast.Call](), list[ast.AST]()
    for each in source.all(ast.Name):
        is_read = isinstance(each.ctx, ast.Load) and each.id == name
        if is_read and source.enclosing(each, *FUNCTIONS) is function:
            parent = source.parents[each]
            if _creates(parent, each):
                creating.append(parent)
            else:
                others.append(parent)
    return creating, others


def _creates(outer: ast.AST, argument: ast.expr) -> TypeGuard[ast.Call]:
    func = outer.func if isinstance(outer, ast.Call) and argument in outer.args else None
    return isinstance(func, ast.Attribute) and func.attr == "create"


def _change(facts: Facts, source: Source, call: ast.Call, table: str, is_created: bool) -> Change:
    change = Change(facts.project)
    if is_created:
        change.replace(source, call.func, "dict")
        return change
    change.replace(source, call.func, change.name(source, table))
    has_id = any(each.arg in ("id", None) for each in call.keywords)
    if call.keywords and not has_id and facts.id_of(table) == "uuid.UUID":
        module = change.name(source, "uuid.UUID").removesuffix(".UUID")
        new = f"{module}.uuid4()" if module == "uuid" else f"{change.name(source, 'uuid.uuid4')}()"
        first = call.keywords[0]
        line = source.data[source.line_start(source.start(first)) : source.start(first)].decode()
        gap = " " if line.strip() else source.newline + line
        change.before(source, first, f"id={new},{gap}")
    return change


RULE = Rule(
    code="FUD318",
    step=5,
    fix="unsafe",
    title="a user is made by calling `UserDB`",
    why="The adapter takes dictionaries: `create` answers with TypeError.",
    find=find,
    text=__doc__,
)
