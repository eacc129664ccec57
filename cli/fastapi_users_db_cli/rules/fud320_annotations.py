"""Annotations that name `UserDB`, in hooks and routes.

They stay until step 5, at which [FUD506](#fud506) names the mapped class.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import bare
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for model in sorted(facts.models) if facts.is_legacy else ():
        first: dict[str, tuple[int, ast.expr]] = {}
        for source, node in facts.project.references(model):
            if source.enclosing(node, ast.arg):
                count, place = first.get(source.path, (0, node))
                first[source.path] = (count + 1, place)
        for path, (count, place) in first.items():
            name = bare(model)
            message = f"`{name}` is the annotation of {count} parameter{'s' * (count != 1)} here"
            yield Finding(facts.project.sources[path], place, message=message)


RULE = Rule(
    code="FUD320",
    step=3,
    fix="none",
    title="`UserDB` is an annotation",
    why="It stays until step 5, which names the mapped class.",
    find=find,
    text=__doc__,
)
