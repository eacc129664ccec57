"""A relationship of a user that is read where its session may be asked for nothing.

Load it with the user (`lazy="selectin"`), or with a query of your own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import USER_MIXIN, Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import keyword


def find(facts: Facts) -> Iterator[Finding]:
    lazy = {table: _lazy(facts, table) for table in facts.tables(USER_MIXIN)}
    users = {model: lazy.get(table, set()) for model, table in facts.table_of.items()}
    users |= lazy
    for source in facts.project:
        for part in source.all(ast.Attribute):
            if any(part.attr in names for names in users.values()):
                name = facts.project.type_of(source, part.value)
                if part.attr in users.get(name or "", ()):
                    yield Finding(source, part)


def _lazy(facts: Facts, table: str) -> set[str]:
    node, source = facts.project.definition(table), facts.project.source_of(table)
    found = set()
    for statement in node.body if isinstance(node, ast.ClassDef) and source else ():
        call = getattr(statement, "value", None)
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        if isinstance(call, ast.Call) and source:
            name = facts.project.resolve(source, call.func) or ""
            if name == "sqlalchemy.orm.relationship" and keyword(call, "lazy") is None:
                found |= {getattr(each, "id", "") for each in targets}
    return found - {"oauth_accounts"}


RULE = Rule(
    code="FUD907",
    step=4,
    fix="none",
    title="a relationship of a user is read that is not loaded",
    why="Through an AsyncSession it raises MissingGreenlet: the request answers 500.",
    find=find,
    text=__doc__,
)
