"""A login and a logout with a cookie answer 204, without a body.

Clients that ask for 200, or read `null`, have to change.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import calls


def find(facts: Facts) -> Iterator[Finding]:
    if facts.is_legacy:
        for source, call, _ in calls(facts, FU, "CookieAuthentication", "CookieTransport"):
            yield Finding(source, call)


RULE = Rule(
    code="FUD905",
    step=3,
    fix="none",
    title="a login with a cookie answers 204",
    why="Since FastAPI Users 11; before it was 200.",
    find=find,
    text=__doc__,
)
