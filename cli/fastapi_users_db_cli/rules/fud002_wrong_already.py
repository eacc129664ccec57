"""A call that was wrong before any change, and that no rule can understand.

The adapter takes a session and then the mapped classes, at step 3 still with `UserDB` before them.
`FastAPIUsers` has two type arguments, the user and the type of its id, and is given a manager and
the backends.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import calls


def find(facts: Facts) -> Iterator[Finding]:
    for adapter in facts.adapters:
        source, call = adapter.source, adapter.call
        names = [facts.project.resolve(source, each) for each in call.args]
        first = names[0] if names else None
        third = names[2] if len(names) > 2 else None
        if facts.is_table(first) and len(names) == 2 and not facts.is_table(names[1]):
            first_code, second = (source.code(each) for each in call.args)
            yield Finding(source, call, write=f"{source.code(call.func)}({second}, {first_code})")
        elif adapter.model is None and facts.project.derives(third, FU | {"pydantic"}):
            session, table, model = (source.code(each) for each in call.args[:3])
            yield Finding(
                source, call, write=f"{source.code(call.func)}({model}, {session}, {table})"
            )
    for source, call, _ in calls(facts, FU, "FastAPIUsers"):
        subscript = call.func if isinstance(call.func, ast.Subscript) else None
        elements = (
            subscript.slice.elts if subscript and isinstance(subscript.slice, ast.Tuple) else []
        )
        if len(elements) > 2 and len(call.args) + len(call.keywords) < 6:
            yield Finding(
                source, call, write="FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])"
            )


RULE = Rule(
    code="FUD002",
    step=3,
    fix="manual",
    title="a call was wrong already",
    why="It raises TypeError with every release, so nothing can be read from it.",
    find=find,
    text=__doc__,
)
