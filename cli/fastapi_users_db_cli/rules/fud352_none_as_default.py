"""A field whose default is `None` says so in its type.

Before:

    from typing import Optional
    from fastapi_users import models


    class UserUpdate(models.BaseUserUpdate):
        plot: str = None
        nickname: Optional[str] = None

After:

    from typing import Optional
    from fastapi_users import models


    class UserUpdate(models.BaseUserUpdate):
        plot: Optional[str] = None
        nickname: Optional[str] = None
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import fields
from fastapi_users_db_cli.rules.fud351_optional import is_optional


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, _ in facts.schemas:
        for field in fields(node).values():
            is_none = isinstance(field.value, ast.Constant) and field.value.value is None
            if is_none and not is_optional(facts.project, source, field.annotation):
                change = Change(facts.project)
                optional = change.name(source, "typing.Optional")
                annotation = source.code(field.annotation)
                change.replace(source, field.annotation, f"{optional}[{annotation}]")
                yield Finding(source, field, change)


RULE = Rule(
    code="FUD352",
    step=3,
    fix="safe",
    title="a field whose default is `None` has a type without it",
    why="With pydantic 2 a row in which it is NULL cannot be answered: register answers 500.",
    find=find,
    text=__doc__,
)
