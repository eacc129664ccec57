"""With `--rename`: the mapped class is `User` and the schema `UserRead`, as in new apps.

Example:

    class UserTable(Base, SQLAlchemyBaseUserTableUUID): ...
    class User(schemas.BaseUser[uuid.UUID]): ...

becomes

    class User(Base, SQLAlchemyBaseUserTableUUID): ...
    class UserRead(schemas.BaseUser[uuid.UUID]): ...

with all that names them, also in `relationship("UserTable")`. The schema's name in OpenAPI changes
with it. Other strings stay as they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, USER_MIXIN, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Edit, Source

_ENDING = "Table"
_IN_STRINGS = {"backref", "relationship"}


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.project.is_renamed:
        return
    for table in facts.tables(USER_MIXIN):
        path, _, old = table.partition(":")
        new = old.removesuffix(_ENDING)
        if new in ("", old) or "@" in table:
            continue
        source, node = facts.project.sources[path], facts.project.definition(table)
        assert node is not None
        schemas = [
            name for _, cls, name in facts.schemas if cls.name == new and _is_read(facts, name)
        ]
        names = {table: new, **dict.fromkeys(schemas, f"{new}Read")}
        problem = _problem(facts, names)
        if problem:
            yield Finding(source, node, message=problem, fix="manual")
            continue
        change = Change(facts.project)
        for target, name in names.items():
            change.edits += dict.fromkeys(_edits(facts, target, name))
        yield Finding(source, node, change, f"`{old}` is `{new}` in new apps")


def _is_read(facts: Facts, name: str) -> bool:
    return facts.project.derives(name, FU, "BaseUser")


def _problem(facts: Facts, names: dict[str, str]) -> str | None:
    """Return why nothing can be renamed, if something speaks against it."""
    table, new = next(iter(names.items()))
    if len(names) > 2:
        return f"there is more than one schema `{new}`"
    if any(_makes_name(facts.project.definition(each)) for each in facts.project.ancestors(table)):
        return "the table is named after the class: it would be another table"
    for _, cls, name in facts.project.classes():
        if cls.name in names.values() and name not in names:
            return f"there is another class `{cls.name}`"
    for target, name in names.items():
        places = {source for source, _ in facts.project.references(target)}
        places |= {source for source, _ in facts.project.bringing(target)}
        for source in places:
            for node in source.all(ast.Name):
                if node.id == name and facts.project.resolve(source, node) not in names:
                    return f"`{name}` is something else in {source.path}"
    return None


def _makes_name(node: ast.AST | None) -> bool:
    body = node.body if isinstance(node, ast.ClassDef) else []
    return any(isinstance(each, FUNCTIONS) and each.name == "__tablename__" for each in body)


def _edits(facts: Facts, target: str, new: str) -> Iterator[Edit]:
    path, _, old = target.partition(":")
    source, node = facts.project.sources[path], facts.project.definition(target)
    assert isinstance(node, ast.ClassDef)
    start = source.data.index(old.encode(), source.offset(node.lineno, node.col_offset) + 5)
    yield source.replace_between(start, start + len(old.encode()), new)
    for place, use in facts.project.references(target):
        if (use.id if isinstance(use, ast.Name) else use.attr) == old:
            end = place.end(use)
            yield place.replace_between(end - len(old.encode()), end, new)
    for place, imported in facts.project.bringing(target):
        if imported.name == old:
            start = place.start(imported.alias)
            yield place.replace_between(start, start + len(old.encode()), new)
    for place in facts.project:
        constant = place.exported.get(old)
        if constant and facts.project.hands_on(place.path, old, target):
            yield place.replace(constant, place.code(constant).replace(old, new))
        yield from _in_strings(place, old, new)


def _in_strings(source: Source, old: str, new: str) -> Iterator[Edit]:
    for constant in source.all(ast.Constant):
        call = source.enclosing(constant, ast.Call)
        if isinstance(constant.value, str) and call:
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            text = re.sub(rf"\b{old}\b", new, source.code(constant))
            if name in _IN_STRINGS and text != source.code(constant):
                yield source.replace(constant, text)


RULE = Rule(
    code="FUD513",
    step=5,
    fix="safe",
    title="the names of classes are those of FastAPI Users 9",
    why="New apps have `User` and `UserRead`, since FastAPI Users 10.0; the old names work too.",
    find=find,
    text=__doc__,
)
