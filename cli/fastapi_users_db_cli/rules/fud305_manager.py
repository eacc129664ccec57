"""The manager knows the user and the type of its id, and how to parse one.

Before:

    from fastapi_users import BaseUserManager, models


    class UserCreate(models.BaseUserCreate):
        pass


    class UserDB(models.BaseUserDB):
        pass


    class UserManager(BaseUserManager[UserCreate, UserDB]):
        user_db_model = UserDB
        reset_password_token_secret = "secret"

After:

    import uuid

    from fastapi_users import BaseUserManager, UUIDIDMixin, models


    class UserCreate(models.BaseUserCreate):
        pass


    class UserDB(models.BaseUserDB):
        pass


    class UserManager(UUIDIDMixin, BaseUserManager[UserDB, uuid.UUID]):
        reset_password_token_secret = "secret"
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of, unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_MIXINS = {"uuid.UUID": "fastapi_users.UUIDIDMixin", "int": "fastapi_users.IntegerIDMixin"}


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source, node, _ in facts.managers:
        base = next((each for each in node.bases if _is_manager(facts, source, each)), None)
        line = next((each for each in node.body if _sets_model(each)), None)
        if base is None or not (line or is_of_two_models(facts, source, base)):
            continue
        model = line.value if line else base.slice.elts[1]  # type: ignore[attr-defined]
        change = Change(facts.project)
        id_type = change.name(source, facts.id_type)
        arguments = f"[{source.code(model)}, {id_type}]"
        name = unsubscripted(base)
        change.edits.append(source.replace_between(source.end(name), source.end(base), arguments))
        if line:
            change.remove_statement(source, line)
        mixin = _MIXINS.get(facts.id_type)
        if mixin is None:
            message = f"`parse_id` has to be written for ids of type {facts.id_type}"
            yield Finding(source, base, message=message, fix="manual")
            continue
        if not any(
            is_of(each, FU, "UUIDIDMixin", "IntegerIDMixin") for each in bases(facts, source, node)
        ):
            change.before(source, base, f"{change.name(source, mixin)}, ")
        yield Finding(source, base, change)


def bases(facts: Facts, source: Source, node: ast.ClassDef) -> list[str]:
    return [name for each in node.bases if (name := facts.project.resolve(source, each))]


def _is_manager(facts: Facts, source: Source, base: ast.expr) -> bool:
    name = facts.project.resolve(source, unsubscripted(base))
    return name is not None and is_of(name, FU, "BaseUserManager")


def is_of_two_models(facts: Facts, source: Source, node: ast.expr) -> bool:
    """Tell whether the type arguments are a schema and a model."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
        return False
    first = facts.project.resolve(source, node.slice.elts[0])
    return facts.project.derives(first, FU, "BaseUserCreate")


def _sets_model(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign) and statement.value:
        targets = [statement.target]
    return any(isinstance(each, ast.Name) and each.id == "user_db_model" for each in targets)


RULE = Rule(
    code="FUD305",
    step=3,
    fix="safe",
    title="the manager is of FastAPI Users 9",
    why=(
        "Since FastAPI Users 10.0 it is generic over the user and its id. "
        "Without the mixin login answers 200, and the next request 500."
    ),
    find=find,
    text=__doc__,
)
