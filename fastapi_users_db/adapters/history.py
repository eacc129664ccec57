"""What a session's transaction has executed, whoever it was: has it only read?

A transaction that is undone and begun anew has lost what the app had written in it, through the
session or through its connection. SQLAlchemy keeps no account of that, so the engine's events do,
for engines whose adapters have `retries`.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import SelectBase

from fastapi_users_db.versions.sqlalchemy import connections

__all__ = ["has_only_read", "watch"]

_watched: WeakSet[Engine] = WeakSet()
# By connection, since its transaction began: whether it may have done more than read.
_has_written: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()
# By compiled statement, of which engines remember each one.
_reads: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

# Others may write.
_PURE = frozenset({"coalesce", "count", "length", "lower", "max", "min", "now", "sum", "upper"})


def watch(engine: Engine) -> None:
    """Keep account of the transactions that begin on an engine from now on."""
    if engine not in _watched:
        _watched.add(engine)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "before_cursor_execute", _execute)


def has_only_read(session: Session) -> bool:
    """Tell whether a session's transaction has done nothing that is lost if it is undone.

    Of a transaction that nobody has kept account of, nobody knows.
    """
    return not any(_has_written.get(connection, True) for connection in connections(session))


def _begin(connection: Connection) -> None:
    _has_written[connection] = False


def _execute(connection: Connection, _: Any, __: str, ___: Any, context: Any, ____: bool) -> None:
    if not _has_written.get(connection, True) and not _is_read(context):
        _has_written[connection] = True


def _is_read(context: Any) -> bool:
    compiled = getattr(context, "compiled", None)  # none of a statement that is a string
    statement = getattr(compiled, "statement", None)
    if not isinstance(statement, SelectBase):
        return False
    if compiled not in _reads:
        _reads[compiled] = all(map(_only_reads, visitors.iterate(statement)))
    return _reads[compiled]


def _only_reads(element: Any) -> bool:
    if getattr(element, "is_dml", False) or isinstance(element, TextClause):
        return False
    if getattr(element, "_for_update_arg", None) is not None:
        return False  # its lock would be lost
    if getattr(element, "is_literal", False) and element.name != "*":
        return False
    return not isinstance(element, FunctionElement) or element.name.lower() in _PURE
