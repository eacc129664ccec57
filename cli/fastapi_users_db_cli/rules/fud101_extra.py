"""The extra of FastAPI Users that brings upstream's adapter is `fastapi-users-db` now.

Example:

    fastapi-users[sqlalchemy,oauth]==9.3.2

becomes

    fastapi-users[oauth]==9.3.2
    fastapi-users-db[compat,databases]>=1.0,<2

in a file of requirements, and the like in `pyproject.toml`, `setup.cfg` and environments of conda.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.requirements import requirements, tables
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Text

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
    for file, span, value in tables(facts):
        if re.search(r"[\"']sqlalchemy2?[\"']", value):
            yield Finding(file, span, _table(facts, file, span))


def _table(facts: Facts, file: Text, span: tuple[int, int]) -> Change:
    """Take the extra out of a table such as Poetry's, and require our package below it."""
    text = file.data[span[0] : span[1]].decode()
    without = re.sub(r"""(?x)["']sqlalchemy2?["'](,[ ]*)?""", "", text)
    without = re.sub(r",[ ]*\]", "]", without)
    without = re.sub(r"(,[ ]*extras[ ]*=[ ]*\[[ ]*\])|(extras[ ]*=[ ]*\[[ ]*\],?[ ]*)", "", without)
    extras = (
        ["compat", "databases"] if facts.is_legacy and "sqlalchemy2" not in text else ["compat"]
    )
    listed = ", ".join(f'"{extra}"' for extra in extras)
    line = f'{file.newline}fastapi-users-db = {{version = "{VERSION}", extras = [{listed}]}}'
    change = Change(facts.project)
    is_there = re.search(r"(?m)^fastapi-users-db[ \t]*=", file.text) is not None
    change.edits.append(file.replace_between(*span, without + ("" if is_there else line)))
    return change


RULE = Rule(
    code="FUD101",
    step=1,
    fix="safe",
    title="an extra of FastAPI Users brings upstream's adapter",
    why="Both have the import name `fastapi_users_db_sqlalchemy`: only one can be installed.",
    find=find,
    text=__doc__,
)
