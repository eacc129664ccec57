"""A login with OAuth sets a cookie that only https carries.

Over plain http, as in development, it needs `csrf_token_cookie_secure=False`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project if facts.is_legacy else ():
        for call in source.all(ast.Call):
            if getattr(call.func, "attr", "") == "get_oauth_router":
                yield Finding(source, call)


RULE = Rule(
    code="FUD904",
    step=3,
    fix="none",
    title="a login with OAuth sets a cookie that is `Secure`",
    why="Since FastAPI Users 15.0.2: over plain http the callback answers 400.",
    find=find,
    text=__doc__,
)
