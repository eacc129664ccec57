"""The type of the user's id cannot be found out, and nothing of step 3 can be written without it.

There is no class with one of the mixins, or there are two whose ids differ. Name the type with
`--id uuid` or `--id int`, or with the dotted name of a class of your own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is not None or not facts.is_legacy:
        return
    places: list[tuple[Source, ast.AST]] = [(each.source, each.call) for each in facts.frontends]
    places += [(source, node) for source, node, _ in [*facts.managers, *facts.schemas]]
    for source, node in places[:1]:
        yield Finding(source, node, write="the type with --id, such as --id uuid")


RULE = Rule(
    code="FUD003",
    step=3,
    fix="manual",
    title="the type of the user's id is not known",
    why="Without it the schemas, the manager and the routers cannot be written.",
    find=find,
    text=__doc__,
)
