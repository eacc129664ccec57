"""What was `UserDB` is the mapped class.

What has been added to `UserDB`, a method for example, moves to the mapped class by hand: the rule
names each place that uses it.

Before:

    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class User(schemas.BaseUser):
        pass


    class UserDB(User):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)


    def greet(user: UserDB):
        return user.email

After:

    from fastapi_users import schemas
    from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTableUUID):
        pass


    class User(schemas.BaseUser):
        pass


    class UserDB(User):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)


    def greet(user: UserTable):
        return user.email
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import bare
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import fields
from fastapi_users_db_cli.source import FUNCTIONS, Source

_COLUMNS = {"email", "hashed_password", "id", "is_active", "is_superuser", "is_verified"}
_COLUMNS |= {"created_at", "oauth_accounts", "token", "user_id"}
_METHODS = {"api_route", "delete", "get", "head", "options", "patch", "post", "put"}


def find(facts: Facts) -> Iterator[Finding]:
    for model, table in sorted(facts.table_of.items()):
        given = {adapter.model for adapter in facts.adapters}
        uses = [
            (source, node) for source, node in facts.project.references(model) if node not in given
        ]
        for source, node in uses:
            yield from _reference(facts, source, node, table)
        yield from _added(facts, model, table)
        if not facts.project.references(model) and not list(_added(facts, model, table)):
            yield from _class(facts, model)


def _reference(facts: Facts, source: Source, node: ast.expr, table: str) -> Iterator[Finding]:
    parent = source.parents[node]
    if isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and parent.func is node):
        return  # FUD318 and FUD319
    if isinstance(parent, ast.ClassDef):
        message = "a class derives from it: derive it from the schema that is read"
        yield Finding(source, node, message=message, fix="manual")
    elif _is_answer(source, node):
        message = "a mapped class cannot be what a route answers with: name the schema that is read"
        yield Finding(source, node, message=message, fix="manual")
    else:
        change = Change(facts.project)
        change.replace(source, node, change.name(source, table))
        yield Finding(source, node, change)


def _is_answer(source: Source, node: ast.AST) -> bool:
    """Tell whether it is, or is part of, a route's `response_model` or return annotation."""
    child, parent = node, source.parents[node]
    while not isinstance(parent, ast.stmt):
        if isinstance(parent, ast.keyword) and parent.arg == "response_model":
            return True
        child, parent = parent, source.parents[parent]
    if not isinstance(parent, FUNCTIONS) or child is not parent.returns:
        return False
    calls = [each.func for each in parent.decorator_list if isinstance(each, ast.Call)]
    return any(isinstance(func, ast.Attribute) and func.attr in _METHODS for func in calls)


def _added(facts: Facts, model: str, table: str) -> Iterator[Finding]:
    """Find what the model has and the table has not, and where methods of it are called."""
    node, source = facts.project.definition(model), facts.project.source_of(model)
    if not isinstance(node, ast.ClassDef) or source is None:
        return
    name = bare(table)
    columns = _COLUMNS | _names_of(facts, table)
    for field, statement in fields(node).items():
        if field not in columns:
            message = f"`{name}` has no `{field}`: add it there, and delete this class"
            yield Finding(source, statement, message=message, fix="manual")
    for method in node.body:
        if isinstance(method, FUNCTIONS) and method.name not in columns and not _validates(method):
            message = f"`{name}` has no `{method.name}`: move it there, and delete this class"
            yield Finding(source, method, message=message, fix="manual")
            for caller in facts.project:
                for part in caller.all(ast.Attribute):
                    if part.attr == method.name and _is_user(facts, caller, part, (model, table)):
                        message = f"`{name}` has no `{method.name}` as long as it is not moved"
                        yield Finding(caller, part, message=message, fix="manual")


def _is_user(facts: Facts, source: Source, part: ast.Attribute, users: tuple[str, ...]) -> bool:
    return facts.project.type_of(source, part.value) in users


def _validates(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("validator" in ast.dump(each) for each in method.decorator_list)


def _names_of(facts: Facts, table: str) -> set[str]:
    found = set()
    for ancestor in facts.project.ancestors(table):
        node = facts.project.definition(ancestor)
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            found |= {getattr(each, "id", "") for each in targets}
            found.add(getattr(statement, "name", ""))
    return found


def _class(facts: Facts, model: str) -> Iterator[Finding]:
    """Find the class itself, when nothing uses it any more."""
    node, source = facts.project.definition(model), facts.project.source_of(model)
    if not isinstance(node, ast.ClassDef) or source is None:
        return
    change = Change(facts.project)
    change.remove_statement(source, node)
    for each in facts.project:
        if facts.project.member(each.path, node.name) == model:
            change.edits += each.unexport(node.name)
    for importer, imported in facts.project.bringing(model):
        change.forgotten.add((importer.path, imported.alias.asname or imported.alias.name))
    yield Finding(source, node, change, "nothing uses it any more")


RULE = Rule(
    code="FUD506",
    step=5,
    fix="safe",
    title="`UserDB` is used where users are mapped objects",
    why="Since FastAPI Users 10.0 they are; what only `UserDB` has raises AttributeError.",
    find=find,
    text=__doc__,
)
