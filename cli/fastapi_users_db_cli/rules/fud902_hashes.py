"""New hashes, and those of everybody who logs in, are argon2 after step 3.

FastAPI Users 12 and older cannot read them: there is no way back for these users, unless bcrypt
comes first. See [passwords](migrating/databases.md#passwords), and `--reversible`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if facts.is_legacy:
        for source, node, _ in facts.managers:
            yield Finding(source, node.bases[0])


RULE = Rule(
    code="FUD902",
    step=3,
    fix="none",
    title="hashes become argon2 at step 3",
    why="Since FastAPI Users 13; 12 and older answer 400 to who has logged in since.",
    find=find,
    text=__doc__,
)
