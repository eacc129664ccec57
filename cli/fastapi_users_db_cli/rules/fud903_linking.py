"""A login with OAuth as somebody who is there already, by the address alone.

With `associate_by_email=True` it is that user, as up to FastAPI Users 10.0: sound only if the
provider verifies addresses. Without it the login answers 400. [FUD308](#fud308) writes it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import keyword


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project if facts.is_legacy else ():
        for call in source.all(ast.Call):
            value = keyword(call, "associate_by_email")
            if isinstance(value, ast.Constant) and value.value is True:
                yield Finding(source, call)


RULE = Rule(
    code="FUD903",
    step=3,
    fix="none",
    title="an OAuth account is linked by its address",
    why="Whoever has the address at the provider is that user.",
    find=find,
    text=__doc__,
)
