"""`BaseUserDB` is gone: until step 5 `UserDB` is a schema of the app's own.

Before:

    from fastapi_users import models


    class User(models.BaseUser):
        pass


    class UserDB(User, models.BaseUserDB):
        pass

After:

    from fastapi_users import models


    class User(models.BaseUser):
        pass


    class UserDB(User):
        hashed_password: str
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import add_lines, fields
from fastapi_users_db_cli.rules.moving import unread
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source, node, _ in facts.project.classes():
        gone = [each for each in node.bases if _is_gone(facts.project.resolve(source, each))]
        if gone:
            yield Finding(source, gone[0], _change(facts, source, node, gone))
    yield from unread(facts, "BaseUserDB")


def _is_gone(name: str | None) -> bool:
    return name is not None and is_of(name, FU, "BaseUserDB")


def _change(facts: Facts, source: Source, node: ast.ClassDef, gone: list[ast.expr]) -> Change:
    change = Change(facts.project)
    if len(gone) == len(node.bases):
        assert facts.id_type is not None
        schemas = change.name(source, "fastapi_users.schemas")
        id_type = change.name(source, facts.id_type)
        change.replace(source, gone[0], f"{schemas}.BaseUser[{id_type}]")
    else:
        change.remove(source, node.bases, gone)
    if "hashed_password" not in fields(node):
        add_lines(change, source, node, ["hashed_password: str"])
    return change


RULE = Rule(
    code="FUD303",
    step=3,
    fix="safe",
    title="`UserDB` derives from a class that is gone",
    why="FastAPI Users 10.0 has no `BaseUserDB`: the module cannot be imported.",
    find=find,
    text=__doc__,
)
