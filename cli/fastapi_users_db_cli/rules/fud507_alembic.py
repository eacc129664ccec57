"""What Alembic writes into new revisions names the shim: `script.py.mako`, and a comparison in
`env.py`.

Example:

    import fastapi_users_db_sqlalchemy.generics

becomes

    import fastapi_users_db

in `script.py.mako`. A `render_item` of the app's own that compares with the name of the module is
named: `fastapi_users_db.alembic` has one that can be given to Alembic as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Text

_IMPORT = re.compile(
    r"(?m)^(?P<from>[ \t]*import[ \t]+)(?P<name>fastapi_users_db_sqlalchemy(\.\w+)*)[ \t]*$"
)


def find(facts: Facts) -> Iterator[Finding]:
    for path, text in sorted(facts.project.texts.items()):
        if path.endswith(".mako"):
            for match in _IMPORT.finditer(text):
                file = Text(path, text)
                span = (
                    len(text[: match.start("name")].encode()),
                    len(text[: match.end("name")].encode()),
                )
                change = Change(facts.project)
                change.edits.append(file.replace_between(*span, "fastapi_users_db"))
                yield Finding(file, span, change)
    for source in facts.project:
        if source.path.rpartition("/")[2] == "env.py":
            for node in source.all(ast.Constant):
                value = node.value
                if isinstance(value, str) and value.startswith("fastapi_users_db_sqlalchemy"):
                    write = "from fastapi_users_db.alembic import render_item"
                    message = "a type is told by the name of its module"
                    yield Finding(source, node, message=message, fix="manual", write=write)


RULE = Rule(
    code="FUD507",
    step=5,
    fix="safe",
    title="new revisions of Alembic's import the shim",
    why="The shim goes with release 2.0, and its revisions have to run for ever.",
    find=find,
    text=__doc__,
)
