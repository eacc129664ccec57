"""What an app has of FastAPI Users: its tables, adapters, models, managers and the type of its ids.

All of it follows from what classes derive from and what calls are given, never from names that
the app has chosen.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from fastapi_users_db_cli.project import Project, is_of, unsubscripted
from fastapi_users_db_cli.source import FUNCTIONS, FunctionNode, Source

__all__ = ["Adapter", "Facts", "Frontend"]

FU = frozenset({"fastapi_users"})
SHIM = frozenset({"fastapi_users_db_sqlalchemy"})
OURS = frozenset({"fastapi_users_db"})
ADAPTERS = FU | SHIM | OURS
USER_ADAPTER, TOKEN_ADAPTER = "SQLAlchemyUserDatabase", "SQLAlchemyAccessTokenDatabase"
USER_MIXIN = "SQLAlchemyBaseUserTable"
OAUTH_MIXIN = "SQLAlchemyBaseOAuthAccountTable"
TOKEN_MIXIN = "SQLAlchemyBaseAccessTokenTable"
MIXINS = (USER_MIXIN, OAUTH_MIXIN, TOKEN_MIXIN)
_SUFFIXES = {"": "uuid.UUID", "UUID": "uuid.UUID", "Int": "int"}
_PYTHON = {
    "GUID": "uuid.UUID",
    "UUID": "uuid.UUID",
    "Uuid": "uuid.UUID",
    "Integer": "int",
    "BigInteger": "int",
    "SmallInteger": "int",
    "String": "str",
    "int": "int",
    "str": "str",
}
MODEL_KEYWORDS = ("user_model", "user_create_model", "user_update_model", "user_db_model")


@dataclass(frozen=True)
class Adapter:
    """A call that builds an adapter."""

    source: Source
    call: ast.Call
    is_user: bool
    model: ast.expr | None
    """The pydantic model, if it is given one."""
    backend: ast.expr | None
    table: ast.expr | None
    oauth: ast.expr | None

    def argument(self, node: ast.expr) -> ast.expr | ast.keyword:
        """Return the keyword that a value is given with, or the value."""
        return next((each for each in self.call.keywords if each.value is node), node)


@dataclass(frozen=True)
class Frontend:
    """A `FastAPIUsers` that is given the models, as up to FastAPI Users 9."""

    source: Source
    call: ast.Call
    user: ast.expr
    create: ast.expr
    update: ast.expr
    model: ast.expr
    """`UserDB`."""
    given: tuple[ast.expr | ast.keyword, ...]


class Facts:
    """What a project has of FastAPI Users."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def is_adapter(self, name: str | None, *kinds: str) -> bool:
        """Tell whether a class is an adapter, or one of the app's own that derives from one."""
        return self.project.derives(name, ADAPTERS, *(kinds or (USER_ADAPTER, TOKEN_ADAPTER)))

    def is_table(self, name: str | None) -> bool:
        """Tell whether a class of the app is mapped with one of the mixins."""
        return self.mixin(name) is not None

    def mixin(self, name: str | None) -> str | None:
        """Return the mixin that a class of the app is mapped with."""
        for ancestor in self.project.ancestors(name) if name and ":" in name else ():
            if is_of(ancestor, ADAPTERS) and ancestor.rpartition(".")[2].startswith(MIXINS):
                return ancestor
        return None

    def tables(self, mixin: str) -> list[str]:
        """Return the classes of the app with a mixin."""
        found = []
        for _, _, name in self.project.classes():
            of = self.mixin(name)
            if of and of.rpartition(".")[2].startswith(mixin):
                found.append(name)
        return found

    @cached_property
    def adapters(self) -> list[Adapter]:
        """All calls that build an adapter."""
        found = []
        for source in self.project:
            for call in source.all(ast.Call):
                name = self.project.resolve(source, unsubscripted(call.func))
                if name and self.is_adapter(name):
                    is_user = self.is_adapter(name, USER_ADAPTER)
                    found.append(self.adapter(source, call, is_user=is_user))
        return found

    def adapter(self, source: Source, call: ast.Call, *, is_user: bool) -> Adapter:
        """Return what a call of an adapter is given."""
        by_keyword = {each.arg: each.value for each in call.keywords if each.arg}
        positional = [arg for arg in call.args if not isinstance(arg, ast.Starred)]
        first = positional[0] if positional else None
        model = by_keyword.get("user_db_model") or by_keyword.get("access_token_model")
        if model is None and first is not None and self._is_model(source, first):
            model = positional.pop(0)

        def argument(index: int, *keywords: str) -> ast.expr | None:
            if index < len(positional):
                return positional[index]
            return next((by_keyword[each] for each in keywords if each in by_keyword), None)

        return Adapter(
            source,
            call,
            is_user,
            model,
            argument(0, "session", "database"),
            argument(1, "users", "user_table", "access_tokens", "access_token_table"),
            argument(2, "oauth_accounts", "oauth_account_table"),
        )

    def _is_model(self, source: Source, node: ast.expr) -> bool:
        name = self.project.resolve(source, node)
        if not name or self.is_table(name):
            return False
        return is_of(name, FU) or self.project.derives(name, FU | {"pydantic"})

    def table_class(self, source: Source, node: ast.expr | None) -> str | None:
        """Return the mapped class that an adapter is given, as itself or as its table."""
        name = self.project.resolve(source, node)
        if name is None:
            return None
        if name.endswith(".__table__"):
            return name.removesuffix(".__table__")
        definition, inner = self.project.definition(name), self.project.source_of(name)
        if isinstance(definition, ast.Attribute) and inner and definition.attr == "__table__":
            return self.project.resolve(inner, definition.value)
        return name if isinstance(definition, ast.ClassDef) else None

    def is_of_tables(self, adapter: Adapter) -> bool:
        """Tell whether an adapter is given tables, and so is one of `databases`."""
        name = self.project.resolve(adapter.source, adapter.table) or ""
        value = self.project.definition(name)
        return name.endswith(".__table__") or getattr(value, "attr", "") == "__table__"

    @cached_property
    def table_of(self) -> dict[str, str]:
        """For each pydantic model the mapped class beside it, as far as there is one only."""
        pairs: dict[str, set[str]] = {}
        for adapter in self.adapters:
            model = self.project.resolve(adapter.source, adapter.model)
            table = self.table_class(adapter.source, adapter.table)
            if model and table and ":" in model:
                pairs.setdefault(model, set()).add(table)
        return {model: tables.pop() for model, tables in pairs.items() if len(tables) == 1}

    @cached_property
    def models(self) -> set[str]:
        """The classes of the app that take the place of `UserDB`."""
        found = {
            self.project.resolve(adapter.source, adapter.model)
            for adapter in self.adapters
            if adapter.is_user
        }
        found |= {self.project.resolve(each.source, each.model) for each in self.frontends}
        for _, _, name in self.project.classes():
            if any(is_of(base, FU, "BaseUserDB") for base in self.project.bases(name)):
                found.add(name)
        return {name for name in found if name and ":" in name}

    @cached_property
    def frontends(self) -> list[Frontend]:
        """All calls of `FastAPIUsers` that give it the models."""
        return list(self._frontends())

    def _frontends(self) -> Iterator[Frontend]:
        for source in self.project:
            for call in source.all(ast.Call):
                name = self.project.resolve(source, unsubscripted(call.func))
                if not name or not self.project.derives(name, FU, "FastAPIUsers"):
                    continue
                given: list[ast.expr | ast.keyword] = list(call.args[2:6])
                keywords = {each.arg: each for each in call.keywords}
                given += [keywords[each] for each in MODEL_KEYWORDS if each in keywords]
                if len(given) == len(MODEL_KEYWORDS):
                    user, create, update, model = (
                        each.value if isinstance(each, ast.keyword) else each for each in given
                    )
                    yield Frontend(source, call, user, create, update, model, tuple(given))

    def value_of(self, source: Source, node: ast.AST) -> ast.AST | None:
        """Return the function, class or value that a name stands for, a local one too."""
        found = source.binding(node) if isinstance(node, ast.Name) else None
        if found is not None and isinstance(found[0], ast.AST):
            return found[0]
        return self.project.definition(self.project.resolve(source, node))

    @cached_property
    def managers(self) -> list[tuple[Source, ast.ClassDef, str]]:
        """The managers of the app."""
        return [
            (source, node, name)
            for source, node, name in self.project.classes()
            if self.project.derives(name, FU, "BaseUserManager")
        ]

    def methods(self, *names: str) -> Iterator[tuple[Source, FunctionNode]]:
        """Go through the methods of managers that have one of some names."""
        for source, manager, _ in self.managers:
            for node in manager.body:
                if isinstance(node, FUNCTIONS) and (not names or node.name in names):
                    yield source, node

    @cached_property
    def schemas(self) -> list[tuple[Source, ast.ClassDef, str]]:
        """The classes that derive from FastAPI Users' models, and the app's own bases of these."""
        names: set[str] = set()
        for _, _, name in self.project.classes():
            ancestors = self.project.ancestors(name)
            if any(is_of(each, FU) and _is_schema(each) for each in ancestors):
                names.update(ancestors)
        return [each for each in self.project.classes() if each[2] in names]

    @cached_property
    def is_legacy(self) -> bool:
        """Whether there is code of FastAPI Users 9 or older: it has `models`."""
        return bool(self.frontends) or any(
            is_of(name, FU) and name.split(".")[1:2] == ["models"] and _is_schema(name)
            for name in self.project.names_of(FU)
        )

    @cached_property
    def id_type(self) -> str | None:
        """The type of the user's id, if it is one and the same."""
        if self.project.given_id_type:
            return {"uuid": "uuid.UUID"}.get(self.project.given_id_type, self.project.given_id_type)
        found = {self.id_of(table) for table in self.tables(USER_MIXIN)}
        return found.pop() if len(found) == 1 else None

    def id_of(self, table: str) -> str | None:
        """Return the type of a mapped class's id."""
        for ancestor in self.project.ancestors(table):
            if is_of(ancestor, ADAPTERS) and ancestor.rpartition(".")[2].startswith(USER_MIXIN):
                suffix = ancestor.rpartition(".")[2].removeprefix(USER_MIXIN)
                if suffix or not self.has_type_argument(table):
                    return _SUFFIXES[suffix]
            declared = self.declared_id(ancestor)
            if declared is not None:
                source, statement = declared
                return self._python_type(source, statement)
        return None

    def declared_id(self, name: str) -> tuple[Source, ast.stmt] | None:
        """Return the statement with which a class of the app declares an `id` itself."""
        node, source = self.project.definition(name), self.project.source_of(name)
        if isinstance(node, ast.ClassDef) and source:
            for statement in node.body:
                targets = getattr(statement, "targets", None) or [
                    getattr(statement, "target", None)
                ]
                if any(isinstance(each, ast.Name) and each.id == "id" for each in targets):
                    return source, statement
        return None

    def has_type_argument(self, name: str) -> bool:
        """Tell whether a class gives a mixin a type argument: then the mixin brings no id."""
        for ancestor in self.project.ancestors(name):
            node = self.project.definition(ancestor)
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                source = self.project.source_of(ancestor)
                if isinstance(base, ast.Subscript) and source:
                    mixin = self.project.resolve(source, base.value) or ""
                    if is_of(mixin, ADAPTERS) and mixin.rpartition(".")[2].startswith(MIXINS):
                        return True
        return False

    def _python_type(self, source: Source, statement: ast.stmt) -> str | None:
        annotation = getattr(statement, "annotation", None)
        words = [] if annotation is None else re.findall(r"\w+", source.code(annotation))
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Call):
            words += re.findall(r"\w+", " ".join(source.code(arg) for arg in value.args))
        return next((_PYTHON[word] for word in words if word in _PYTHON), None)


def _is_schema(name: str) -> bool:
    return name.rpartition(".")[2] in {
        "BaseOAuthAccount",
        "BaseOAuthAccountMixin",
        "BaseUser",
        "BaseUserCreate",
        "BaseUserDB",
        "BaseUserUpdate",
        "CreateUpdateDictModel",
    }
