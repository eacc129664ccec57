"""`BaseAccessToken` is gone: until step 5 the model of a token is the app's own.

Before:

    from fastapi_users.authentication.strategy.db import BaseAccessToken


    class AccessToken(BaseAccessToken):
        pass

After:

    import uuid
    from datetime import datetime

    from pydantic import BaseModel


    class AccessToken(BaseModel):
        token: str
        user_id: uuid.UUID
        created_at: datetime
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import add_lines, fields


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source, node, _ in facts.project.classes():
        for base in node.bases:
            if is_of(facts.project.resolve(source, base) or "", FU, "BaseAccessToken"):
                change = Change(facts.project)
                change.replace(source, base, change.name(source, "pydantic.BaseModel"))
                types = {
                    "token": "str",
                    "user_id": facts.id_type,
                    "created_at": "datetime.datetime",
                }
                lines = [
                    f"{name}: {change.name(source, type_)}"
                    for name, type_ in types.items()
                    if name not in fields(node)
                ]
                add_lines(change, source, node, lines)
                yield Finding(source, base, change)


RULE = Rule(
    code="FUD322",
    step=3,
    fix="safe",
    title="the model of a token derives from a class that is gone",
    why="FastAPI Users 10.0 has no `BaseAccessToken`: the import fails.",
    find=find,
    text=__doc__,
)
