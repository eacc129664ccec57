"""A name for the table of a mapped class that nothing reads any more.

Before:

    from app import Base
    from fastapi_users.db import SQLAlchemyBaseUserTable


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    users = UserTable.__table__

After:

    from app import Base
    from fastapi_users.db import SQLAlchemyBaseUserTable


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    for source in project:
        for name, value in source.module_scope.names.items():
            if not isinstance(value, ast.Attribute) or value.attr != "__table__":
                continue
            statement = source.statement(value)
            is_plain = isinstance(statement, ast.Assign) and len(statement.targets) == 1
            if not is_plain or not facts.is_table(project.resolve(source, value.value)):
                continue
            if project.references(f"{source.path}:{name}") or name in source.exported:
                continue
            change = Change(project)
            change.remove_statement(source, statement)
            for importer, imported in project.importers(source.path, name):
                change.forgotten.add((importer.path, imported.alias.asname or imported.alias.name))
            yield Finding(source, statement, change)


RULE = Rule(
    code="FUD405",
    step=4,
    fix="safe",
    title="a name for a table that nothing reads",
    why="The adapter is given the mapped class.",
    find=find,
    text=__doc__,
)
