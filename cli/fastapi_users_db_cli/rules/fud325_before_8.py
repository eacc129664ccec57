"""What is of FastAPI Users 7 or older.

The dependencies `get_current_user` and the like are `current_user(...)`. By hand: handlers,
secrets and `create_user` are methods of a manager, and the adapter comes out of a dependency.

Before:

    from fastapi_users import FastAPIUsers

    fastapi_users = FastAPIUsers("...", [])
    current = fastapi_users.get_current_active_user

After:

    from fastapi_users import FastAPIUsers

    fastapi_users = FastAPIUsers("...", [])
    current = fastapi_users.current_user(active=True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_CURRENT = {
    "get_current_user": "",
    "get_current_active_user": "active=True",
    "get_current_verified_user": "active=True, verified=True",
    "get_current_superuser": "active=True, superuser=True",
    "get_current_verified_superuser": "active=True, verified=True, superuser=True",
}
_CURRENT |= {
    f"get_optional_{name.removeprefix('get_')}": ", ".join(filter(None, ["optional=True", given]))
    for name, given in _CURRENT.items()
}
_MANAGED = {"create_user", "get_user", "verify_user"}
_HANDLERS = {
    "get_register_router",
    "get_reset_password_router",
    "get_users_router",
    "get_verify_router",
}


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for part in source.all(ast.Attribute):
            parent = source.parents[part]
            called = parent if isinstance(parent, ast.Call) and parent.func is part else None
            if part.attr not in {*_CURRENT, *_MANAGED, *_HANDLERS}:
                continue
            if not _is_frontend(facts, source, part.value):
                continue
            if part.attr in _CURRENT:
                change = Change(facts.project)
                text = f"{source.code(part.value)}.current_user({_CURRENT[part.attr]})"
                change.replace(source, part, text)
                yield Finding(source, part, change)
            elif part.attr in _MANAGED:
                message = f"`{part.attr}` is a method of the manager"
                yield Finding(
                    source, part, message=message, fix="manual", write="user_manager.create"
                )
            elif called and any(
                (each.arg or "").startswith(("after_", "on_after"))
                or each.arg == "reset_password_token_secret"
                for each in called.keywords
            ):
                message = f"`{part.attr}` is given what belongs into the manager"
                yield Finding(
                    source, called, message=message, fix="manual", write="a hook of the manager"
                )


def _is_frontend(facts: Facts, source: Source, node: ast.expr) -> bool:
    name = facts.project.resolve(source, node) or ""
    made, owner = facts.project.definition(name), facts.project.source_of(name)
    if not isinstance(made, ast.Call) or owner is None:
        return False
    cls = unsubscripted(made.func)
    return facts.project.derives(facts.project.resolve(owner, cls), FU, "FastAPIUsers")


RULE = Rule(
    code="FUD325",
    step=3,
    fix="safe",
    title="a dependency of FastAPI Users 5 is used",
    why="FastAPI Users 6.0 has `current_user(...)` in its place: it raises AttributeError.",
    find=find,
    text=__doc__,
)
