"""A mapped object has none of the methods of a pydantic model.

Before:

    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)


    def card(user: UserDB):
        return user.dict(include={"id", "email"})

After:

    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)


    def card(user: UserDB):
        return {"id": user.id, "email": user.email}
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from fastapi_users_db_cli.facts import FU, USER_ADAPTER, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_METHODS = {"copy", "dict", "json", "model_copy", "model_dump", "model_dump_json"}
_ANSWERS = {"authenticate()", "create()", "get()", "get_by_email()", "update()"}
"""The methods of managers and adapters that answer with a user."""
_FROM = {"from_orm", "model_validate"}


def find(facts: Facts) -> Iterator[Finding]:
    users = {*facts.table_of, *facts.table_of.values()}
    if not facts.table_of:
        return
    for source in facts.project:
        for call in source.all(ast.Call):
            func = call.func
            if not isinstance(func, ast.Attribute):
                continue
            if func.attr in _METHODS and _is_user(facts, source, func.value, users):
                yield _dumped(facts, source, call, func)
            elif facts.project.resolve(source, func.value) in facts.table_of:
                yield _built(facts, source, call, func)


def _is_user(facts: Facts, source: Source, node: ast.expr, users: Collection[str]) -> bool:
    name = facts.project.type_of(source, node) or ""
    owner, _, method = name.rpartition(".")
    if method not in _ANSWERS:
        return name in users
    return facts.project.derives(owner, FU, "BaseUserManager") or facts.is_adapter(
        owner, USER_ADAPTER
    )


def _dumped(facts: Facts, source: Source, call: ast.Call, func: ast.Attribute) -> Finding:
    user = source.code(func.value)
    include = [each.value for each in call.keywords if each.arg == "include"]
    names = _literals(include[0]) if include and len(call.keywords) == 1 and not call.args else []
    # In an f-string, neither the quotes nor the braces of a dictionary have their place.
    is_free = source.enclosing(call, ast.JoinedStr) is None
    if func.attr in ("dict", "model_dump") and names and is_free:
        change = Change(facts.project)
        items = ", ".join(f'"{name}": {user}.{name}' for name in names)
        change.replace(source, call, f"{{{items}}}")
        return Finding(source, call, change)
    outer = _built_of(facts, source, call)
    if func.attr in ("dict", "model_dump") and outer is not None:
        change = Change(facts.project)
        text = f"{source.code(outer.func)}.model_validate({user}, from_attributes=True)"
        change.replace(source, outer, text)
        return Finding(source, call, change)
    new = {"json": "model_dump_json", "dict": "model_dump"}.get(func.attr, func.attr)
    arguments = ", ".join(source.code(each) for each in [*call.args, *call.keywords])
    write = f"UserRead.model_validate({user}).{new}({arguments}), with the schema that is read"
    return Finding(source, call, fix="manual", write=write)


def _built_of(facts: Facts, source: Source, call: ast.Call) -> ast.Call | None:
    """Return the call that makes a schema of all that a user has: `Schema(**user.dict())`."""
    parent = source.parents[call]
    outer = source.parents[parent]
    is_all = isinstance(parent, ast.keyword) and parent.arg is None
    if not is_all or not isinstance(outer, ast.Call):
        return None
    if call.args or call.keywords or outer.args or len(outer.keywords) > 1:
        return None
    name = facts.project.resolve(source, outer.func)
    is_schema = facts.project.derives(name, FU | {"pydantic"})
    return outer if is_schema and name not in facts.table_of else None


def _built(facts: Facts, source: Source, call: ast.Call, func: ast.Attribute) -> Finding:
    if func.attr in _FROM and len(call.args) == 1:
        change = Change(facts.project)
        change.replace(source, call, source.code(call.args[0]))
        return Finding(source, call, change)
    return Finding(source, call, fix="manual", write="an instance of the mapped class")


def _literals(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, ast.Set | ast.List | ast.Tuple) else []
    values = [each.value if isinstance(each, ast.Constant) else None for each in elements]
    names = [each for each in values if isinstance(each, str)]
    return names if len(names) == len(elements) else []


RULE = Rule(
    code="FUD319",
    step=5,
    fix="unsafe",
    title="a method of pydantic is called on a user",
    why="Users are mapped objects, which have no such methods: the request answers 500.",
    find=find,
    text=__doc__,
)
