"""The extra of FastAPI Users that brings upstream's adapter is `fastapi-users-db` now.

Example:

    fastapi-users[sqlalchemy,oauth]==9.3.2

becomes

    fastapi-users[oauth]==9.3.2
    fastapi-users-db[compat,databases]>=1.0,<2

in a file of requirements, and the like in `pyproject.toml`, also Poetry's, in Pipfiles, `setup.cfg`
and environments of conda.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import requirements, tables
from fastapi_users_db_cli.rule import Change, Finding, Rule

EXTRAS = {"sqlalchemy": "databases", "sqlalchemy2": ""}
VERSION = ">=1.0,<2"


def find(facts: Facts) -> Iterator[Finding]:
    found = list(requirements(facts))
    for each in found:
        gone = [extra for extra in each.extras if extra.lower() in EXTRAS]
        if each.name != "fastapi-users" or not gone:
            continue
        change = Change(facts.project)
        change.edits.append(each.with_extras([extra for extra in each.extras if extra not in gone]))
        beside = {other.name for other in found if other.file.path == each.file.path}
        if not beside & {"fastapi-users-db", "fastapi-users-db-sqlalchemy"}:
            extras = ["compat", *filter(None, (EXTRAS[extra.lower()] for extra in gone))]
            if not facts.is_legacy:
                extras = ["compat"]
            change.edits.append(each.followed_by(f"fastapi-users-db[{','.join(extras)}]{VERSION}"))
        yield Finding(each.file, each.span, change)
    lines = list(tables(facts))
    for line in lines:
        gone = [extra for extra in line.extras if extra.lower() in EXTRAS]
        if line.name == "fastapi-users" and gone:
            change = Change(facts.project)
            kept = [extra for extra in line.extras if extra not in gone]
            change.edits.append(line.with_extras(kept))
            names = {other.name for other in lines if other.file.path == line.file.path}
            if not names & {"fastapi-users-db", "fastapi-users-db-sqlalchemy"}:
                given = [EXTRAS[extra.lower()] for extra in gone] if facts.is_legacy else []
                change.edits.append(line.followed_by(as_table(["compat", *filter(None, given)])))
            yield Finding(line.file, line.span, change)
        elif line.name == "fastapi-users" and "sqlalchemy" in line.match["value"]:
            write = f"{as_table(['compat'])}, and no extra here"
            yield Finding(line.file, line.span, fix="manual", write=write)


def as_table(extras: list[str]) -> str:
    """Return the line of a table that requires this package."""
    listed = ", ".join(f'"{extra}"' for extra in extras)
    return f'fastapi-users-db = {{version = "{VERSION}", extras = [{listed}]}}'


RULE = Rule(
    code="FUD101",
    step=1,
    fix="safe",
    title="an extra of FastAPI Users brings upstream's adapter",
    why="Both have the import name `fastapi_users_db_sqlalchemy`: only one can be installed.",
    find=find,
    text=__doc__,
)
