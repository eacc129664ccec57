"""A string that names the shim, where it is imported or looked for by it.

Before:

    from unittest.mock import patch

    import fastapi_users

    patched = patch("fastapi_users_db_sqlalchemy.SQLAlchemyUserDatabase.get")

After:

    from unittest.mock import patch

    import fastapi_users

    patched = patch("fastapi_users_db.SQLAlchemyUserDatabase.get")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule

_OLD = "fastapi_users_db_sqlalchemy"
_FUNCTIONS = {"delattr", "getLogger", "import_module", "importorskip", "object", "patch", "setattr"}


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for node in source.all(ast.Constant):
            value = node.value
            if not isinstance(value, str) or value.partition(".")[0] != _OLD:
                continue
            parent = source.parents[node]
            name = (
                getattr(parent.func, "attr", getattr(parent.func, "id", ""))
                if isinstance(parent, ast.Call)
                else ""
            )
            if name in _FUNCTIONS and _OLD in source.code(node):
                change = Change(facts.project)
                change.replace(source, node, source.code(node).replace(_OLD, "fastapi_users_db", 1))
                yield Finding(source, node, change)


RULE = Rule(
    code="FUD508",
    step=5,
    fix="unsafe",
    title="a string names the shim",
    why="The shim goes with release 2.0: what the string stands for is not there.",
    find=find,
    text=__doc__,
)
