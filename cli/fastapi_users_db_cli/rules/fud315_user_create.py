"""The first parameter of `create` is called `user_create`.

Before:

    from fastapi_users import BaseUserManager


    class UserManager(BaseUserManager):
        async def create(self, user, safe=False, request=None):
            return await super().create(user, safe, request)

After:

    from fastapi_users import BaseUserManager


    class UserManager(BaseUserManager):
        async def create(self, user_create, safe=False, request=None):
            return await super().create(user_create, safe, request)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    for source, method in facts.methods("create"):
        parameter = method.args.args[1] if len(method.args.args) > 1 else None
        if parameter is not None and parameter.arg == "user":
            change = Change(facts.project)
            start = source.start(parameter)
            change.edits.append(source.replace_between(start, start + len("user"), "user_create"))
            for node in source.all(ast.Name):
                bound = source.binding(node)
                if node.id == "user" and bound and bound[0] is parameter:
                    change.replace(source, node, "user_create")
            yield Finding(source, parameter, change)
    for source in facts.project:
        for call in source.all(ast.Call):
            for keyword in call.keywords:
                if keyword.arg == "user" and _is_create(facts, source, call):
                    change = Change(facts.project)
                    start = source.start(keyword)
                    end = start + len("user")
                    change.edits.append(source.replace_between(start, end, "user_create"))
                    yield Finding(source, keyword, change)


def _is_create(facts: Facts, source: Source, call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "create":
        return False
    receiver = call.func.value
    if isinstance(receiver, ast.Call) and getattr(receiver.func, "id", "") == "super":
        inside = source.enclosing(call, ast.ClassDef)
        return any(inside is manager for _, manager, _ in facts.managers)
    return facts.project.derives(facts.project.type_of(source, receiver), FU, "BaseUserManager")


RULE = Rule(
    code="FUD315",
    step=3,
    fix="safe",
    title="`create` of the manager calls its first parameter `user`",
    why="FastAPI Users 10.0 renamed it: a call by keyword raises TypeError.",
    find=find,
    text=__doc__,
)
