"""Routers are given the schemas.

Before:

    from fastapi_users import FastAPIUsers
    from app import User, UserCreate, UserDB, UserUpdate, backend, get_user_manager

    fastapi_users = FastAPIUsers(
        get_user_manager, [backend], User, UserCreate, UserUpdate, UserDB
    )
    register_router = fastapi_users.get_register_router()
    users_router = fastapi_users.get_users_router(requires_verification=True)

After:

    from fastapi_users import FastAPIUsers
    from app import User, UserCreate, UserDB, UserUpdate, backend, get_user_manager

    fastapi_users = FastAPIUsers(
        get_user_manager, [backend], User, UserCreate, UserUpdate, UserDB
    )
    register_router = fastapi_users.get_register_router(User, UserCreate)
    users_router = fastapi_users.get_users_router(User, UserUpdate, requires_verification=True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts, Frontend
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_TAKES = {
    "get_register_router": ("user", "create"),
    "get_verify_router": ("user",),
    "get_users_router": ("user", "update"),
}


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None or not facts.frontends:
        return
    for source in facts.project:
        for call in source.all(ast.Call):
            if not isinstance(call.func, ast.Attribute) or call.func.attr not in _TAKES:
                continue
            if call.args or any("schema" in (each.arg or "") for each in call.keywords):
                continue
            frontend = _frontend(facts, source, call.func.value)
            if frontend is None:
                message = "whose schemas? There are several `FastAPIUsers`"
                yield Finding(source, call, message=message, fix="manual")
                continue
            yield Finding(source, call, _change(facts, source, call, frontend))


def _frontend(facts: Facts, source: Source, receiver: ast.expr) -> Frontend | None:
    name = facts.project.resolve(source, receiver)
    value = facts.project.definition(name)
    for frontend in facts.frontends:
        if frontend.call is value:
            return frontend
    return facts.frontends[0] if len(facts.frontends) == 1 else None


def _change(facts: Facts, source: Source, call: ast.Call, frontend: Frontend) -> Change:
    assert isinstance(call.func, ast.Attribute)
    change = Change(facts.project)
    schemas = [
        _schema(facts, change, source, frontend, getattr(frontend, field))
        for field in _TAKES[call.func.attr]
    ]
    text = ", ".join(schemas) + (", " if call.keywords else "")
    opening = source.data.index(b"(", source.end(call.func)) + 1
    if call.keywords:
        opening = source.start(call.keywords[0])
    change.edits.append(source.insert(opening, text))
    return change


def _schema(
    facts: Facts, change: Change, source: Source, frontend: Frontend, schema: ast.expr
) -> str:
    if source is frontend.source:
        return source.code(schema)
    name = facts.project.resolve(frontend.source, schema)
    return change.name(source, name) if name else frontend.source.code(schema)


RULE = Rule(
    code="FUD307",
    step=3,
    fix="safe",
    title="a router is not given the schemas",
    why="Since FastAPI Users 10.0 it has to be: without them the app raises TypeError.",
    find=find,
    text=__doc__,
)
