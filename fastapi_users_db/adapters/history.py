"""What a session's transaction has executed, whoever it was: has it only read?

A transaction that is undone and begun anew has lost what the app had written in it, through the
session or through its connection. SQLAlchemy keeps no account of that, so the engine's events do,
once an adapter has asked: one with `retries`, or one that would need a savepoint otherwise.
"""

from __future__ import annotations

import re
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import SelectBase

from fastapi_users_db.catalogue import ONLY_READS
from fastapi_users_db.versions.sqlalchemy import connections

__all__ = ["has_only_read", "watch"]

_watched: WeakSet[Engine] = WeakSet()
# By connection, since its transaction began: whether it may have done more than read.
_has_written: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()
# By compiled statement, of which engines remember each one.
_reads: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

# What stands before a parenthesis, and the functions and words there that write nothing.
_CALLED = re.compile(r'([\w.$"`]+)\s*\(')
_PURE = frozenset(
    (
        *("coalesce", "count", "length", "lower", "max", "min", "now", "sum", "upper"),
        *("all", "and", "any", "as", "by", "cast", "convert", "distinct", "exists", "from", "in"),
        *("join", "not", "on", "or", "over", "select", "then", "union", "values", "when", "where"),
    )
)
# What may do more than read, a lock and an operator of the app's own among them.
_MAY_WRITE = re.compile(
    r"\b(delete|for|insert|into|lock|merge|update)\b|[@#~^&\\]|(?<!\|)\|(?!\|)|--|/\*",
    re.IGNORECASE,
)


def watch(engine: Engine, *, beside_others: bool) -> None:
    """Keep account of the transactions that begin on an engine from now on.

    Parameters:
        engine: the engine.
        beside_others: whether to do so where others listen, too. SQLAlchemy would raise an error to
            one of them that waits for something just now.
    """
    dispatch: Any = engine.dispatch
    is_alone = not (dispatch.begin or dispatch.before_cursor_execute)
    if engine not in _watched and (beside_others or is_alone):
        _watched.add(engine)
        event.listen(engine, "begin", _begin)
        event.listen(engine, "before_cursor_execute", _execute)


def has_only_read(session: Session) -> bool:
    """Tell whether a session's transaction has done nothing that is lost if it is undone.

    Of a transaction that nobody has kept account of, nobody knows; and one with options of its own,
    as an isolation level or another schema, would be begun without them.
    """
    return not any(
        _has_written.get(connection, True) or _has_options(connection)
        for connection in connections(session)
    )


def _has_options(connection: Connection) -> bool:
    return bool(connection.get_execution_options() != connection.engine.get_execution_options())


def _begin(connection: Connection) -> None:
    _has_written[connection] = False


def _execute(connection: Connection, _: Any, __: str, ___: Any, context: Any, ____: bool) -> None:
    if not _has_written.get(connection, True) and not _is_read(context):
        _has_written[connection] = True


def _is_read(context: Any) -> bool:
    compiled: Any = getattr(context, "compiled", None)  # none of a statement that is a string
    statement = getattr(compiled, "statement", None)
    if compiled is not None and set(context.execution_options) >= ONLY_READS.keys():
        return True
    if not isinstance(statement, SelectBase):
        return False
    if compiled not in _reads:
        _reads[compiled] = _only_reads(str(compiled))
    return _reads[compiled]


def _only_reads(sql: str) -> bool:
    """Tell whether a query only reads, as far as its text says so: all that goes into it is there,
    loader options and constructs of the app's own, too."""
    called = (name.lower() for name in _CALLED.findall(sql))
    return _MAY_WRITE.search(sql) is None and all(name in _PURE for name in called)
