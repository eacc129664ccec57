"""A way to write queries that SQLAlchemy 2.0 has not.

There are others, which the rule does not know: run the tests once on SQLAlchemy 1.4 with
`SQLALCHEMY_WARN_20=1`, which names all such places.

Before:

    import sqlalchemy
    from app import UserTable
    from fastapi_users.db import SQLAlchemyUserDatabase


    def adapter(session):
        return SQLAlchemyUserDatabase(session, UserTable)


    query = sqlalchemy.select([sqlalchemy.func.count()])

After:

    import sqlalchemy
    from app import UserTable
    from fastapi_users.db import SQLAlchemyUserDatabase


    def adapter(session):
        return SQLAlchemyUserDatabase(session, UserTable)


    query = sqlalchemy.select(sqlalchemy.func.count())
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.adapters:
        return
    for source in facts.project:
        for call in source.all(ast.Call):
            name = facts.project.resolve(source, call.func) or ""
            is_select = name.startswith("sqlalchemy.") and name.endswith(".select")
            first = call.args[0] if call.args else None
            if is_select and isinstance(first, ast.List):
                yield _found(facts, source, call, first)


def _found(facts: Facts, source: Source, call: ast.Call, columns: ast.List) -> Finding:
    if len(call.args) > 1 or call.keywords:
        return Finding(source, call, fix="manual", write="select(...).where(...)")
    change = Change(facts.project)
    start, end = source.start(columns), source.end(columns)
    change.edits.append(source.replace_between(start, start + 1, ""))
    change.edits.append(source.replace_between(end - 1, end, ""))
    return Finding(source, call, change)


RULE = Rule(
    code="FUD385",
    step=3,
    fix="safe",
    title="`select` is given a list",
    why="SQLAlchemy 2.0 takes the columns one by one: it raises ArgumentError.",
    find=find,
    text=__doc__,
)
