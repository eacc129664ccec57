"""The files of an app together: which module is which file, and what a name stands for.

What a name stands for is written as text. `fastapi_users.models.BaseUser` is a name of a library,
`app/models.py:UserDB` one of the app, `app/models.py:` a module of it. What a function has for
itself, as `create_app()` may, has its name too: `app/main.py:UserDB@create_app`.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from pathlib import PurePosixPath

from fastapi_users_db_cli.source import FUNCTIONS, Binding, Imported, Scope, Source

__all__ = ["Project"]

# A module of the app that has such a name is not what an absolute import means.
_LIBRARIES = {*sys.stdlib_module_names, "databases", "fastapi", "pydantic", "sqlalchemy", "alembic"}
_DEPTH = 20


class Project:
    """The files of an app.

    Parameters:
        sources: the files of Python, by path.
        texts: other files that matter, by path.
        id_type: the type of the user's id, where it cannot be found out.
        driver: the driver of SQLAlchemy, where it cannot be found out.
        is_assumed: whether FastAPI Users is taken to be 8 or later, whatever is required.
        is_reversible: whether step 3 brings what is needed for a way back.
        is_renamed: whether step 5 gives classes the names that new apps have.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        texts: Mapping[str, str] | None = None,
        *,
        id_type: str | None = None,
        driver: str | None = None,
        is_assumed: bool = False,
        is_reversible: bool = False,
        is_renamed: bool = False,
    ) -> None:
        self.sources = dict(sorted(sources.items()))
        self.texts = dict(texts or {})
        self.given_id_type = id_type
        self.given_driver = driver
        self.is_assumed = is_assumed
        self.is_reversible = is_reversible
        self.is_renamed = is_renamed
        self._resolved: dict[ast.AST, str | None] = {}

    def __iter__(self) -> Iterator[Source]:
        return iter(self.sources.values())

    @cached_property
    def _by_module(self) -> dict[str, list[str]]:
        """The files that a dotted name may mean: it may begin at any folder that is no package."""
        packages = {str(PurePosixPath(path).parent) for path in self.sources if _is_package(path)}
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.sources:
            parts = _parts(path)
            folder = PurePosixPath(path).parent
            folder = folder.parent if _is_package(path) else folder
            for length in range(1, len(parts) + 1):
                if str(folder) not in packages:
                    found[".".join(parts[-length:])].append(path)
                folder = folder.parent
        return found

    def module(self, path: str) -> str:
        """Return the dotted name under which the app imports a file."""
        names = [name for name, paths in self._by_module.items() if path in paths]
        return min(names, key=len, default=".".join(_parts(path)))

    def file_of(self, importer: Source, module: str) -> str | None:
        """Return the file that an import means, if it is one of the app's."""
        dots = len(module) - len(module.lstrip("."))
        if dots:
            parts = PurePosixPath(importer.path).parent.parts
            if dots > len(parts) + 1:
                return None
            folder = parts[: len(parts) - dots + 1]
            stem = "/".join([*folder, *filter(None, module[dots:].split("."))])
            candidates = [f"{stem}.py", f"{stem}/__init__.py" if stem else "__init__.py"]
            return next((path for path in candidates if path in self.sources), None)
        if module.partition(".")[0] in _LIBRARIES:
            return None
        paths = self._by_module.get(module, [])
        nearness = {path: len(_common(path, importer.path)) for path in paths}
        nearest = [path for path in paths if nearness[path] == max(nearness.values())]
        return nearest[0] if len(nearest) == 1 else None

    def resolve(self, source: Source, node: ast.AST | None) -> str | None:
        """Return what an expression stands for, if it is the name of one thing only."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        if node not in self._resolved:
            self._resolved[node] = self._resolve(source, node)
        return self._resolved[node]

    def _resolve(self, source: Source, node: ast.Name | ast.Attribute) -> str | None:
        if isinstance(node, ast.Name):
            found = source.binding(node)
            return self._bound(source, node.id, found, 0) if found else node.id
        value = self.resolve(source, node.value)
        return self._attribute(value, node.attr, 0) if value else None

    def _attribute(self, value: str, name: str, depth: int) -> str | None:
        if ":" not in value:
            return f"{value}.{name}"
        if value.endswith(":"):
            return self.member(value[:-1], name, depth)
        return f"{value}.{name}"

    def _bound(
        self, source: Source, name: str, found: tuple[Binding, Scope], depth: int
    ) -> str | None:
        binding, scope = found
        if isinstance(binding, Imported):
            return self.imported(source, binding, depth)
        if scope is source.module_scope:
            return f"{source.path}:{name}"
        return _local(source, name, binding, scope)

    def imported(self, source: Source, imported: Imported, depth: int = 0) -> str | None:
        """Return what an import brings."""
        path = self.file_of(source, imported.module)
        if path is None:
            if imported.module.startswith("."):
                return None
            parts = [imported.module, *([imported.name] if imported.name else [])]
            return ".".join(parts)
        if imported.name is None:
            return f"{path}:"
        return self.member(path, imported.name, depth)

    def member(self, path: str, name: str, depth: int = 0) -> str | None:
        """Return what a name in a file of the app stands for."""
        source = self.sources[path]
        binding = source.module_scope.names.get(name)
        if binding is not None and depth < _DEPTH:
            return self._bound(source, name, (binding, source.module_scope), depth + 1)
        submodule = self.file_of(source, f".{name}") if _is_package(path) else None
        if submodule:
            return f"{submodule}:"
        for key, star in source.module_scope.names.items():
            if key.startswith("* ") and isinstance(star, Imported) and depth < _DEPTH:
                inner = self.file_of(source, star.module)
                found = self.member(inner, name, depth + 1) if inner else None
                if found and self.definition(found) is not None:
                    return found
        return f"{path}:{name}"

    def source_of(self, name: str) -> Source | None:
        """Return the file in which a name of the app is defined."""
        return self.sources.get(name.partition(":")[0]) if ":" in name else None

    def definition(self, name: str | None) -> ast.AST | None:
        """Return the class, function or value that a name of the app stands for."""
        source = self.source_of(name) if name else None
        if source is None or name is None:
            return None
        bare, _, function = name.partition(":")[2].partition("@")
        scope = source.local_scopes.get(function) if function else source.module_scope
        binding = scope.names.get(bare) if scope else None
        return None if isinstance(binding, Imported) else binding

    def method(self, cls: str, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return the method that a class of the app has itself."""
        node = self.definition(cls)
        body = node.body if isinstance(node, ast.ClassDef) else []
        found = (each for each in body if isinstance(each, FUNCTIONS) and each.name == name)
        return next(found, None)

    def bases(self, name: str) -> list[str]:
        """Return what the bases of a class of the app stand for, without type arguments."""
        node, source = self.definition(name), self.source_of(name)
        if not isinstance(node, ast.ClassDef) or source is None:
            return []
        found = [self.resolve(source, unsubscripted(base)) for base in node.bases]
        return [base for base in found if base]

    def ancestors(self, name: str) -> list[str]:
        """Return a class and all that it derives from, in about the order of attributes."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            each = waiting.pop(0)
            if each not in found:
                found.append(each)
                waiting = [*self.bases(each), *waiting]
        return found

    def derives(self, name: str | None, libraries: Iterable[str], *names: str) -> bool:
        """Tell whether a class derives from one of some names of some libraries."""
        return name is not None and any(
            is_of(ancestor, libraries, *names) for ancestor in self.ancestors(name)
        )

    def classes(self) -> Iterator[tuple[Source, ast.ClassDef, str]]:
        """Go through all classes, with what each is called."""
        for source in self:
            for node in source.all(ast.ClassDef):
                yield source, node, class_name(source, node)

    @cached_property
    def _references(self) -> dict[str, list[tuple[Source, ast.Name | ast.Attribute]]]:
        found: dict[str, list[tuple[Source, ast.Name | ast.Attribute]]] = defaultdict(list)
        for source in self:
            for node in source.all(ast.Name, ast.Attribute):
                assert isinstance(node, ast.Name | ast.Attribute)
                if isinstance(node.ctx, ast.Load):
                    name = self.resolve(source, node)
                    if name:
                        found[name].append((source, node))
        return found

    def references(self, name: str) -> list[tuple[Source, ast.Name | ast.Attribute]]:
        """Return all places where a name is read."""
        return self._references.get(name, [])

    def names_of(self, libraries: Iterable[str]) -> list[str]:
        """Return all names of some libraries that are read anywhere."""
        return [name for name in self._references if is_of(name, libraries)]

    def importers(self, path: str, name: str) -> list[tuple[Source, Imported]]:
        """Return the imports of a name out of a file."""
        return [
            (source, imported)
            for source in self
            for imported in source.imports
            if imported.name == name and self.file_of(source, imported.module) == path
        ]

    def bringing(self, name: str) -> list[tuple[Source, Imported]]:
        """Return the imports that bring a name of the app, from whichever file."""
        return [
            (source, imported)
            for source in self
            for imported in source.imports
            if imported.name and self.imported(source, imported) == name
        ]

    def hands_on(self, path: str, name: str, target: str) -> bool:
        """Tell whether a file has a name of the app, as its own or imported."""
        if path == target.partition(":")[0]:
            return True
        is_there = name in self.sources[path].module_scope.names
        return is_there and self.member(path, name) == target

    def graph(self) -> dict[str, set[str]]:
        """Return which files a file imports as soon as it is imported itself."""
        found: dict[str, set[str]] = {path: set() for path in self.sources}
        for source in self:
            for imported in source.imports:
                if source.is_deferred(imported.statement):
                    continue
                path = self.file_of(source, imported.module)
                if path:
                    name = self.member(path, imported.name) if imported.name else None
                    is_module = name and name.endswith(":") and name != f"{path}:"
                    found[source.path].add(name[:-1] if is_module and name else path)
        return found

    def handed_on(self, path: str) -> set[str]:
        """Return the names of a file that others import, or read as its attributes."""
        return self._handed_on.get(path, set())

    @cached_property
    def _handed_on(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for source in self:
            for imported in source.imports:
                path = self.file_of(source, imported.module)
                if path and imported.name:
                    found[path].add(imported.name)
            for node in source.all(ast.Attribute):
                module = self.resolve(source, node.value)
                if module and module.endswith(":"):
                    found[module[:-1]].add(node.attr)
        return found

    def type_of(self, source: Source, node: ast.AST) -> str | None:
        """Return the class of a value: by its annotation, or by the call that makes it."""
        if isinstance(node, ast.Name):
            found = source.binding(node)
            if found is None:
                return None
            binding, _ = found
            if isinstance(binding, ast.arg):
                inside = _method(source, binding) if binding.annotation is None else None
                if inside is not None:
                    return class_name(source, inside)
                return self.annotated(source, binding.annotation)
            if isinstance(binding, ast.AnnAssign):
                return self.annotated(source, binding.annotation)
            assigned = source.parents.get(binding) if isinstance(binding, ast.AST) else None
            if isinstance(assigned, ast.AnnAssign):
                return self.annotated(source, assigned.annotation)
            if isinstance(binding, ast.Call | ast.Await):
                return self.type_of(source, binding)
        if isinstance(node, ast.Await):
            return self.type_of(source, node.value)
        if isinstance(node, ast.Call):
            name = self.resolve(source, unsubscripted(node.func))
            if isinstance(self.definition(name), ast.ClassDef):
                return name
            return self._returned(source, node.func)
        return None

    def _returned(self, source: Source, func: ast.AST) -> str | None:
        """Return the class that a method answers with, by its annotation.

        What a class inherits from a library is written as `app/users.py:UserManager.get()`.
        """
        owner = self.type_of(source, func.value) if isinstance(func, ast.Attribute) else None
        if owner is None or not isinstance(func, ast.Attribute):
            return None
        for ancestor in self.ancestors(owner):
            method, inner = self.method(ancestor, func.attr), self.source_of(ancestor)
            if method is not None and inner is not None:
                return self.annotated(inner, method.returns)
        return f"{owner}.{func.attr}()"

    def annotated(self, source: Source, node: ast.AST | None) -> str | None:
        """Return the class that an annotation names, `Annotated` and `Optional` apart."""
        if isinstance(node, ast.Subscript):
            outer = self.resolve(source, node.value) or ""
            if outer.rpartition(".")[2] in ("Annotated", "Optional"):
                inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
                return self.annotated(source, inner)
            return self.resolve(source, node.value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            quoted = [child for child, parent in source.parents.items() if parent is node]
            return self.resolve(source, quoted[0]) if quoted else None
        return self.resolve(source, node)


def _method(source: Source, argument: ast.arg) -> ast.ClassDef | None:
    """Return the class whose method has an argument as its first."""
    function = source.parents[source.parents[argument]]
    cls = source.parents.get(function)
    is_first = isinstance(function, FUNCTIONS) and argument in function.args.args[:1]
    return cls if is_first and isinstance(cls, ast.ClassDef) else None


def _local(source: Source, name: str, binding: Binding, scope: Scope) -> str | None:
    """Return what a name of a function is called, if it stands for one thing all the time."""
    function = source.functions.get(scope.node)
    is_value = isinstance(binding, ast.Call | ast.Attribute)
    is_one = is_value and source.stores[scope.node, name] == 1
    is_one = is_one or isinstance(binding, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return f"{source.path}:{name}@{function}" if function and is_one else None


def class_name(source: Source, node: ast.ClassDef) -> str:
    """Return what the project calls a class."""
    outer = source.enclosing(node, *FUNCTIONS, ast.ClassDef)
    if isinstance(outer, ast.ClassDef):
        return f"{class_name(source, outer)}.{node.name}"
    return f"{source.path}:{node.name}" + (f"@{source.functions[outer]}" if outer else "")


def bare(name: str) -> str:
    """Return how the app itself writes a name of its own."""
    return name.partition(":")[2].partition("@")[0]


def is_of(name: str, libraries: Iterable[str], *names: str) -> bool:
    """Tell whether a name is one of a library's, and whether it ends in one of some names."""
    root, _, last = name.partition(".")[0], "", name.rpartition(".")[2]
    return ":" not in name and root in libraries and (not names or last in names)


def unsubscripted(node: ast.expr) -> ast.expr:
    """Return a name without its type arguments, if it has any."""
    return node.value if isinstance(node, ast.Subscript) else node


def _is_package(path: str) -> bool:
    return PurePosixPath(path).name == "__init__.py"


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def _common(one: str, other: str) -> list[str]:
    pairs = zip(PurePosixPath(one).parts, PurePosixPath(other).parts, strict=False)
    return [mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
