"""SQLAlchemy 1.4, 2.0 and 2.1: names that moved, and what the older ones lack."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, Table, event, orm
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.state import InstanceState
from sqlalchemy.sql.elements import BinaryExpression, ColumnElement

__all__ = [
    "AnyColumn",
    "BooleanBinary",
    "ColumnElement",
    "ExternalType",
    "InstanceState",
    "as_in_flush",
    "autoincrement_column",
    "create_index_if",
    "has_own_constructor",
    "is_autocommit",
    "is_clean",
    "is_mapped_by_annotation",
    "is_without_primary_key",
    "python_type",
    "written_states",
]

if sys.version_info >= (3, 14):  # pragma: no cover
    from annotationlib import Format, get_annotations

    ANNOTATIONS: dict[str, Any] = {"format": Format.FORWARDREF}
else:
    from inspect import get_annotations

    ANNOTATIONS: dict[str, Any] = {}

if TYPE_CHECKING:
    from sqlalchemy.types import ExternalType

    AnyColumn = Column[Any]
    BooleanBinary = BinaryExpression[bool]
else:
    AnyColumn, BooleanBinary = Column, BinaryExpression  # not generic in 1.4

    try:
        from sqlalchemy.types import ExternalType
    except ImportError:  # pragma: no cover  the stack with the lowest versions runs this
        # Before 1.4.28 only these were asked whether statements with them may be cached.
        from sqlalchemy.types import TypeDecorator as ExternalType


def python_type(column: Column[Any]) -> type[Any]:
    """Return the type of a column's values in Python, or `object` where it does not say."""
    try:
        return column.type.python_type
    except NotImplementedError:  # before 2.1
        return object


def is_mapped_by_annotation(cls: type[Any], name: str) -> bool:
    """Tell whether a class, not one that it inherits from, declares an attribute with `Mapped`.

    Before 2.0 an annotation was for type checkers alone, and meant nothing without a value.
    """
    annotation = get_annotations(cls, **ANNOTATIONS).get(name)
    return hasattr(orm, "MappedColumn") and "Mapped[" in str(annotation)


def is_without_primary_key(mapper: Mapper[Any]) -> bool:
    """Tell whether a table has no primary key, and its class names none: SQLAlchemy refuses it.

    What a class names in `__mapper_args__` has no public name in any version.
    """
    table: Any = mapper.local_table
    named = mapper._primary_key_argument or mapper.inherits
    return isinstance(table, Table) and not table.primary_key.columns and not named


is_clean: Callable[[Session], bool] = Session._is_clean
"""Tells whether nothing waits to be flushed. No version has a public name for it."""


def autoincrement_column(table: Table) -> Column[Any] | None:
    """Return the column whose values a table counts up by itself, if there is one.

    1.4 has no public name for it.
    """
    return table._autoincrement_column


def written_states(session: Session) -> set[InstanceState[Any]]:
    """Return the states of the objects that a session's transaction has written.

    No version has a public name for it.
    """
    transactions: Any = (session.get_transaction(), session.get_nested_transaction())
    written = [w for t in transactions if t is not None for w in (t._new, t._dirty, t._deleted)]
    return {state for states in written if states for state in states}


def connections(session: Session) -> set[Connection]:
    """Return the connections of a session's transaction.

    No version has a public name for them.
    """
    transaction: Any = session.get_transaction()
    return set() if transaction is None else {held[0] for held in transaction._connections.values()}


def is_autocommit(connection: Any) -> bool:
    """Tell whether each statement of a connection is a transaction of its own.

    What an engine was created with has no public name, and another one in 1.4.
    """
    dialect: Any = connection.dialect
    of_engine = getattr(dialect, "_on_connect_isolation_level", None) or getattr(
        dialect, "isolation_level", None
    )
    options = connection.sync_connection.get_execution_options()
    return bool(options.get("isolation_level", of_engine) == "AUTOCOMMIT")


def is_in_block(session: Session) -> bool:
    """Tell whether the app's own `with session.begin():` ends the transaction.

    No version has a public name for it.
    """
    return getattr(session, "_trans_context_manager", None) is not None


@contextmanager
def as_in_flush(session: Session | None) -> Iterator[None]:
    """Let a session, if there is one, read where it writes.

    SQLAlchemy's recipe for sessions that read on a follower asks for this attribute, which has no
    public name in any version.
    """
    if session is None:
        yield
        return
    before, session._flushing = session._flushing, True
    try:
        yield
    finally:
        session._flushing = before


def has_own_constructor(mapper: Mapper[Any]) -> bool:
    """Tell whether a class has a constructor that is neither SQLAlchemy's nor Python's."""
    constructor: Any = mapper.class_manager.original_init
    # Python's own has no module.
    return not getattr(constructor, "__module__", "sqlalchemy").startswith("sqlalchemy")


def create_index_if(index: Index, condition: Callable[[Dialect], bool]) -> None:
    """Let `create_all` create an index only on some databases.

    Parameters:
        index: the index, already part of its table.
        condition: whether to create it, given the database's dialect.
    """
    if hasattr(index, "ddl_if"):
        index.ddl_if(callable_=lambda *_, dialect, **__: condition(dialect))
    else:  # pragma: no cover  the stacks with 1.4 run this
        _create_index_if_in_1_4(index, condition)


def _create_index_if_in_1_4(
    index: Index, condition: Callable[[Dialect], bool]
) -> None:  # pragma: no cover  the stacks with 1.4 run this
    assert index.table is not None

    def leave_out(table: Table, connection: Connection, **_: Any) -> None:
        if not condition(connection.dialect):
            table.indexes.discard(index)

    def put_back(table: Table, connection: Connection, **_: Any) -> None:
        table.indexes.add(index)

    event.listen(index.table, "before_create", leave_out)
    event.listen(index.table, "after_create", put_back)
