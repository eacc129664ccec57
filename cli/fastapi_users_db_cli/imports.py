"""What a file imports after it has been edited: what it needs now, and no longer what it needed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection

from fastapi_users_db_cli.rule import Import
from fastapi_users_db_cli.source import Edit, Imported, Source, apply

__all__ = ["tidy"]


def tidy(
    before: Source,
    data: bytes,
    wanted: Collection[Import],
    forgotten: Collection[str] = (),
    kept: Collection[str] = (),
) -> bytes:
    """Remove the imports that edits have left without a use, and add those that they need.

    Parameters:
        before: the file before the edits.
        data: its text after them.
        wanted: what it has to import.
        forgotten: names that it does not import any more, even if it only hands them on.
        kept: names that other files import from it.
    """
    source = Source(before.path, data.decode())
    lost = _uses(before) - _uses(source) - {*kept, *source.exported}
    unused = [each for each in source.imports if _bound(each) in forgotten or _bound(each) in lost]
    missing: list[Import] = []
    for each in wanted:
        if each not in missing and each.bound not in source.module_scope.names:
            missing.append(each)
    bound = {each.bound for each in missing}
    gone = [_bound(each) for each in unused if _bound(each) not in bound]
    return apply(source.data, [*_Plan(source, unused, missing).edits(), *source.unexport(*gone)])


def _uses(source: Source) -> set[str]:
    """Return the names that a file reads, those in strings included."""
    names = {node.id for node in source.all(ast.Name) if isinstance(node.ctx, ast.Load)}
    for constant in source.all(ast.Constant):
        if isinstance(constant.value, str) and len(constant.value) < 200:
            parent = source.parents[constant]
            if not isinstance(parent, ast.Expr):  # no docstring
                names.update(re.findall(r"\w+", constant.value))
    return names


def _bound(imported: Imported) -> str:
    alias = imported.alias
    return alias.asname or (alias.name if imported.name else alias.name.partition(".")[0])


class _Plan:
    def __init__(self, source: Source, unused: list[Imported], missing: list[Import]) -> None:
        self.source = source
        self.unused = unused
        self.missing = missing
        self.found: list[Edit] = []
        self.opens_standard = False
        self.dropped: list[ast.stmt] = []

    def edits(self) -> list[Edit]:
        statements = [each.statement for each in self.unused]
        top = [each for each in self.source.tree.body if isinstance(each, ast.ImportFrom)]
        self._rename()
        for statement in dict.fromkeys([*top, *statements]):
            self._rewrite(statement)
        standard = [each for each in self.missing if _root(each.module) in sys.stdlib_module_names]
        others = [each for each in self.missing if each not in standard]
        standard.sort(key=lambda each: (each.name is not None, each.module))
        for group in _by_statement(standard):
            self._add(group)
        if self.opens_standard:
            # Nothing of the standard library was there: an empty line parts it from the rest.
            self.found.append(self.source.insert(self.found[-1].start, self.source.newline))
        for group in _by_statement(others):
            self._add(group)
        return [*self.found, *self.source.remove_statements(self.dropped)]

    def _rename(self) -> None:
        """Let a name that is the old one with an ending take its place."""
        for old in list(self.unused):
            for new in list(self.missing):
                is_longer = old.name and str(new.name).startswith(old.name)
                if is_longer and new.module == old.module and old in self.unused:
                    self.found.append(self.source.replace(old.alias, _item(new)))
                    self.unused.remove(old)
                    self.missing.remove(new)

    def _rewrite(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Take unused names out of a statement, and bring new ones of the same module in."""
        removed = [each.alias for each in self.unused if each.statement is statement]
        module = "" if isinstance(statement, ast.Import) else _module(statement)
        added = [
            each
            for each in self.missing
            if each.module == module and each.name and self._is_always_run(statement)
        ]
        if any(alias.name == "*" for alias in statement.names):
            return
        self.missing = [each for each in self.missing if each not in added]
        for alias in list(removed):
            # A class takes the place of a class, and a module that of a module.
            alike = [each for each in added if str(each.name).islower() == alias.name.islower()]
            if alike:
                self.found.append(self.source.replace(alias, _item(alike[0])))
                added.remove(alike[0])
                removed.remove(alias)
        kept = [alias for alias in statement.names if alias not in removed]
        if added and not kept:
            self.found.append(self.source.replace(removed.pop(), _item(added.pop(0))))
        for new in added:
            self._insert(kept or statement.names, new)
        if removed and len(removed) == len(statement.names):
            self._drop(statement)
        elif removed:
            self.found += self.source.remove_items(statement.names, removed)

    def _is_always_run(self, statement: ast.stmt) -> bool:
        """Tell whether an import is at the top, if need be under a `try`."""
        parent = self.source.parents[statement]
        if isinstance(parent, ast.Try) and statement in parent.body:
            parent = self.source.parents[parent]
        return isinstance(parent, ast.Module)

    def _insert(self, aliases: list[ast.alias], new: Import) -> None:
        """Bring a name in where the order of the names has its place."""
        after = [alias for alias in aliases if _order(alias.name) < _order(str(new.name))]
        place = after[-1] if after else aliases[0]
        line = self.source.line_start(self.source.start(place))
        space = self.source.data[line : self.source.start(place)].decode()
        separator = f",{self.source.newline}{space}" if not space.strip() else ", "
        if after and separator != ", " and self._is_commented(place):
            # The comment stays with its name: the new one has the next line.
            at = self.source.line_end(self.source.end(place))
            self.found.append(self.source.insert(at, f"{space}{_item(new)},{self.source.newline}"))
        elif after:
            self.found.append(self.source.insert(self.source.end(place), separator + _item(new)))
        else:
            at = self.source.start(place)
            self.found.append(self.source.insert(at, _item(new) + separator))

    def _is_commented(self, alias: ast.alias) -> bool:
        end = self.source.end(alias)
        rest = self.source.data[end : self.source.line_end(end)]
        return re.match(rb"[ \t]*,[ \t]*#", rest) is not None

    def _drop(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Take a statement out; a new one may take its place."""
        here = [each for each in self.missing if _root(each.module) == _root(_module(statement))]
        if here and self._is_always_run(statement):
            group = _by_statement(here)[0]
            self.missing = [each for each in self.missing if each not in group]
            self.found.append(self.source.replace(statement, _statement(*group)))
        else:
            self.dropped.append(statement)

    def _add(self, group: list[Import]) -> None:
        """Write a statement of its own, beside those of the same package."""
        block = _first_block(self.source)
        text, newline = _statement(*group), self.source.newline
        module = group[0].module
        related = [each for each in block if _root(_module(each)) == _root(module)]
        is_plain = group[0].name is None
        alike = [each for each in related if isinstance(each, ast.Import) == is_plain]
        before = [each for each in alike if _module(each) < module]
        if before:
            self._after(before[-1], text)
        elif alike or (related and is_plain):
            self._before((alike or related)[0], text)
        elif related:
            self._after(related[-1], text)
        elif _root(module) in sys.stdlib_module_names and block:
            standard = [each for each in block if _root(_module(each)) in sys.stdlib_module_names]
            plain = [each for each in standard if group[0].name or isinstance(each, ast.Import)]
            if plain:
                self._after(plain[-1], text)
            else:
                self._before(block[0], text)
                self.opens_standard = not standard
        elif block:
            absolute = [each for each in block if not _module(each).startswith(".")]
            self._after((absolute or block)[-1] if module[0] != "." else block[-1], text)
        else:
            self.found.append(self.source.insert(_top(self.source), text + newline))

    def _before(self, statement: ast.stmt, text: str) -> None:
        at = self.source.line_start(self.source.start(statement))
        self.found.append(self.source.insert(at, text + self.source.newline))

    def _after(self, statement: ast.stmt, text: str) -> None:
        # There is something behind the imports: what needs the new one.
        at = self.source.line_end(self.source.end(statement) - 1)
        self.found.append(self.source.insert(at, text + self.source.newline))


def _by_statement(imports: list[Import]) -> list[list[Import]]:
    groups: dict[tuple[str, str | None], list[Import]] = {}
    for each in imports:
        groups.setdefault((each.module, each.bound if each.name is None else None), []).append(each)
    return list(groups.values())


def _first_block(source: Source) -> list[ast.Import | ast.ImportFrom]:
    """Return the imports at the top of a file, `from __future__` apart."""
    found: list[ast.Import | ast.ImportFrom] = []
    for statement in source.tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            if _module(statement) != "__future__":
                found.append(statement)
        elif found:
            break
    return found


def _top(source: Source) -> int:
    """Return where a file without imports can have its first one: behind what has to be first."""
    return next(
        source.line_start(source.start(statement))
        for statement in source.tree.body
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        and not isinstance(statement, ast.ImportFrom)
    )


def _order(name: str) -> tuple[bool, bool, str]:
    """Sort as isort and Ruff do: constants, classes, everything else."""
    return not name.isupper(), not name[:1].isupper(), name


def _module(statement: ast.Import | ast.ImportFrom) -> str:
    if isinstance(statement, ast.Import):
        return statement.names[0].name
    return "." * statement.level + (statement.module or "")


def _root(module: str) -> str:
    return "." if module.startswith(".") else module.partition(".")[0]


def _item(new: Import) -> str:
    return f"{new.name} as {new.bound}" if new.name != new.bound else str(new.name)


def _statement(new: Import, *others: Import) -> str:
    if new.name is not None:
        names = sorted([new, *others], key=lambda each: _order(str(each.name)))
        return f"from {new.module} import {', '.join(map(_item, names))}"
    plain = new.bound == new.module.partition(".")[0]
    return f"import {new.module}" if plain else f"import {new.module} as {new.bound}"
