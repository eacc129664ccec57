"""What Alembic writes into new revisions names the shim: `script.py.mako`, and a comparison in
`env.py`.

Example:

    import fastapi_users_db_sqlalchemy.generics

becomes

    import fastapi_users_db

in `script.py.mako`. A `render_item` of the app's own that compares with the name of the module,
and does nothing else, becomes the one of `fastapi_users_db.alembic`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Import, Rule
from fastapi_users_db_cli.rules.classes import is_docstring
from fastapi_users_db_cli.source import Source, Text

_SHIM = "fastapi_users_db_sqlalchemy"
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
                if isinstance(value, str) and value.startswith(_SHIM):
                    write = "from fastapi_users_db.alembic import render_item"
                    message = "a type is told by the name of its module"
                    ours = _change(facts, source, node)
                    if ours:
                        yield Finding(source, node, ours, message)
                    else:
                        yield Finding(source, node, message=message, fix="manual", write=write)


def _change(facts: Facts, source: Source, node: ast.Constant) -> Change | None:
    """Let ours take the place of a `render_item` that does nothing else."""
    function = source.enclosing(node, ast.FunctionDef)
    if function is None or function not in source.tree.body or len(function.args.args) != 3:
        return None
    body = [each for each in function.body if not is_docstring(each)]
    condition = body[0]
    if len(body) != 2 or not isinstance(condition, ast.If) or condition.orelse:
        return None
    texts = [each.value for each in ast.walk(condition.test) if isinstance(each, ast.Constant)]
    if any(text != "type" and not str(text).startswith(_SHIM) for text in texts):
        return None
    change = Change(facts.project)
    change.remove_statement(source, function)
    module = "fastapi_users_db.alembic"
    change.imports.append(Import(source.path, module, "render_item", function.name))
    return change


RULE = Rule(
    code="FUD507",
    step=5,
    fix="safe",
    title="new revisions of Alembic's import the shim",
    why="The shim goes with release 2.0, and its revisions have to run for ever.",
    find=find,
    text=__doc__,
)
