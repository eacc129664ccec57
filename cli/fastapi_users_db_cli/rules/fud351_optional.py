"""A field that may be left out has a default.

Before:

    from typing import Optional
    from fastapi_users import models


    class UserUpdate(models.BaseUserUpdate):
        nickname: Optional[str]

After:

    from typing import Optional
    from fastapi_users import models


    class UserUpdate(models.BaseUserUpdate):
        nickname: Optional[str] = None
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import Project
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import fields
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy:
        return
    for source, node, _ in facts.schemas:
        for field in fields(node).values():
            if field.value is None and is_optional(facts.project, source, field.annotation):
                change = Change(facts.project)
                change.after(source, field.annotation, " = None")
                yield Finding(source, field, change)


def is_optional(project: Project, source: Source, annotation: ast.expr) -> bool:
    """Tell whether an annotation admits `None`."""
    if isinstance(annotation, ast.Constant):
        return annotation.value is None
    if isinstance(annotation, ast.BinOp):
        sides = annotation.left, annotation.right
        return any(is_optional(project, source, side) for side in sides)
    if isinstance(annotation, ast.Subscript):
        outer = (project.resolve(source, annotation.value) or "").rpartition(".")[2]
        inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
        return outer == "Optional" or (
            outer == "Union" and any(is_optional(project, source, each) for each in inner)
        )
    return (project.resolve(source, annotation) or "") in ("Any", "typing.Any")


RULE = Rule(
    code="FUD351",
    step=3,
    fix="safe",
    title="a field of type `Optional` has no default",
    why="With pydantic 2 it has to be given: a request without it answers 422.",
    find=find,
    text=__doc__,
)
