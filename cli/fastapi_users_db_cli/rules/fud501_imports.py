"""Adapters, tables and types are imported from `fastapi_users_db`.

Before:

    from fastapi_users.db import SQLAlchemyUserDatabase
    from fastapi_users_db_sqlalchemy import (
        SQLAlchemyAccessTokenDatabase,  # for the strategy
    )

After:

    from fastapi_users_db import SQLAlchemyUserDatabase
    from fastapi_users_db import (
        SQLAlchemyAccessTokenDatabase,  # for the strategy
    )
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import SHIM, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.fud502_uuid import unnamed_ids
from fastapi_users_db_cli.rules.fud504_access_token_module import is_of_tokens
from fastapi_users_db_cli.rules.moving import move
from fastapi_users_db_cli.rules.upstream import ours
from fastapi_users_db_cli.source import Imported, Source


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        for imported in source.imports:
            if imported.name is None and imported.module in SHIM and imported.alias.asname:
                change = Change(facts.project)
                text = f"fastapi_users_db as {imported.alias.asname}"
                change.replace(source, imported.alias, text)
                yield Finding(source, imported.alias, change)
    renamed = [base for _, base, _ in unnamed_ids(facts)]
    for finding in move(facts, lambda name: None if is_of_tokens(name) else ours(name)):
        source = facts.project.sources[finding.source.path]
        node = finding.node
        if isinstance(node, ast.Attribute) and (node in renamed or _keeps_alias(source, node)):
            continue
        yield finding


def _keeps_alias(source: Source, node: ast.Attribute) -> bool:
    """Tell whether it is behind an alias of the package, which goes on naming ours."""
    bound = source.binding(node.value) if isinstance(node.value, ast.Name) else None
    return bound is not None and isinstance(bound[0], Imported) and bool(bound[0].alias.asname)


RULE = Rule(
    code="FUD501",
    step=5,
    fix="safe",
    title="names are imported through the shim or from upstream's package",
    why="The shim goes with release 2.0.",
    find=find,
    deprecations=("shim-adapter", "shim-table"),
    text=__doc__,
)
