"""An adapter of the app's own that reads rows through `databases` has to read through the session.

`self.users`, `self.database` and `_make_user` are of the `databases` form only. If it overrides
`_make_user` or `_get_user` to hide users, of another tenant for example, do it before anything
else: without its `where` everybody sees everybody.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS

_OLD = ("database", "oauth_accounts", "users", "_make_user")


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, name in facts.project.classes():
        if not facts.is_adapter(name):
            continue
        for method in node.body:
            if isinstance(method, FUNCTIONS) and method.name == "_make_user":
                message = "`_make_user` is not called with a session: override `_get_user`"
                yield Finding(source, method, message=message)
        for part in source.all(ast.Attribute):
            inside = source.enclosing(part, ast.ClassDef)
            is_own = isinstance(part.value, ast.Name) and part.value.id == "self"
            if inside is node and is_own and part.attr in _OLD:
                yield Finding(source, part, write="self.session.execute(...) and self.user_table")


RULE = Rule(
    code="FUD406",
    step=4,
    fix="manual",
    title="an adapter of the app's own works through `databases`",
    why="With a session these attributes are not there: AttributeError at the first call.",
    find=find,
    text=__doc__,
)
