"""A way to write queries that SQLAlchemy 2.0 has not.

Run the tests once on SQLAlchemy 1.4 with `SQLALCHEMY_WARN_20=1`: it names all such places.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.adapters:
        return
    for source in facts.project:
        for call in source.all(ast.Call):
            name = facts.project.resolve(source, call.func) or ""
            is_select = name.startswith("sqlalchemy.") and name.endswith(".select")
            first = call.args[0] if call.args else None
            if is_select and isinstance(first, ast.List):
                columns = ", ".join(source.code(each) for each in first.elts)
                yield Finding(source, call, write=f"{source.code(call.func)}({columns})")


RULE = Rule(
    code="FUD385",
    step=3,
    fix="none",
    title="`select` is given a list",
    why="SQLAlchemy 2.0 takes the columns one by one: it raises ArgumentError.",
    find=find,
    text=__doc__,
)
