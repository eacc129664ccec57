"""A test that a login with a cookie answers 200.

It is 204 now: see [FUD905](#fud905).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import calls
from fastapi_users_db_cli.source import FUNCTIONS


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy or not any(calls(facts, FU, "CookieAuthentication", "CookieTransport")):
        return
    for source in facts.project:
        for node in source.all(ast.Compare):
            function = source.enclosing(node, *FUNCTIONS)
            if function and _is_ok(node) and _logs_in(function):
                yield Finding(source, node, write=f"{source.code(node.left)} == 204")


def _is_ok(node: ast.Compare) -> bool:
    other = node.comparators[0]
    is_status = isinstance(node.left, ast.Attribute) and node.left.attr == "status_code"
    return is_status and isinstance(other, ast.Constant) and other.value == 200


def _logs_in(function: ast.AST) -> bool:
    texts = [each.value for each in ast.walk(function) if isinstance(each, ast.Constant)]
    return any(isinstance(text, str) and text.endswith(("/login", "/logout")) for text in texts)


RULE = Rule(
    code="FUD908",
    step=3,
    fix="none",
    title="a test expects 200 of a login with a cookie",
    why="Since FastAPI Users 11 it answers 204.",
    find=find,
    text=__doc__,
)
