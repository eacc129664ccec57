"""What each database's drivers say of a statement that was refused.

Their errors are read by attribute and by code, so that no driver need be installed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

__all__ = ["Violation", "first_error", "is_retryable", "violation", "wrong_server"]

# SQLSTATE on PostgreSQL, the error's number on MySQL and MariaDB.
_KINDS: dict[Any, str] = {
    "23505": "unique",
    "23503": "reference",
    "23502": "null",
    1062: "unique",
    1451: "reference",
    1452: "reference",
    1048: "null",
    1364: "null",
}
_NO_SUCH_SAVEPOINT = 1305
# A serialization failure, and a deadlock; of MySQL and MariaDB, too, a lock that was waited for too
# long, and a row that has changed since the transaction's snapshot.
_RETRYABLE = frozenset({"40001", "40P01", 1213, 1205, 1020})
_READ_ONLY = frozenset({"25006", 1290, 1792, 1836})
# A prepared statement that is not there, and one that is there already.
_PREPARED = frozenset({"26000", "42P05"})
_NAMES = re.compile(r'"[^"]*"|\w+')
_SQLITE = re.compile(r"(UNIQUE|FOREIGN KEY|NOT NULL) constraint failed(?:: (.*))?")


@dataclass(frozen=True)
class Violation:
    """A constraint that was violated.

    Attributes:
        kind: `unique`, `reference` or `null`.
        columns: the names of its columns; none where the driver does not let it be known.
        table: the name of the table, if the driver says it.
    """

    kind: str
    columns: frozenset[str] = frozenset()
    table: str | None = None

    def is_in(self, table: Table) -> bool:
        """Tell whether it may be one of a table's."""
        if self.table is not None:
            return self.table == table.name
        return not self.columns or any(column.name in self.columns for column in table.columns)


def violation(error: BaseException, *tables: Table) -> Violation | None:
    """Return which constraint an error is about, or `None` if it is about none.

    Parameters:
        error: the error, before what it says of values is hidden.
        tables: the tables that were written, whose indexes and constraints the driver may name.
    """
    # The innermost is the driver's own, and says most.
    for cause in reversed([*_causes(error)]):
        found = (
            _on_postgresql(cause, tables) or _on_mysql(cause, tables) or _on_sqlite(cause, tables)
        )
        if found is not None:
            return found
    return None


def is_retryable(error: BaseException) -> bool:
    """Tell whether the database has undone a transaction and asks for it to be repeated.

    It does after a deadlock or a serialization failure, with any isolation level and on clusters
    also at COMMIT; MySQL and MariaDB also when a lock was waited for too long, SQLite when it was
    busy. Whoever has opened the transaction may roll it back and begin it anew, from its first
    statement. A lost connection is none of these: nobody knows whether its COMMIT arrived.

    Parameters:
        error: what was raised, by an adapter, SQLAlchemy, `databases` or a driver.
    """
    if getattr(error, "connection_invalidated", False):
        return False
    return any(_has(_RETRYABLE, cause) or _is_busy(cause) for cause in _causes(error))


def wrong_server(error: BaseException) -> str | None:
    """Return what is to be done about an error of a server that is not what adapters need, or
    `None` if it is about something else."""
    for cause in _causes(error):
        if _has(_PREPARED, cause):
            return (
                "A pooler in front of PostgreSQL gives each transaction another connection, which "
                "lacks its prepared statements. Switch them off: asyncpg and databases take "
                "statement_cache_size=0, psycopg takes prepare_threshold=None."
            )
        if _has(_READ_ONLY, cause) or (_is_sqlite(cause) and "readonly database" in str(cause)):
            return "This database is read-only, as a standby is: give the adapter the primary."
    return None


def _has(codes: frozenset[Any], error: BaseException) -> bool:
    """Tell whether an error has one of these: PostgreSQL's SQLSTATE, or the number that MySQL and
    MariaDB give."""
    number = next((first for first in error.args[:1] if isinstance(first, int)), None)
    return getattr(error, "sqlstate", None) in codes or number in codes


def _is_sqlite(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError)


def _is_busy(error: BaseException) -> bool:
    # Before Python 3.11 it has no code.
    return _is_sqlite(error) and str(error) == "database is locked"


def first_error(error: BaseException) -> BaseException:
    """Return the error that has ended a transaction, where MySQL only says of its savepoint that it
    has gone with it."""
    original: Any = getattr(error, "orig", None)
    is_hiding = getattr(original, "args", ())[:1] == (_NO_SUCH_SAVEPOINT,)
    if is_hiding and "SAVEPOINT" in str(original) and error.__context__ is not None:
        return error.__context__
    return error


def _on_postgresql(error: Any, tables: tuple[Table, ...]) -> Violation | None:
    kind = _KINDS.get(getattr(error, "sqlstate", None))
    if kind is None:
        return None
    # asyncpg has it as attributes of the error, psycopg one further.
    said = getattr(error, "diag", error)
    detail = getattr(said, "detail", None) or getattr(said, "message_detail", None) or ""
    # "Key (lower(email::text))=(...)": translated, but for what stands in parentheses.
    key = re.search(r"\((.*?)\)=\(", detail)
    column = getattr(said, "column_name", None)
    named = [column] if column else _NAMES.findall(key[1] if key else "")
    columns = frozenset(name.strip('"') for name in named)
    name = getattr(said, "constraint_name", None)
    if not (columns or name):
        return None  # SQLAlchemy's own error, which has the code and nothing else
    if columns:
        return Violation(kind, columns, getattr(said, "table_name", None))
    return _declared(kind, str(name), tables)


def _on_mysql(error: Any, tables: tuple[Table, ...]) -> Violation | None:
    number, text = (*error.args, None, None)[:2]
    kind = _KINDS.get(number) if isinstance(number, int) else None
    if kind is None:
        return None
    foreign_key = re.search(r"FOREIGN KEY \((.*?)\)", str(text))
    if foreign_key is not None:
        return Violation(kind, frozenset(re.findall(r"\w+", foreign_key[1])))
    # "Column 'id' ...", or "... for key 'user.ix_user_email'"; MariaDB does not name the table.
    quoted = r"'([^']*)'" if kind == "null" else r"'(?:[^'.]*\.)?([^'.]*)'[^']*$"
    named = re.search(quoted, str(text))
    name = "" if named is None else named[1]
    if kind == "null":
        return Violation(kind, frozenset([name]))
    return _declared(kind, name, tables)


def _on_sqlite(error: Any, tables: tuple[Table, ...]) -> Violation | None:
    found = _SQLITE.match(str(error.args[0])) if error.args else None
    if found is None:
        return None
    kind = {"UNIQUE": "unique", "FOREIGN KEY": "reference", "NOT NULL": "null"}[found[1]]
    if index := re.match(r"index '(.*)'", found[2] or ""):
        return _declared(kind, index[1], tables)
    places = [place.rpartition(".") for place in (found[2] or "").split(", ")]
    table = places[0][0] or None
    return Violation(kind, frozenset(column for _, _, column in places if column), table)


def _causes(error: BaseException | None) -> Iterator[Any]:
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__


def _declared(kind: str, name: str, tables: tuple[Table, ...]) -> Violation:
    """Return the violation of a constraint or an index by its name, as the app declares it."""
    for table in tables:
        named: list[Any] = [*table.indexes, *table.constraints]
        for declared in named:
            if declared.name == name:
                columns = frozenset(column.name for column in declared.columns)
                return Violation(kind, columns, table.name)
        if name in table.columns:
            # MySQL names an unnamed key after its column.
            return Violation(kind, frozenset([name]), table.name)
    return Violation(kind)
