"""`declarative_base` is in `sqlalchemy.orm`.

Before:

    from fastapi_users import BaseUserManager
    from sqlalchemy.ext.declarative import DeclarativeMeta, declarative_base

    Base: DeclarativeMeta = declarative_base()

After:

    from fastapi_users import BaseUserManager
    from sqlalchemy.orm import DeclarativeMeta, declarative_base

    Base: DeclarativeMeta = declarative_base()
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.moving import move

_NAMES = (
    "DeclarativeMeta",
    "as_declarative",
    "declarative_base",
    "declared_attr",
    "has_inherited_table",
)


def _target(name: str) -> str | None:
    module, _, last = name.rpartition(".")
    is_old = module.startswith("sqlalchemy.ext.declarative") and last in _NAMES
    return f"sqlalchemy.orm.{last}" if is_old else None


def find(facts: Facts) -> Iterator[Finding]:
    yield from move(facts, _target)


RULE = Rule(
    code="FUD383",
    step=3,
    fix="safe",
    title="the base of the mapped classes is imported from where it was",
    why="SQLAlchemy 2.0 warns of it.",
    find=find,
    text=__doc__,
)
