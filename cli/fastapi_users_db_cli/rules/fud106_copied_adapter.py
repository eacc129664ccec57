"""A copy of upstream's adapter in the app: the tool knows nothing of what it does.

Use the adapter of this package, derive from it what differs, and delete the copy.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, name in facts.project.classes():
        bases = facts.project.bases(name)
        is_copy = node.name.startswith("SQLAlchemy") and "Database" in node.name
        if is_copy and any(
            base.startswith("fastapi_users.db.")
            and base.endswith(("BaseUserDatabase", "AccessTokenDatabase"))
            for base in bases
        ):
            yield Finding(
                source, node.bases[0], write="from fastapi_users_db import SQLAlchemyUserDatabase"
            )


RULE = Rule(
    code="FUD106",
    step=1,
    fix="manual",
    title="the app has a copy of the adapter",
    why="It is as old as the release that it was copied from, and no rule changes it.",
    find=find,
    text=__doc__,
)
