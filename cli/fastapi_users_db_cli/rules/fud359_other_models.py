"""A model of pydantic's that is none of FastAPI Users' reads rows as pydantic 1 does.

The tool changes the schemas of users alone. What it names here fails when a row is turned into
the model; for all else that pydantic 2 has changed there is `bump-pydantic`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    schemas = {name for _, _, name in facts.schemas}
    for source, node, name in facts.project.classes():
        if name in schemas or not facts.project.derives(name, {"pydantic"}, "BaseModel"):
            continue
        for config in node.body:
            if isinstance(config, ast.ClassDef) and config.name == "Config":
                for statement in config.body:
                    targets = getattr(statement, "targets", [])
                    if any(getattr(each, "id", "") == "orm_mode" for each in targets):
                        write = "model_config = ConfigDict(from_attributes=True)"
                        yield Finding(source, config, write=write)


RULE = Rule(
    code="FUD359",
    step=3,
    fix="manual",
    title="a model of the app's own reads rows as pydantic 1 does",
    why="pydantic 2 does not know `orm_mode`: `from_orm` raises PydanticUserError.",
    find=find,
    text=__doc__,
)
