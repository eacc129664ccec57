"""The claim with the user's id is called `sub`, in JWTs and in the tokens of mails.

Its value is for the manager to read, with `parse_id`, which raises `InvalidID`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Source


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for node in source.all(ast.Subscript, ast.Call):
            value = _claims(node)
            if value is not None and _is_decoded(facts, source, value) and not _knows(source, node):
                yield Finding(
                    source, node, write=f'user_manager.parse_id({source.code(value)}["sub"])'
                )


def _claims(node: ast.AST) -> ast.expr | None:
    """Return what `["user_id"]` or `.get("user_id")` is read from."""
    if isinstance(node, ast.Subscript) and _is_name(node.slice):
        return node.value
    is_get = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get"
    if isinstance(node, ast.Call) and is_get and node.args and _is_name(node.args[0]):
        return node.func.value if isinstance(node.func, ast.Attribute) else None
    return None


def _knows(source: Source, node: ast.AST) -> bool:
    """Tell whether the function around a place reads `sub` too."""
    inside = source.enclosing(node, *FUNCTIONS)
    parts = ast.walk(inside) if inside else ()
    return any(isinstance(each, ast.Constant) and each.value == "sub" for each in parts)


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "user_id"


def _is_decoded(facts: Facts, source: Source, value: ast.expr) -> bool:
    bound = source.binding(value) if isinstance(value, ast.Name) else None
    call = bound[0] if bound else value
    name = facts.project.resolve(source, call.func) if isinstance(call, ast.Call) else None
    return name is not None and is_of(name, FU, "decode_jwt")


RULE = Rule(
    code="FUD313",
    step=3,
    fix="manual",
    title="the claim `user_id` of a token is read",
    why="Since FastAPI Users 10.3 it is called `sub`: reading it raises KeyError.",
    find=find,
    text=__doc__,
)
