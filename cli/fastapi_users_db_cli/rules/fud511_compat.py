"""The shim is not required any more when nothing imports it.

Example:

    fastapi-users-db[compat,asyncpg]>=1.0,<2

becomes

    fastapi-users-db[asyncpg]>=1.0,<2
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import requirements, tables
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.upstream import is_upstream


def find(facts: Facts) -> Iterator[Finding]:
    names = [
        facts.project.imported(source, imported) or ""
        for source in facts.project
        for imported in source.imports
    ]
    if any(is_upstream(name) or name.startswith("fastapi_users_db_sqlalchemy") for name in names):
        return
    for each in (*requirements(facts), *tables(facts)):
        if each.name == "fastapi-users-db" and "compat" in each.extras:
            change = Change(facts.project)
            extras = [extra for extra in each.extras if extra != "compat"]
            change.edits.append(each.with_extras(extras))
            yield Finding(each.file, each.span, change)


RULE = Rule(
    code="FUD511",
    step=5,
    fix="safe",
    title="the shim is required, and nothing imports it",
    why="It goes with release 2.0.",
    find=find,
    text=__doc__,
)
