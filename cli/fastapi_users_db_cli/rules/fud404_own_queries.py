"""Queries of the app's own through `databases` go through a session too, at this step or before.

The `Database` stays as long as there are any, so it is a matter of taste when.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import backends
from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule

_SESSION = {
    "execute": "await session.execute({})",
    "execute_many": "await session.execute({})",
    "fetch_all": "(await session.execute({})).all()",
    "fetch_one": "(await session.execute({})).first()",
    "fetch_val": "await session.scalar({})",
    "iterate": "await session.stream({})",
    "transaction": "session.begin()",
}


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.adapters:
        return
    for backend in backends(facts):
        for source, node in facts.project.references(backend.key):
            method = source.parents[node]
            call = source.parents[method]
            if not isinstance(method, ast.Attribute) or not isinstance(call, ast.Call):
                continue
            if method.attr in _SESSION:
                arguments = ", ".join(source.code(each) for each in call.args)
                yield Finding(source, call, write=_SESSION[method.attr].format(arguments))


RULE = Rule(
    code="FUD404",
    step=4,
    fix="manual",
    title="a query of the app's own goes through `databases`",
    why="It works as long as the `Database` is connected.",
    find=find,
    text=__doc__,
)
