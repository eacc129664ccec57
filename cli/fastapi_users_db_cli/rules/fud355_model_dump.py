"""A schema of pydantic 2 is dumped with `model_dump`.

Before:

    from fastapi_users import models


    class UserCreate(models.BaseUserCreate):
        def create_update_dict(self):
            return self.dict(exclude={"id"})

After:

    from fastapi_users import models


    class UserCreate(models.BaseUserCreate):
        def create_update_dict(self):
            return self.model_dump(exclude={"id"})
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS

_METHODS = ("create_update_dict", "create_update_dict_superuser")


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, _ in facts.schemas:
        for method in node.body:
            if isinstance(method, FUNCTIONS) and method.name in _METHODS:
                for call in ast.walk(method):
                    if isinstance(call, ast.Call) and source.code(call.func) == "self.dict":
                        change = Change(facts.project)
                        change.replace(source, call.func, "self.model_dump")
                        yield Finding(source, call, change)


RULE = Rule(
    code="FUD355",
    step=3,
    fix="safe",
    title="a schema is dumped with `dict`",
    why="pydantic 2 warns of it, and pydantic 3 will not have it.",
    find=find,
    text=__doc__,
)
