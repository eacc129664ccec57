"""The adapter is not given `UserDB` any more.

The same goes for access tokens and their model.

Before:

    from fastapi_users import schemas
    from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)

After:

    from fastapi_users import schemas
    from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(session, UserTable)
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.backends import backend_of
from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for adapter in facts.adapters:
        source, call = adapter.source, adapter.call
        if adapter.model is None:
            continue
        if backend_of(facts, source, adapter.backend) or facts.is_of_tables(adapter):
            message = "the adapter works through `databases`: do step 4 first"
            yield Finding(source, call, message=message, fix="manual")
        elif facts.table_class(source, adapter.table):
            change = Change(facts.project)
            given = [*call.args, *call.keywords]
            change.remove(source, given, [adapter.argument(adapter.model)])
            yield Finding(source, call, change)


RULE = Rule(
    code="FUD505",
    step=5,
    fix="safe",
    title="an adapter is given a pydantic model",
    why="Since FastAPI Users 10.0 users are mapped objects, and the model has no task.",
    find=find,
    deprecations=(
        "shim-legacy-orm-adapter",
        "shim-legacy-databases-adapter",
        "shim-legacy-orm-access-token-adapter",
        "shim-legacy-databases-access-token-adapter",
    ),
    text=__doc__,
)
