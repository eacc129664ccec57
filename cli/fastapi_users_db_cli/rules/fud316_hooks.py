"""Hooks and `delete` are given the request.

Before:

    from fastapi_users import BaseUserManager


    class UserManager(BaseUserManager):
        async def delete(self, user) -> None:
            await super().delete(user)

        async def on_after_delete(self, user):
            print(user.id)

After:

    from typing import Optional

    from fastapi_users import BaseUserManager
    from fastapi import Request


    class UserManager(BaseUserManager):
        async def delete(self, user, request: Optional[Request] = None) -> None:
            await super().delete(user, request)

        async def on_after_delete(self, user, request: Optional[Request] = None):
            print(user.id)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FunctionNode, Source

_GIVEN = {
    "delete": ("request",),
    "on_after_delete": ("request",),
    "on_before_delete": ("request",),
    "on_after_login": ("request", "response"),
}


def find(facts: Facts) -> Iterator[Finding]:
    for source, method in facts.methods(*_GIVEN):
        arguments = method.args
        known = len(arguments.posonlyargs) + len(arguments.args) - 2
        lacking = _GIVEN[method.name][max(known, 0) :]
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or known < 0 or not lacking:
            continue
        change = Change(facts.project)
        optional = change.name(source, "typing.Optional")
        parameters = [
            f"{name}: {optional}[{change.name(source, f'fastapi.{name.title()}')}] = None"
            for name in lacking
        ]
        last = [*arguments.args][-1]
        place = arguments.defaults[-1] if arguments.defaults else last
        change.after(source, place, "".join(f", {each}" for each in parameters))
        for call in _super_calls(source, method):
            change.after(source, call.args[-1], "".join(f", {name}" for name in lacking))
        yield Finding(
            source, method, change, f"`{method.name}` takes no {' and no '.join(lacking)}"
        )


def _super_calls(source: Source, method: FunctionNode) -> Iterator[ast.Call]:
    for call in ast.walk(method):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            receiver = call.func.value
            is_super = (
                isinstance(receiver, ast.Call) and getattr(receiver.func, "id", "") == "super"
            )
            if is_super and call.func.attr == method.name and len(call.args) == 1:
                yield call


RULE = Rule(
    code="FUD316",
    step=3,
    fix="safe",
    title="a hook takes no request",
    why=(
        "FastAPI Users 10.1 and later call `on_after_delete`, `on_before_delete` and "
        "`on_after_login`, and 12.1.1 and later `delete`, with more arguments: the request "
        "answers 500, in the case of `on_after_delete` after the user is gone."
    ),
    find=find,
    text=__doc__,
)
