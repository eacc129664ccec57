"""An import that only guards the order of imports is not needed any more.

Before:

    import fastapi_users.db  # noqa: F401  first, because of an import cycle
    from fastapi_users_db import SQLAlchemyUserDatabase

After:

    from fastapi_users_db import SQLAlchemyUserDatabase
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import SHIM, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        read = {node.id for node in source.all(ast.Name)}
        for statement in source.all(ast.Import):
            guards = [
                alias
                for alias in statement.names
                if alias.name == "fastapi_users.db" or alias.name.partition(".")[0] in SHIM
                if not alias.asname and alias.name.partition(".")[0] not in read
            ]
            if guards:
                change = Change(facts.project)
                if len(guards) == len(statement.names):
                    change.remove_statement(source, statement)
                else:
                    change.remove(source, statement.names, guards)
                yield Finding(source, statement, change)


RULE = Rule(
    code="FUD512",
    step=5,
    fix="safe",
    title="an import is there for the order of imports only",
    why="`fastapi_users_db` can be imported in any order; without the shim the old name is gone.",
    find=find,
    text=__doc__,
)
