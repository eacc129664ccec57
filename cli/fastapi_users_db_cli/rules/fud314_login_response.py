"""A transport makes the response of a login itself.

`get_login_response(self, token)` takes the response from `super().get_login_response(token)`,
changes it and returns it; the like goes for `get_logout_response(self)`.

Before:

    from fastapi_users.authentication import AuthenticationBackend

    backend = AuthenticationBackend("jwt", "...", "...")


    async def log_in(strategy, user, response):
        return await backend.login(strategy, user, response)

After:

    from fastapi_users.authentication import AuthenticationBackend

    backend = AuthenticationBackend("jwt", "...", "...")


    async def log_in(strategy, user, response):
        return await backend.login(strategy, user)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Source

_TRANSPORTS = ("BearerTransport", "CookieTransport", "Transport")
_METHODS = {"get_login_response": 2, "get_logout_response": 1}
_CALLS = {"login": 2, "logout": 3}


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, name in facts.project.classes():
        if facts.project.derives(name, FU, *_TRANSPORTS):
            for method in node.body:
                known = _METHODS.get(method.name) if isinstance(method, FUNCTIONS) else None
                if isinstance(method, FUNCTIONS) and known and len(method.args.args) > known:
                    parameters = "self, token" if known == 2 else "self"
                    write = f"async def {method.name}({parameters}), which returns a response"
                    yield Finding(source, method, fix="manual", write=write)
    for source in facts.project:
        for call in source.all(ast.Call):
            if _gives_response(facts, source, call):
                change = Change(facts.project)
                change.remove(
                    source, [*call.args, *call.keywords], [[*call.args, *call.keywords][-1]]
                )
                yield Finding(source, call, change)


def _gives_response(facts: Facts, source: Source, call: ast.Call) -> bool:
    func = call.func
    if not isinstance(func, ast.Attribute) or func.attr not in _CALLS:
        return False
    if len(call.args) + len(call.keywords) <= _CALLS[func.attr]:
        return False
    made = facts.project.definition(facts.project.resolve(source, func.value))
    owner = facts.project.source_of(facts.project.resolve(source, func.value) or "")
    if not isinstance(made, ast.Call) or owner is None:
        return False
    cls = unsubscripted(made.func)
    return facts.project.derives(facts.project.resolve(owner, cls), FU, "AuthenticationBackend")


RULE = Rule(
    code="FUD314",
    step=3,
    fix="unsafe",
    title="a login is given the response",
    why="Since FastAPI Users 11 it returns one: otherwise the login answers 500.",
    find=find,
    text=__doc__,
)
