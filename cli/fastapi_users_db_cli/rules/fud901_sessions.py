"""Everybody logs in again after step 3, unless the strategy writes and reads both claims.

See [sessions](migrating/databases.md#sessions), and `--reversible`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import calls


def find(facts: Facts) -> Iterator[Finding]:
    if facts.is_legacy:
        for source, call, _ in calls(facts, FU, "JWTAuthentication", "JWTStrategy"):
            yield Finding(source, call)


RULE = Rule(
    code="FUD901",
    step=3,
    fix="none",
    title="sessions end at step 3",
    why="Since FastAPI Users 10.3 the claim is `sub`, and a token with `user_id` is no session.",
    find=find,
    text=__doc__,
)
