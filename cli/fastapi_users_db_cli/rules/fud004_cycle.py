"""What would be written closes a cycle of imports, with which no module can be imported.

Move one of the imports into the function that needs it, or what is imported into a module of its
own, and run the tool again.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    """Find nothing: the engine does, when it has made the changes."""
    yield from ()


RULE = Rule(
    code="FUD004",
    step=5,
    fix="manual",
    title="the change would close a cycle of imports",
    why="The module that is imported first fails with ImportError.",
    find=find,
    text=__doc__,
)
