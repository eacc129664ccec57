"""What an app has of the package `databases`, and the driver that takes its place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.source import Scope, Source

__all__ = ["Backend", "backend_of", "backends", "driver_of", "names_driver", "url_of"]

ENGINE, SESSION_MAKER = "async_engine", "async_session_maker"
DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql",
}
_PACKAGES = {"aiosqlite": "sqlite", "asyncpg": "postgresql", "aiomysql": "mysql"}
_DEPTH = 4


@dataclass(frozen=True)
class Backend:
    """A `Database` that a module or a function has under a name."""

    source: Source
    scope: Scope
    name: str
    call: ast.Call

    @property
    def key(self) -> str:
        """What the project calls it."""
        return self.beside(self.name)

    def beside(self, name: str) -> str:
        """Return what the project calls something that has its place beside it."""
        function = self.source.functions.get(self.scope.node)
        return f"{self.source.path}:{name}" + (f"@{function}" if function else "")

    @property
    def statement(self) -> ast.stmt:
        """The statement that makes it."""
        return self.source.statement(self.call)

    @property
    def has_engine(self) -> bool:
        """Whether there is an engine beside it already."""
        return ENGINE in self.scope.names


def backends(facts: Facts) -> Iterator[Backend]:
    """Go through all that a module or a function has under a name."""
    for source in facts.project:
        for scope in [source.module_scope, *source.local_scopes.values()]:
            for name, value in scope.names.items():
                if isinstance(value, ast.Call):
                    made = facts.project.resolve(source, value.func)
                    if made in ("databases.Database", "databases.core.Database") and value.args:
                        yield Backend(source, scope, name, value)


def backend_of(facts: Facts, source: Source, node: ast.expr | None) -> Backend | None:
    """Return what an adapter is given."""
    name = facts.project.resolve(source, node)
    return next((each for each in backends(facts) if each.key == name), None)


def driver_of(facts: Facts, backend: Backend) -> str | None:
    """Return the driver of SQLAlchemy for a database: by its URL, or by what is required."""
    if facts.project.given_driver:
        return facts.project.given_driver
    url = url_of(facts, backend.source, backend.call.args[0])
    scheme = url.partition(":")[0].partition("+")[0] if url else None
    if scheme is None:
        text = "\n".join(facts.project.texts.values())
        named = {scheme for name, scheme in _PACKAGES.items() if re.search(rf"\b{name}\b", text)}
        extras = re.findall(r"\bdatabases\[([\w, ]+)\]", text)
        named |= {each for extra in extras for each in re.findall(r"\w+", extra) if each in DRIVERS}
        scheme = named.pop() if len(named) == 1 else None
    return DRIVERS.get(scheme or "")


def names_driver(facts: Facts, backend: Backend, driver: str) -> bool:
    """Tell whether a URL is written in the code, and has the driver already and no options."""
    source = backend.source
    node: ast.AST = backend.call.args[0]
    name = facts.project.resolve(source, node) or ""
    owner, value = facts.project.source_of(name), facts.project.definition(name)
    if owner is not None and value is not None:
        named = name.partition(":")[2]
        stored = [each for each in owner.all(ast.Name) if isinstance(each.ctx, ast.Store)]
        if sum(each.id == named for each in stored) > 1:
            return False
        source, node = owner, value
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node
    url = first.value if isinstance(first, ast.Constant) else None
    return isinstance(url, str) and url.startswith(f"{driver}://") and "?" not in source.code(node)


def url_of(facts: Facts, source: Source, node: ast.AST, depth: int = 0) -> str | None:
    """Return the first URL in an expression, or in what its names stand for."""
    for part in ast.walk(node):
        value = part.value if isinstance(part, ast.Constant) else None
        if isinstance(value, str) and re.match(r"\w+(\+\w+)?://", value):
            return value
    for part in ast.walk(node) if depth < _DEPTH else ():
        if isinstance(part, ast.Name | ast.Attribute):
            name = facts.project.resolve(source, part) or ""
            found = _value(facts, name)
            url = url_of(facts, *found, depth + 1) if found else None
            if url:
                return url
    return None


def _value(facts: Facts, name: str) -> tuple[Source, ast.AST] | None:
    """Return the value of a name, or of the default of a field of settings."""
    source = facts.project.source_of(name)
    if source is None:
        return None
    value = facts.project.definition(name)
    if value is not None and not isinstance(value, ast.ClassDef):
        return source, value
    path, _, chain = name.partition(":")
    owner, _, attribute = chain.partition(".")
    made = facts.project.definition(f"{path}:{owner}")
    if isinstance(made, ast.Call):
        of = facts.project.resolve(source, made.func) or ""
        cls, inner = facts.project.definition(of), facts.project.source_of(of)
        for statement in cls.body if isinstance(cls, ast.ClassDef) and inner else ():
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            value = getattr(statement, "value", None)
            if any(getattr(each, "id", "") == attribute for each in targets) and value:
                assert inner is not None
                return inner, value
    return None
