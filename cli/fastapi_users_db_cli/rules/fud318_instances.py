"""A user is not made by calling `UserDB`.

A mapped object has its `id` after the flush, where the model had one at once: so one is given.

Before:

    import uuid
    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    async def add(session):
        user_db = SQLAlchemyUserDatabase(UserDB, session, UserTable)
        await user_db.create(UserDB(email="ada@example.com", hashed_password="..."))
        return UserDB(email="grace@example.com")

After:

    import uuid
    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    async def add(session):
        user_db = SQLAlchemyUserDatabase(UserDB, session, UserTable)
        await user_db.create(dict(email="ada@example.com", hashed_password="..."))
        return UserTable(id=uuid.uuid4(), email="grace@example.com")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    for model, table in sorted(facts.table_of.items()):
        for source, node in facts.project.references(model):
            call = source.parents[node]
            if isinstance(call, ast.Call) and call.func is node:
                yield Finding(source, call, _change(facts, source, call, table))


def _change(facts: Facts, source: Source, call: ast.Call, table: str) -> Change:
    change = Change(facts.project)
    outer = source.parents[call]
    func = outer.func if isinstance(outer, ast.Call) and call in outer.args else None
    if isinstance(func, ast.Attribute) and func.attr == "create":
        change.replace(source, call.func, "dict")
        return change
    change.replace(source, call.func, change.name(source, table))
    has_id = any(each.arg in ("id", None) for each in call.keywords)
    if call.keywords and not has_id and facts.id_of(table) == "uuid.UUID":
        module = change.name(source, "uuid.UUID").removesuffix(".UUID")
        new = f"{module}.uuid4()" if module == "uuid" else f"{change.name(source, 'uuid.uuid4')}()"
        change.before(source, call.keywords[0], f"id={new}, ")
    return change


RULE = Rule(
    code="FUD318",
    step=5,
    fix="unsafe",
    title="a user is made by calling `UserDB`",
    why="The adapter takes dictionaries: `create` answers with TypeError.",
    find=find,
    text=__doc__,
)
