"""`update` of the adapter is given the values that change.

Before FastAPI Users 10 it wrote whatever the user had. Now it takes a dictionary, and what has only
been set on the user may not be written.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import is_adapter_value


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for call in source.all(ast.Call):
            func = call.func
            is_update = isinstance(func, ast.Attribute) and func.attr == "update"
            if not is_update or len(call.args) != 1 or call.keywords:
                continue
            assert isinstance(func, ast.Attribute)
            if isinstance(call.args[0], ast.Name) and is_adapter_value(facts, source, func.value):
                user = source.code(call.args[0])
                write = f'{source.code(func)}({user}, {{"name": value}})'
                yield Finding(source, call, write=write)


RULE = Rule(
    code="FUD317",
    step=3,
    fix="manual",
    title="`update` of the adapter is given a user alone",
    why="Since FastAPI Users 10.0 it takes the values too: it raises TypeError.",
    find=find,
    text=__doc__,
)
