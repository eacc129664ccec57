"""A table with UUIDs says so.

Where the class or a base of the app declares an `id`, that one counts, and the mixin stays.

Before:

    from app import Base
    from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass

After:

    from app import Base
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import MIXINS, SHIM, USER_MIXIN, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.upstream import is_upstream
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    for source, base, _ in unnamed_ids(facts):
        yield Finding(source, base, with_uuid(facts, source, base, "fastapi_users_db"))


def unnamed_ids(facts: Facts) -> Iterator[tuple[Source, ast.expr, str]]:
    """Go through the mixins without a type argument whose UUID counts."""
    for source, base, name in bare_mixins(facts):
        if not any(facts.declared_id(each) for each in facts.project.ancestors(name)):
            yield source, base, name


def bare_mixins(facts: Facts) -> Iterator[tuple[Source, ast.expr, str]]:
    """Go through the bases of classes that are mixins of upstream's without a type argument."""
    for source, node, name in facts.project.classes():
        for base in node.bases:
            mixin = facts.project.resolve(source, base) or ""
            if is_upstream(mixin) and mixin.rpartition(".")[2] in MIXINS:
                is_user = mixin.endswith(USER_MIXIN)
                if is_user or facts.id_type in ("uuid.UUID", None):
                    yield source, base, name


def with_uuid(facts: Facts, source: Source, base: ast.expr, module: str) -> Change:
    """Give a mixin the name that ends in UUID."""
    change = Change(facts.project)
    mixin = (facts.project.resolve(source, base) or "").rpartition(".")[2]
    root = facts.project.resolve(source, base.value) if isinstance(base, ast.Attribute) else None
    if isinstance(base, ast.Attribute) and root in SHIM:
        change.replace(source, base, f"{source.code(base.value)}.{mixin}UUID")
    else:
        change.replace(source, base, change.name(source, f"{module}.{mixin}UUID"))
    return change


RULE = Rule(
    code="FUD502",
    step=5,
    fix="safe",
    title="a table gets UUIDs without asking for them",
    why="In `fastapi_users_db` the plain mixin brings no `id`.",
    find=find,
    deprecations=("shim-table-without-id",),
    text=__doc__,
)
