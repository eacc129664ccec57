"""What several rules share: calls of a library, and what the app gives them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of, unsubscripted
from fastapi_users_db_cli.source import Source

__all__ = ["arguments", "calls", "is_adapter_value", "keyword"]


def calls(
    facts: Facts, libraries: Collection[str], *names: str
) -> Iterator[tuple[Source, ast.Call, str]]:
    """Go through the calls of some names of some libraries, with the last part of each name."""
    for source in facts.project:
        for call in source.all(ast.Call):
            name = facts.project.resolve(source, unsubscripted(call.func))
            if name and is_of(name, libraries, *names):
                yield source, call, name.rpartition(".")[2]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return what a call is given by keyword."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def arguments(call: ast.Call, parameters: Collection[str]) -> dict[str, ast.expr] | None:
    """Return what a call is given by parameter, or `None` where only the running app knows."""
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    given = dict(zip(parameters, call.args, strict=False))
    for each in call.keywords:
        if each.arg is None or each.arg not in parameters:
            return None
        given[each.arg] = each.value
    return given


def is_adapter_value(facts: Facts, source: Source, node: ast.expr) -> bool:
    """Tell whether a value is an adapter: `self.user_db` of a manager, or by its class."""
    if isinstance(node, ast.Attribute) and node.attr == "user_db":
        inside = source.enclosing(node, ast.ClassDef)
        return any(inside is manager for _, manager, _ in facts.managers)
    name = facts.project.type_of(source, node)
    return name is not None and (facts.is_adapter(name) or is_of(name, FU, "BaseUserDatabase"))
