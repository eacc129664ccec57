"""`on_event` works and warns; Starlette recommends a lifespan."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project if facts.is_legacy else ():
        for call in source.all(ast.Call):
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr == "on_event":
                made = facts.project.definition(facts.project.resolve(source, func.value))
                if isinstance(made, ast.Call):
                    yield Finding(source, call)


RULE = Rule(
    code="FUD382",
    step=3,
    fix="none",
    title="events have handlers with `on_event`",
    why="Starlette 1 warns of it, and it works.",
    find=find,
    text=__doc__,
)
