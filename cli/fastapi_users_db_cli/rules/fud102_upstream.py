"""`fastapi-users-db-sqlalchemy` is `fastapi-users-db` now.

Example:

    fastapi-users-db-sqlalchemy==4.0.3

becomes

    fastapi-users-db[compat]>=1.0,<2

in a file of requirements, and the like in `pyproject.toml`, `setup.cfg` and environments of conda.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import requirements, tables
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.fud101_extra import VERSION, as_table


def find(facts: Facts) -> Iterator[Finding]:
    found = list(requirements(facts))
    for each in found:
        if each.name == "fastapi-users-db-sqlalchemy":
            change = Change(facts.project)
            beside = {other.name for other in found if other.file.path == each.file.path}
            if "fastapi-users-db" in beside:
                change.edits.append(each.removed())
            else:
                change.edits.append(each.replaced(f"fastapi-users-db[compat]{VERSION}"))
            yield Finding(each.file, each.span, change)
    lines = list(tables(facts))
    for line in lines:
        if line.name == "fastapi-users-db-sqlalchemy":
            change = Change(facts.project)
            names = {other.name for other in lines if other.file.path == line.file.path}
            is_there = "fastapi-users-db" in names
            change.edits.append(line.removed() if is_there else line.replaced(as_table(["compat"])))
            yield Finding(line.file, line.span, change)


RULE = Rule(
    code="FUD102",
    step=1,
    fix="safe",
    title="upstream's adapter is required",
    why="Both have the import name `fastapi_users_db_sqlalchemy`: only one can be installed.",
    find=find,
    text=__doc__,
)
