"""A user has its OAuth accounts as a relationship.

Before:

    from app import Base, database
    from fastapi_users import models
    from fastapi_users.db import (
        SQLAlchemyBaseOAuthAccountTable,
        SQLAlchemyBaseUserTable,
        SQLAlchemyUserDatabase,
    )


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable, Base):
        pass


    class UserDB(models.BaseUserDB):
        pass


    async def get_user_db():
        yield SQLAlchemyUserDatabase(
            UserDB, database, UserTable.__table__, OAuthAccount.__table__
        )

After:

    from app import Base, database
    from fastapi_users import models
    from fastapi_users.db import (
        SQLAlchemyBaseOAuthAccountTable,
        SQLAlchemyBaseUserTable,
        SQLAlchemyUserDatabase,
    )
    from sqlalchemy.orm import relationship


    class UserTable(Base, SQLAlchemyBaseUserTable):
        oauth_accounts = relationship("OAuthAccount")


    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable, Base):
        pass


    class UserDB(models.BaseUserDB):
        pass


    async def get_user_db():
        yield SQLAlchemyUserDatabase(
            UserDB, database, UserTable.__table__, OAuthAccount.__table__
        )
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import bare
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import add_lines


def find(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    for adapter in facts.adapters:
        table = facts.table_class(adapter.source, adapter.table)
        accounts = facts.table_class(adapter.source, adapter.oauth)
        node, source = project.definition(table), project.source_of(table or "")
        if not accounts or not isinstance(node, ast.ClassDef) or source is None:
            continue
        if not _has_accounts(facts, table or ""):
            change = Change(project)
            relationship = change.name(source, "sqlalchemy.orm.relationship")
            line = f'oauth_accounts = {relationship}("{bare(accounts)}")'
            add_lines(change, source, node, [line], last=True)
            yield Finding(source, node, change)


def _has_accounts(facts: Facts, table: str) -> bool:
    for ancestor in facts.project.ancestors(table):
        node = facts.project.definition(ancestor)
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            if any(getattr(each, "id", "") == "oauth_accounts" for each in targets):
                return True
            if getattr(statement, "name", "") == "oauth_accounts":
                return True
    return False


RULE = Rule(
    code="FUD407",
    step=4,
    fix="safe",
    title="a user has no relationship to its OAuth accounts",
    why="The ORM adapter reads accounts through it: an OAuth login answers 500.",
    find=find,
    text=__doc__,
)
