"""The adapter and the mixins of access tokens are in the root of the package.

Before:

    from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

After:

    from fastapi_users_db import SQLAlchemyAccessTokenDatabase
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.moving import move
from fastapi_users_db_cli.rules.upstream import ours


def is_of_tokens(name: str) -> bool:
    """Tell whether a name is in the module of access tokens."""
    return ".access_token." in name


def find(facts: Facts) -> Iterator[Finding]:
    yield from move(facts, lambda name: ours(name) if is_of_tokens(name) else None)


RULE = Rule(
    code="FUD504",
    step=5,
    fix="safe",
    title="access tokens come from a module of the shim",
    why="The shim goes with release 2.0.",
    find=find,
    deprecations=("shim-access-token-adapter",),
    text=__doc__,
)
