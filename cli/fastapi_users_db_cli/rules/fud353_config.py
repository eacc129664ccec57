"""The configuration of a model is a dictionary.

Before:

    from fastapi_users import models


    class User(models.BaseUser):
        name: str

        class Config:
            orm_mode = True

After:

    from fastapi_users import models
    from pydantic import ConfigDict


    class User(models.BaseUser):
        name: str

        model_config = ConfigDict(from_attributes=True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Fix, Rule
from fastapi_users_db_cli.source import Source

_KEYS = {
    "allow_population_by_field_name": "populate_by_name",
    "anystr_lower": "str_to_lower",
    "anystr_strip_whitespace": "str_strip_whitespace",
    "arbitrary_types_allowed": "arbitrary_types_allowed",
    "extra": "extra",
    "max_anystr_length": "str_max_length",
    "min_anystr_length": "str_min_length",
    "orm_mode": "from_attributes",
    "schema_extra": "json_schema_extra",
    "title": "title",
    "use_enum_values": "use_enum_values",
    "validate_all": "validate_default",
    "validate_assignment": "validate_assignment",
}


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, _ in facts.schemas:
        for config in node.body:
            if isinstance(config, ast.ClassDef) and config.name == "Config":
                change = _change(facts, source, config)
                fix: Fix | None = None if change else "manual"
                message = "" if change else "`Config` has what pydantic 2 does not know"
                yield Finding(source, config, change, message, fix)
        orm_mode = [each for each in node.keywords if each.arg == "orm_mode"]
        if orm_mode:
            change = Change(facts.project)
            keyword = orm_mode[0]
            value = source.code(keyword.value)
            change.replace(source, keyword, f"from_attributes={value}")
            yield Finding(source, keyword, change)


def _change(facts: Facts, source: Source, config: ast.ClassDef) -> Change | None:
    change = Change(facts.project)
    items = []
    for statement in config.body:
        if isinstance(statement, ast.Pass):
            continue
        if not isinstance(statement, ast.Assign):
            return None
        target, value = statement.targets[0], statement.value
        key = _KEYS.get(target.id) if isinstance(target, ast.Name) else None
        if key is None or config.bases:
            return None
        name = facts.project.resolve(source, value) or ""
        text = f'"{name.rpartition(".")[2]}"' if name.startswith("pydantic.Extra.") else None
        items.append(f"{key}={text or source.code(value)}")
    names = change.name(source, "pydantic.ConfigDict")
    change.replace(source, config, f"model_config = {names}({', '.join(items)})")
    return change


RULE = Rule(
    code="FUD353",
    step=3,
    fix="safe",
    title="the configuration of a model is of pydantic 1",
    why="pydantic 2 does not know `orm_mode`: no schema is made of a row, and a route answers 500.",
    find=find,
    text=__doc__,
)
