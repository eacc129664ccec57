"""What several rules share: names that have moved from one module to another."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Import
from fastapi_users_db_cli.source import Imported, Source

__all__ = ["move", "unread"]

Target = Callable[[str], str | None]
"""Returns the new name of a name, both with their modules, or `None` for one that stays."""


def move(facts: Facts, target: Target) -> Iterator[Finding]:
    """Find names that have moved, in imports and behind the names of modules."""
    for source in facts.project:
        for statement in source.all(ast.ImportFrom):
            moved = _moved(facts, source, statement, target)
            if moved:
                yield Finding(source, statement, _import(facts, source, statement, moved))
        for node in source.all(ast.Attribute):
            name = facts.project.resolve(source, node)
            new = target(name) if name else None
            if new:
                change = Change(facts.project)
                change.replace(source, node, change.name(source, new))
                yield Finding(source, node, change)


def unread(facts: Facts, name: str) -> Iterator[Finding]:
    """Find imports of a name of FastAPI Users that is gone and that nothing reads."""
    read = {
        (source.path, node.id)
        for of in facts.project.names_of(FU)
        for source, node in facts.project.references(of)
        if isinstance(node, ast.Name)
    }
    for source in facts.project:
        for imported in source.imports:
            found = facts.project.imported(source, imported) or ""
            bound = imported.alias.asname or imported.alias.name
            is_gone = imported.name == name and is_of(found, FU, name)
            if is_gone and (source.path, bound) not in read:
                change = Change(facts.project)
                change.forgotten.add((source.path, bound))
                yield Finding(source, imported.alias, change)


def _moved(
    facts: Facts, source: Source, statement: ast.ImportFrom, target: Target
) -> dict[ast.alias, str]:
    module = "." * statement.level + (statement.module or "")
    moved: dict[ast.alias, str] = {}
    if facts.project.file_of(source, module):
        return moved  # The app hands it on itself, and is found there.
    for alias in statement.names:
        imported = Imported(statement, alias, module, alias.name)
        name = facts.project.imported(source, imported)
        new = target(name) if name and ":" not in name else None
        if new and new.rpartition(".")[2] == alias.name:
            moved[alias] = new.rpartition(".")[0]
    return moved


def _import(
    facts: Facts, source: Source, statement: ast.ImportFrom, moved: dict[ast.alias, str]
) -> Change:
    change = Change(facts.project)
    modules = list(moved.values())
    main = max(modules, key=modules.count)
    staying = [alias for alias in statement.names if alias not in moved]
    leaving = [alias for alias, module in moved.items() if staying or module != main]
    if not staying:
        code = source.code(statement)
        match = re.match(r"from\s+([.\w]+)", code)
        assert match is not None
        start = source.start(statement)
        change.edits.append(
            source.replace_between(start + match.start(1), start + match.end(1), main)
        )
    if statement in source.tree.body:
        change.remove(source, statement.names, leaving)
        for alias in leaving:
            bound = alias.asname or alias.name
            change.imports.append(Import(source.path, moved[alias], alias.name, bound))
    elif leaving:
        indent = source.newline + source.indent(statement)
        lines = [f"from {moved[alias]} import {source.code(alias)}" for alias in leaving]
        change.remove(source, statement.names, leaving)
        change.after(source, statement, "".join(indent + line for line in lines))
    return change
