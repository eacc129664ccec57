"""The schema of an update does not derive from that of a user.

Before:

    from typing import Optional
    from fastapi_users import models


    class User(models.BaseUser):
        name: str


    class UserUpdate(User, models.BaseUserUpdate):
        pass

After:

    from typing import Optional
    from fastapi_users import models


    class User(models.BaseUser):
        name: str


    class UserUpdate(models.BaseUserUpdate):
        name: Optional[str] = None
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import add_lines, fields
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    for source, node, _ in project.classes():
        names = {each: project.resolve(source, each) for each in node.bases}
        users = [each for each, name in names.items() if _is_user(facts, name)]
        if users and any(is_of(name or "", FU, "BaseUserUpdate") for name in names.values()):
            change = Change(project)
            change.remove(source, node.bases, users)
            lines = []
            for user in users:
                lines += _optional_fields(facts, change, source, node, names[user] or "")
            if lines:
                add_lines(change, source, node, lines)
            yield Finding(source, users[0], change)


def _is_user(facts: Facts, name: str | None) -> bool:
    return facts.project.derives(name, FU, "BaseUser") and ":" in (name or "")


def _optional_fields(
    facts: Facts, change: Change, source: Source, node: ast.ClassDef, user: str
) -> list[str]:
    found: dict[str, str] = {}
    for ancestor in facts.project.ancestors(user):
        base, inner = facts.project.definition(ancestor), facts.project.source_of(ancestor)
        for name, field in fields(base).items() if isinstance(base, ast.ClassDef) else ():
            assert inner is not None
            annotation = inner.code(field.annotation)
            if "Optional[" not in annotation and "None" not in annotation:
                annotation = f"{change.name(source, 'typing.Optional')}[{annotation}]"
            if name not in fields(node):
                found.setdefault(name, f"{name}: {annotation} = None")
    return list(found.values())


RULE = Rule(
    code="FUD304",
    step=3,
    fix="unsafe",
    title="the schema of an update has the fields of a user",
    why=(
        "Since FastAPI Users 7 the id and the flags of a user are none of an update's: with them "
        "`PATCH` demands an id, and answers 422."
    ),
    find=find,
    text=__doc__,
)
