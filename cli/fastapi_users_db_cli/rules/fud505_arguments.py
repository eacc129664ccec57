"""The adapter is not given `UserDB` any more.

The same goes for access tokens and their model.

Before:

    from fastapi_users import schemas
    from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(UserDB, session, UserTable)

After:

    from fastapi_users import schemas
    from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
    from app import Base


    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass


    class UserDB(schemas.BaseUser):
        hashed_password: str


    def adapter(session):
        return SQLAlchemyUserDatabase(session, UserTable)
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from fastapi_users_db_cli.backends import backend_of
from fastapi_users_db_cli.facts import Adapter, Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_OWN = "an adapter of the app's own hands a pydantic model on"


def find(facts: Facts) -> Iterator[Finding]:
    own: dict[_Function, list[Adapter]] = defaultdict(list)
    for adapter in facts.adapters:
        source, call = adapter.source, adapter.call
        if adapter.model is None:
            continue
        init = _init(facts, adapter)
        if backend_of(facts, source, adapter.backend) or facts.is_of_tables(adapter):
            message = "the adapter works through `databases`: do step 4 first"
            yield Finding(source, call, message=message, fix="manual")
        elif init is not None:
            own[init].append(adapter)
        elif facts.table_class(source, adapter.table):
            change = Change(facts.project)
            _remove(change, adapter)
            yield Finding(source, call, change)
        else:
            message = "the adapter is given a pydantic model, and which table it has is not known"
            yield Finding(source, call, message=message, fix="manual")
    for init, adapters in own.items():
        yield _of_own_class(facts, init, adapters)


def _remove(change: Change, adapter: Adapter) -> None:
    assert adapter.model is not None
    call = adapter.call
    change.remove(adapter.source, [*call.args, *call.keywords], [adapter.argument(adapter.model)])


def _init(facts: Facts, adapter: Adapter) -> _Function | None:
    """Return the `__init__` of the app's own that an adapter is made by."""
    name = facts.project.resolve(adapter.source, unsubscripted(adapter.call.func))
    ancestors = facts.project.ancestors(name or "")
    inits: list[_Function | None] = [facts.project.method(each, "__init__") for each in ancestors]
    return next((init for init in inits if init is not None), None)


def _of_own_class(facts: Facts, init: _Function, adapters: list[Adapter]) -> Finding:
    """Take the model out of a class's `__init__`, of what that hands on, and of all its calls."""
    source = next(each for each in facts.project if init in each.parents)
    names = {_parameter(init, adapter) for adapter in adapters}
    parameters = [*init.args.args, *init.args.kwonlyargs]
    parameter = next((each for each in parameters if {each.arg} == names), None)
    uses = [each for each in ast.walk(init) if isinstance(each, ast.Name) and {each.id} == names]
    outer = source.parents[uses[0]] if len(uses) == 1 else None
    call = source.parents[outer] if isinstance(outer, ast.keyword) else outer
    is_handed_on = isinstance(call, ast.Call) and source.code(call.func).endswith("__init__")
    if parameter is None or not is_handed_on or init.args.defaults or init.args.kwonlyargs:
        write = "def __init__(self, session, user_table): super().__init__(session, user_table)"
        return Finding(source, init, message=_OWN, fix="manual", write=write)
    assert isinstance(call, ast.Call)
    assert outer is not None
    change = Change(facts.project)
    change.remove(source, init.args.args, [parameter])
    given = outer if isinstance(outer, ast.keyword) else uses[0]
    change.remove(source, [*call.args, *call.keywords], [given])
    for adapter in adapters:
        _remove(change, adapter)
    return Finding(source, init, change, _OWN, "unsafe")


def _parameter(init: _Function, adapter: Adapter) -> str | None:
    """Return the parameter that is given the model."""
    assert adapter.model is not None
    given = adapter.argument(adapter.model)
    if isinstance(given, ast.keyword):
        return given.arg
    position = adapter.call.args.index(given) + 1
    return init.args.args[position].arg if position < len(init.args.args) else None


RULE = Rule(
    code="FUD505",
    step=5,
    fix="safe",
    title="an adapter is given a pydantic model",
    why="Since FastAPI Users 10.0 users are mapped objects, and the model has no task.",
    find=find,
    deprecations=(
        "shim-legacy-orm-adapter",
        "shim-legacy-databases-adapter",
        "shim-legacy-orm-access-token-adapter",
        "shim-legacy-databases-access-token-adapter",
    ),
    text=__doc__,
)
