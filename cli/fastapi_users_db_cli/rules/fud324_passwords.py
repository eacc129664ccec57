"""The functions for passwords are methods of a helper.

Before:

    from fastapi_users.password import get_password_hash

    hashed = get_password_hash("secret")

After:

    from fastapi_users.password import PasswordHelper

    hashed = PasswordHelper().hash("secret")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.places import calls

_METHODS = {
    "get_password_hash": "hash",
    "generate_password": "generate",
    "verify_and_update_password": "verify_and_update",
}


def find(facts: Facts) -> Iterator[Finding]:
    for name in facts.project.names_of(FU):
        if is_of(name, FU, *_METHODS) and name.split(".")[1] == "password":
            for source, node in facts.project.references(name):
                change = Change(facts.project)
                helper = change.name(source, "fastapi_users.password.PasswordHelper")
                change.replace(source, node, f"{helper}().{_METHODS[name.rpartition('.')[2]]}")
                yield Finding(source, node, change)
    for source, call, _ in calls(facts, FU, "PasswordHelper"):
        for argument in call.args:
            made = argument
            bound = source.binding(argument) if isinstance(argument, ast.Name) else None
            if bound and isinstance(bound[0], ast.Call):
                made = bound[0]
            inner = facts.project.resolve(source, made.func) if isinstance(made, ast.Call) else None
            if inner and is_of(inner, {"passlib"}):
                message = "the helper is given a context of passlib's"
                write = "PasswordHelper(PasswordHash((...)), with hashers of pwdlib)"
                yield Finding(source, call, message=message, fix="manual", write=write)


RULE = Rule(
    code="FUD324",
    step=3,
    fix="safe",
    title="a function for passwords is used",
    why="FastAPI Users 9.0 has `PasswordHelper` in their place, and since 13 that is pwdlib's.",
    find=find,
    text=__doc__,
)
