"""`fastapi_users.models` is now `fastapi_users.schemas`.

Before:

    from fastapi_users import models


    class UserCreate(models.BaseUserCreate):
        pass

After:

    from fastapi_users import schemas


    class UserCreate(schemas.BaseUserCreate):
        pass
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.moving import move

SCHEMAS = (
    "BaseOAuthAccount",
    "BaseOAuthAccountMixin",
    "BaseUser",
    "BaseUserCreate",
    "BaseUserUpdate",
    "CreateUpdateDictModel",
)


def _target(name: str) -> str | None:
    is_schema = is_of(name, FU, *SCHEMAS) and name.split(".")[1] == "models"
    return f"fastapi_users.schemas.{name.rpartition('.')[2]}" if is_schema else None


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source in facts.project:
        for imported in source.imports:
            name = facts.project.imported(source, imported)
            # An alias stays, so what is behind it need not be touched.
            if name == "fastapi_users.models" and imported.name and imported.alias.asname:
                change = Change(facts.project)
                change.replace(source, imported.alias, f"schemas as {imported.alias.asname}")
                yield Finding(source, imported.alias, change)
    for finding in move(facts, _target):
        if isinstance(finding.node, ast.Attribute):
            source = facts.project.sources[finding.source.path]
            root = finding.node.value
            bound = source.binding(root) if isinstance(root, ast.Name) else None
            alias = getattr(bound[0], "alias", None) if bound else None
            if alias is not None and alias.asname and alias.name == "models":
                continue
            finding.change = Change(facts.project)
            schemas = finding.change.name(source, "fastapi_users.schemas")
            finding.change.replace(source, root, schemas)
        yield finding


RULE = Rule(
    code="FUD301",
    step=3,
    fix="safe",
    title="models of FastAPI Users are schemas",
    why="FastAPI Users 10.0 renamed the module: the import fails.",
    find=find,
    text=__doc__,
)
