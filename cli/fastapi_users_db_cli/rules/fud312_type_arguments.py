"""Type arguments are the user and the type of its id.

Before:

    from fastapi_users import models
    from fastapi_users.authentication import JWTStrategy


    class UserCreate(models.BaseUserCreate):
        pass


    class UserDB(models.BaseUserDB):
        pass


    def get_strategy() -> JWTStrategy[UserCreate, UserDB]:
        return JWTStrategy(secret="secret", lifetime_seconds=3600)

After:

    import uuid

    from fastapi_users import models
    from fastapi_users.authentication import JWTStrategy


    class UserCreate(models.BaseUserCreate):
        pass


    class UserDB(models.BaseUserDB):
        pass


    def get_strategy() -> JWTStrategy[UserDB, uuid.UUID]:
        return JWTStrategy(secret="secret", lifetime_seconds=3600)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import ADAPTERS, FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_GENERIC = (
    "Authenticator",
    "AuthenticationBackend",
    "BaseUserDatabase",
    "BaseUserManager",
    "CookieTransport",
    "DatabaseStrategy",
    "FastAPIUsers",
    "JWTStrategy",
    "RedisStrategy",
    "SQLAlchemyUserDatabase",
    "Strategy",
)


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for source in facts.project:
        for node in source.all(ast.Subscript):
            name = facts.project.resolve(source, node.value)
            if not name or not facts.project.derives(name, ADAPTERS, *_GENERIC):
                continue
            if _is_elsewhere(source, node):
                continue
            arguments = _arguments(facts, source, node)
            if arguments:
                user, rest = arguments
                change = Change(facts.project)
                texts = [source.code(user), change.name(source, facts.id_type)]
                texts += [source.code(each) for each in rest]
                change.replace(source, node.slice, ", ".join(texts))
                yield Finding(source, node, change)


def _is_elsewhere(source: Source, node: ast.Subscript) -> bool:
    """Tell whether the rules of managers and of `FastAPIUsers` answer it."""
    parent = source.parents[node]
    if isinstance(parent, ast.Call) and parent.func is node:
        return len(parent.args) > 2 or any("model" in (each.arg or "") for each in parent.keywords)
    return isinstance(parent, ast.ClassDef) and _sets_model(parent)


def _sets_model(node: ast.ClassDef) -> bool:
    assigned = [each for each in node.body if isinstance(each, ast.Assign)]
    return any(getattr(each.targets[0], "id", "") == "user_db_model" for each in assigned)


def _arguments(
    facts: Facts, source: Source, node: ast.Subscript
) -> tuple[ast.expr, list[ast.expr]] | None:
    elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    names = [facts.project.resolve(source, each) for each in elements]
    users = [index for index, name in enumerate(names) if _is_user(facts, name)]
    if not users:
        return None
    rest = elements[users[-1] + 1 :]
    if rest and facts.project.resolve(source, rest[0]) == facts.id_type:
        return None
    is_manager_base = isinstance(source.parents[node], ast.ClassDef) and len(elements) == 2
    if is_manager_base and is_of(
        facts.project.resolve(source, node.value) or "", FU, "BaseUserManager"
    ):
        return None
    return elements[users[-1]], rest


def _is_user(facts: Facts, name: str | None) -> bool:
    return name is not None and (name in facts.models or is_of(name, FU, "BaseUserDB"))


RULE = Rule(
    code="FUD312",
    step=3,
    fix="safe",
    title="type arguments are of FastAPI Users 9",
    why="Since FastAPI Users 10.0 they are the user and its id; three of two raise TypeError.",
    find=find,
    text=__doc__,
)
