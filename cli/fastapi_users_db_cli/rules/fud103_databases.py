"""A release of `databases` that does not go with the SQLAlchemy that is required.

0.6 asks for SQLAlchemy 1.4.41 or older, 0.7 and 0.8 for 1.4.42 and later, 0.9 for 2.0.7 and later.

Example:

    databases==0.5.5

becomes

    databases>=0.6,<0.9
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import pins
from fastapi_users_db_cli.rule import Change, Finding, Rule

_RELEASES = {"1": ">=0.7,<0.9", "2": ">=0.9"}


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy:
        return
    sqlalchemy = {each.version[:1] for each in pins(facts, "sqlalchemy") if each.is_exact}
    for pin in pins(facts, "databases"):
        if pin.is_exact and pin.numbers < (0, 6):
            major = sqlalchemy.pop() if len(sqlalchemy) == 1 else ""
            change = Change(facts.project)
            change.edits.append(pin.with_version(_RELEASES.get(major, ">=0.6,<0.9")))
            yield Finding(pin.file, pin.span, change)


RULE = Rule(
    code="FUD103",
    step=1,
    fix="unsafe",
    title="a release of `databases` from before 0.6 is required",
    why="The adapter over it needs 0.6 or later.",
    find=find,
    text=__doc__,
)
