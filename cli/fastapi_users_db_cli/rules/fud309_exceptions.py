"""The exceptions have a module of their own.

Before:

    from fastapi_users.manager import BaseUserManager, UserNotExists

    try:
        BaseUserManager()
    except UserNotExists:
        pass

After:

    from fastapi_users.exceptions import UserNotExists
    from fastapi_users.manager import BaseUserManager

    try:
        BaseUserManager()
    except UserNotExists:
        pass
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.moving import move

_EXCEPTIONS = (
    "FastAPIUsersException",
    "InvalidPasswordException",
    "InvalidResetPasswordToken",
    "InvalidVerifyToken",
    "UserAlreadyExists",
    "UserAlreadyVerified",
    "UserInactive",
    "UserNotExists",
)


def _target(name: str) -> str | None:
    module, _, last = name.rpartition(".")
    is_old = is_of(name, FU, *_EXCEPTIONS) and module.split(".")[1:] in (["manager"], ["user"])
    return f"fastapi_users.exceptions.{last}" if is_old else None


def find(facts: Facts) -> Iterator[Finding]:
    yield from move(facts, _target)


RULE = Rule(
    code="FUD309",
    step=3,
    fix="safe",
    title="exceptions are imported from where they were",
    why="FastAPI Users 10.0.1 moved them: the import fails.",
    find=find,
    text=__doc__,
)
