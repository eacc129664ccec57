"""The schema of a user names the type of the id.

Before:

    from fastapi_users import models


    class User(models.BaseUser):
        pass

After:

    import uuid

    from fastapi_users import models


    class User(models.BaseUser[uuid.UUID]):
        pass
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source, node, _ in facts.project.classes():
        for base in node.bases:
            name = facts.project.resolve(source, base)
            if name and is_of(name, FU, "BaseUser") and name.split(".")[1] == "models":
                change = Change(facts.project)
                change.after(source, base, f"[{change.name(source, facts.id_type)}]")
                yield Finding(source, base, change)


RULE = Rule(
    code="FUD302",
    step=3,
    fix="safe",
    title="the schema does not say which type the id has",
    why="Since FastAPI Users 10.0 any type will do, and without one `id` is not checked at all.",
    find=find,
    text=__doc__,
)
