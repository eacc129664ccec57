"""Everybody logs in again after step 3, unless the strategy writes and reads both claims.

`migrate --step 3 --reversible` brings such a strategy, and step 5 takes it out. See
[sessions](migrating/databases.md#sessions).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of, unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.places import calls
from fastapi_users_db_cli.rules.way_back import SESSIONS, STRATEGY, has, insert, is_wanted
from fastapi_users_db_cli.source import FUNCTIONS, Source

_OLD = ("JWTAuthentication", "CookieAuthentication")
_OWN = {"read_token", "write_token"}


def find(facts: Facts) -> Iterator[Finding]:
    if is_wanted(facts):
        yield from _reversible(facts)
    elif facts.is_legacy:
        for source, call, _ in calls(facts, FU, "JWTAuthentication", "JWTStrategy"):
            yield Finding(source, call)


def _reversible(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        strategies, others = _uses(facts, source)
        for name in strategies:
            finding = Finding(source, name, fix="safe")
            if not _is_of_module(source, name) or _reads_itself(source, name):
                finding.fix = "manual"
                finding.write = 'both claims, "sub" and "user_id", and a reader of either'
            else:
                finding.change = Change(facts.project)
                finding.change.replace(source, name, STRATEGY)
                if not has(source, STRATEGY):
                    base = {"JWTStrategy": source.code(strategies[0])}
                    insert(finding.change, source, [*strategies, *others], SESSIONS, base)
            yield finding


def _uses(facts: Facts, source: Source) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return where a file makes strategies or derives from one, and where it will soon."""
    strategies: list[ast.expr] = []
    others: list[ast.expr] = []
    parts = [(call.func, "") for call in source.all(ast.Call)]
    parts += [(base, node.name) for node in source.all(ast.ClassDef) for base in node.bases]
    for part, owner in parts:
        name = unsubscripted(part)
        target = facts.project.resolve(source, name) or ""
        if is_of(target, FU, "JWTStrategy") and owner != STRATEGY:
            strategies.append(name)
        elif is_of(target, FU, *_OLD):
            others.append(name)
    return sorted(strategies, key=source.start), others


def _is_of_module(source: Source, node: ast.expr) -> bool:
    """Tell whether a name means the same at the top of its file."""
    while isinstance(node, ast.Attribute):
        node = node.value
    bound = source.binding(node) if isinstance(node, ast.Name) else None
    return bound is not None and bound[1] is source.module_scope


def _reads_itself(source: Source, node: ast.expr) -> bool:
    """Tell whether a name is the base of a class with its own way to read or write tokens."""
    parent = source.parents[node]
    parent = source.parents[parent] if isinstance(parent, ast.Subscript) else parent
    body = parent.body if isinstance(parent, ast.ClassDef) else []
    return any(isinstance(each, FUNCTIONS) and each.name in _OWN for each in body)


RULE = Rule(
    code="FUD901",
    step=3,
    fix="none",
    title="sessions end at step 3",
    why="Since FastAPI Users 10.3 the claim is `sub`, and a token with `user_id` is no session.",
    find=find,
    text=__doc__,
)
