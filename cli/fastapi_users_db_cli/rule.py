"""What a rule is, what it finds, and the change that it proposes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import Project, bare
from fastapi_users_db_cli.source import Edit, Imported, Source, Text

__all__ = ["Change", "Finding", "Fix", "Import", "Rule"]

Fix = Literal["safe", "unsafe", "manual", "none"]
DOCUMENTATION = "https://fastapi-users-db.readthedocs.io/1.0/rules"


@dataclass(frozen=True)
class Import:
    """A name that a file has to import."""

    path: str
    module: str
    """With leading dots where it is relative."""
    name: str | None
    """`None` for the module itself."""
    bound: str
    """The name that it gets."""


class Change:
    """The edits of one finding, in one or more files, and what these then have to import.

    Parameters:
        project: the project.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.edits: list[Edit] = []
        self.imports: list[Import] = []
        self.forgotten: set[tuple[str, str]] = set()
        """Names that a file does not import any more, even if it only hands them on."""
        self.local: set[str] = set()
        """Names that are written and that only one function knows."""

    def replace(self, source: Source, node: ast.AST, text: str) -> None:
        """Put a text in the place of a node."""
        self.edits.append(source.replace(node, text))

    def before(self, source: Source, node: ast.AST, text: str) -> None:
        """Put a text before a node."""
        self.edits.append(source.insert(source.start(node), text))

    def after(self, source: Source, node: ast.AST, text: str) -> None:
        """Put a text behind a node."""
        self.edits.append(source.insert(source.end(node), text))

    def remove(self, source: Source, items: Iterable[ast.AST], removed: Iterable[ast.AST]) -> None:
        """Take items out of a list with commas."""
        self.edits += source.remove_items(list(items), list(removed))

    def remove_statement(self, source: Source, statement: ast.stmt) -> None:
        """Take a statement out."""
        self.edits += source.remove_statements([statement])

    def remove_statements(self, source: Source, statements: Sequence[ast.stmt]) -> None:
        """Take several statements out."""
        self.edits += source.remove_statements(statements)

    def name(self, source: Source, target: str) -> str:
        """Return how a file writes a name, and see to it that it is imported.

        Parameters:
            source: the file.
            target: a name of a library or of the app, as `Project.resolve` returns it. A library's
                module is written with a colon at its end.
        """
        if "." not in target and ":" not in target:
            return target  # a builtin
        if "@" in target:
            self.local.add(target)
            return bare(target)
        if target.startswith(f"{source.path}:"):
            return target.partition(":")[2]
        module, name = self._split(source, target)
        bound = self._bound(source, target)
        if bound:
            return bound
        if target == "uuid.UUID":
            return f"{self.name(source, 'uuid:')}.UUID"
        preferred = name or module.rpartition(".")[2]
        taken = _free(source, preferred, target)
        self.imports.append(Import(source.path, module, name, taken))
        return taken

    def unknown(self) -> str | None:
        """Return a name that is written where it is not known: outside the function that has it."""
        for name in sorted(self.local):
            path, _, rest = name.partition(":")
            source = self.project.sources[path]
            function = source.local_scopes[rest.partition("@")[2]].node
            start, end = source.start(function), source.end(function)
            if any(
                each.path != path or each.start < start or each.end > end for each in self.edits
            ):
                return bare(name)
        return None

    def _bound(self, source: Source, target: str) -> str | None:
        """Return the name that a library's or the app's name has in a file already."""
        for name, binding in source.module_scope.names.items():
            if isinstance(binding, Imported):
                found = self.project.imported(source, binding)
                if binding.name is None and target.endswith(":") and found == target[:-1]:
                    return name
                if found == target or (binding.name and found == target.rstrip(":")):
                    return name
        for name, binding in source.module_scope.names.items():
            if isinstance(binding, Imported):
                found = self.project.imported(source, binding)
                if found and found.endswith(":") and target.startswith(found) and target != found:
                    return f"{name}.{target.removeprefix(found)}"
        return None

    def _split(self, source: Source, target: str) -> tuple[str, str | None]:
        """Return the module to import from, and the name."""
        path, colon, name = target.partition(":")
        if not colon:
            module, _, name = target.rpartition(".")
            return module, name
        if path not in self.project.sources:
            module, dot, name = path.rpartition(".")
            return (module, name) if dot else (path, None)
        for imported in source.imports:
            handing = self.project.file_of(source, imported.module)
            if handing and imported.name and self.project.hands_on(handing, name, target):
                return imported.module, name
        relative = _relative(source.path, path)
        if relative and self._is_relative(source, relative):
            return relative, name
        return self.project.module(path), name

    def _is_relative(self, source: Source, module: str) -> bool:
        """Tell whether a file would import a module relatively: it goes as far up elsewhere."""
        modules = [imported.module for imported in source.imports]
        furthest = max(map(_dots, modules), default=0)
        is_mixed = any(not _dots(each) and self.project.file_of(source, each) for each in modules)
        return furthest > 0 and (not is_mixed or _dots(module) <= furthest)


def _dots(module: str) -> int:
    return len(module) - len(module.lstrip("."))


def _free(source: Source, name: str, target: str) -> str:
    """Return a name that means nothing else in a file."""
    used = {node.id for node in source.all(ast.Name)} | set(source.module_scope.names)
    used |= {node.arg for node in source.all(ast.arg)}
    root = target.partition(".")[0] if ":" not in target else ""
    stem = f"{root}_{name}" if root and name.islower() else name
    candidates = [name, f"{stem}Table" if stem == name else stem, f"{stem}Model", f"{stem}2"]
    return next(each for each in [*candidates, f"{stem}_"] if each not in used)


def _relative(importer: str, path: str) -> str | None:
    here, there = importer.split("/")[:-1], path.removesuffix(".py").split("/")
    if there[-1] == "__init__":
        there = there[:-1]
    if not here or here[0] != there[0]:
        return None
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    return "." * (len(here) - common + 1) + ".".join(there[common:])


@dataclass(frozen=True)
class Rule:
    """One thing that a rule looks for.

    Attributes:
        code: its stable name.
        step: the step of the guide that it belongs to.
        fix: what the tool does about most of what it finds.
        title: what it looks for, in a few words.
        why: since when, and what happens if nothing is done.
        find: the function that looks for it.
        deprecations: the codes of the warnings that say the same while the app runs.
        text: the documentation, with an example.
    """

    code: str
    step: int
    fix: Fix
    title: str
    why: str
    find: Callable[[Facts], Iterator[Finding]]
    deprecations: tuple[str, ...] = ()
    text: str | None = None

    @property
    def address(self) -> str:
        """Where the documentation explains it."""
        return f"{DOCUMENTATION}/#{self.code.lower()}"


@dataclass
class Finding:
    """A place that a rule has found.

    Attributes:
        source: the file.
        node: the place in it: a node, or two offsets.
        message: what is there, if the rule's title does not say it.
        change: the edits that answer it, if the tool knows them.
        fix: if it is another one than the rule's.
        write: what to write, where no edits say it.
    """

    source: Text
    node: ast.AST | tuple[int, int]
    change: Change | None = None
    message: str = ""
    fix: Fix | None = None
    write: str = ""
    rule: Rule = field(init=False)

    @property
    def span(self) -> tuple[int, int]:
        """The place as two offsets."""
        if isinstance(self.node, tuple):
            return self.node
        assert isinstance(self.source, Source)
        return self.source.start(self.node), self.source.end(self.node)

    @property
    def kind(self) -> Fix:
        """What the tool does about it."""
        return self.fix or self.rule.fix
