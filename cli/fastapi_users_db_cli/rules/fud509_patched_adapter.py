"""An adapter of the shim that is compared with, or whose methods are replaced.

The classes of `fastapi_users_db` are others than those of the shim: an object of one is none of
the other, and what is written into the one is not seen in the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, SHIM, TOKEN_ADAPTER, USER_ADAPTER, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for call in source.all(ast.Call):
            if getattr(call.func, "id", "") in ("isinstance", "issubclass") and len(call.args) == 2:
                classes = (
                    call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
                )
                if any(_is_old(facts, source, each) for each in classes):
                    yield Finding(source, call)
        for statement in source.all(ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Attribute) and _is_old(facts, source, target.value):
                    yield Finding(source, target, message="a method of an adapter is replaced")


def _is_old(facts: Facts, source: Source, node: ast.expr) -> bool:
    name = facts.project.resolve(source, node)
    return name is not None and is_of(name, FU | SHIM, USER_ADAPTER, TOKEN_ADAPTER)


RULE = Rule(
    code="FUD509",
    step=5,
    fix="manual",
    title="an object is compared with a class of the shim",
    why="An adapter of `fastapi_users_db` is no instance of the shim's class.",
    find=find,
    text=__doc__,
)
