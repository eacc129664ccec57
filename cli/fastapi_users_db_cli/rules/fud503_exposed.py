"""Names that upstream's package merely happened to expose come from their home.

Before:

    from fastapi_users_db_sqlalchemy import UUID_ID, AsyncSession
    from fastapi_users_db_sqlalchemy.generics import now_utc
    from sqlalchemy import Column, DateTime

    at = Column(DateTime, default=now_utc)


    def key(session: AsyncSession) -> UUID_ID: ...

After:

    import uuid
    from datetime import datetime, timezone

    from sqlalchemy import Column, DateTime
    from sqlalchemy.ext.asyncio import AsyncSession

    at = Column(DateTime, default=lambda: datetime.now(timezone.utc))


    def key(session: AsyncSession) -> uuid.UUID: ...
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import SHIM, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.moving import move
from fastapi_users_db_cli.rules.upstream import exposed


def find(facts: Facts) -> Iterator[Finding]:
    yield from move(facts, exposed)
    for name in facts.project.names_of(SHIM):
        for source, node in facts.project.references(name):
            change = Change(facts.project)
            if is_of(name, SHIM, "UUID_ID"):
                change.replace(source, node, change.name(source, "uuid.UUID"))
                yield Finding(source, node, change)
            elif is_of(name, SHIM, "now_utc"):
                now = change.name(source, "datetime.datetime")
                text = f"{now}.now({change.name(source, 'datetime.timezone')}.utc)"
                parent = source.parents[node]
                if isinstance(parent, ast.Call) and parent.func is node:
                    change.replace(source, parent, text)
                else:
                    change.replace(source, node, f"lambda: {text}")
                yield Finding(source, node, change)


RULE = Rule(
    code="FUD503",
    step=5,
    fix="safe",
    title="a name comes from upstream's package that only passed it on",
    why="`fastapi_users_db` has its own names and no others.",
    find=find,
    text=__doc__,
)
