"""A validator is a class method.

Before:

    from fastapi_users import models
    from pydantic import validator


    class User(models.BaseUser):
        name: str

        @validator("name")
        def has_a_letter(cls, value):
            return value

After:

    from fastapi_users import models
    from pydantic import field_validator


    class User(models.BaseUser):
        name: str

        @field_validator("name")
        @classmethod
        def has_a_letter(cls, value):
            return value
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, FunctionNode, Source


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, _ in facts.schemas:
        for method in [each for each in node.body if isinstance(each, FUNCTIONS)]:
            for decorator in method.decorator_list:
                func = decorator.func if isinstance(decorator, ast.Call) else decorator
                name = facts.project.resolve(source, func)
                if name == "pydantic.validator" and isinstance(decorator, ast.Call):
                    yield _finding(facts, source, method, decorator)
                elif name == "pydantic.root_validator":
                    message = "a root validator is a `model_validator`, whose form is another"
                    yield Finding(source, decorator, message=message, fix="manual")


def _finding(facts: Facts, source: Source, method: FunctionNode, decorator: ast.Call) -> Finding:
    keywords = {each.arg: source.code(each.value) for each in decorator.keywords}
    others = {*keywords} - {"pre", "allow_reuse", "check_fields"}
    if others or len(method.args.args) != 2 or method.args.kwarg:
        message = "`values`, `each_item` and `always` have no equal in a `field_validator`"
        return Finding(source, decorator, message=message, fix="manual")
    change = Change(facts.project)
    change.replace(source, decorator.func, change.name(source, "pydantic.field_validator"))
    for keyword in decorator.keywords:
        if keyword.arg == "pre":
            mode = "before" if source.code(keyword.value) == "True" else "after"
            change.replace(source, keyword, f'mode="{mode}"')
    reused = [each for each in decorator.keywords if each.arg == "allow_reuse"]
    change.remove(source, [*decorator.args, *decorator.keywords], reused)
    names = [getattr(each, "id", "") for each in method.decorator_list]
    if "classmethod" not in names:
        line = source.newline + source.indent(method) + "@classmethod"
        change.after(source, decorator, line)
    return Finding(source, decorator, change)


RULE = Rule(
    code="FUD354",
    step=3,
    fix="unsafe",
    title="a validator is of pydantic 1",
    why="pydantic 2 warns of it, and pydantic 3 will not have it.",
    find=find,
    text=__doc__,
)
