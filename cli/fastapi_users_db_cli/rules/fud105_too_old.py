"""FastAPI Users 7 or older: go to 8 first.

`migrate` stops there, since what it would write is read from what 8 has. `--assume 8` goes on.
What is to be written otherwise for 8: [FUD325](#fud325).
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import pins
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if facts.project.is_assumed:
        return
    for pin in pins(facts, "fastapi-users"):
        if pin.is_exact and pin.numbers < (8,):
            yield Finding(
                pin.file, pin.span, write="fastapi-users>=8.1.5,<9, and its release notes"
            )


RULE = Rule(
    code="FUD105",
    step=1,
    fix="manual",
    title="FastAPI Users 7 or older is required",
    why="Release 8 moved handlers and secrets into a manager, which is yours to write.",
    find=find,
    text=__doc__,
)
