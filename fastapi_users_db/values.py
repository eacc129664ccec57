"""What the framework's own columns take: values of Python that every database holds, no others.

SQLite stores anything, MySQL converts, PostgreSQL refuses with an error of its driver's: one
answer for all is given here, before a statement is made. What is too wide the database itself
refuses, or takes: SQLite knows no width. No message shows a value. The app's own columns, and types
of the app's own, are SQLAlchemy's business.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Column, Enum, Integer, SmallInteger, String
from sqlalchemy.sql import ClauseElement

from fastapi_users_db.exceptions import InvalidValueError, kind_of
from fastapi_users_db.types import GUID, TIMESTAMPAware, as_utc
from fastapi_users_db.versions.sqlalchemy import python_type

__all__ = ["checked_value", "is_storable", "too_wide"]

# What is larger is no id of anybody's, and Python refuses to write it out.
_BITS_OF_TEXT = 1024

# What the framework's own columns hold.
_TYPES = frozenset({str, int, bool, uuid.UUID, datetime})


def checked_value(name: str, column: Column[Any], value: Any) -> Any:
    """Return a value as its column takes it.

    What means the same in the column's type is converted: the text of a UUID, a number as text,
    a point in time in seconds with a fraction, 0 and 1 as booleans. `None`, expressions, and
    values of types that are not SQLAlchemy's plain ones or ours are returned as they are.

    Parameters:
        name: what messages call it.
        column: the column.
        value: the value.

    Raises:
        TypeError: an e-mail address that is not a string.
        InvalidValueError: the column holds no such value on every database.
    """
    expected = _taken_by(column)
    if expected is object or (value is None and (column.nullable or column.key != "email")):
        return value
    if type(value) is not expected or expected in (int, datetime):
        value = _converted(name, column, expected, value)
    # Whatever can be printed can be stored.
    if isinstance(value, str) and not (value.isprintable() or is_storable(value)):
        raise InvalidValueError(f"{name} must not contain NUL characters or lone surrogates.")
    return value


def too_wide(name: str, column: Column[Any], value: Any) -> InvalidValueError | None:
    """Return the error that says that a value is wider than its column is declared, if it is.

    For values that the database has refused.

    Parameters:
        name: what messages call it.
        column: the column.
        value: the value.
    """
    length = column.type.length if isinstance(column.type, String) else None
    if isinstance(value, str) and length is not None and len(value) > length:
        return InvalidValueError(f"{name} holds at most {length} characters, not {len(value)}.")
    if isinstance(value, int) and isinstance(column.type, Integer):
        bits = {SmallInteger: 15, BigInteger: 63}
        limit = 2 ** next((n for kind, n in bits.items() if isinstance(column.type, kind)), 31)
        if not -limit <= value < limit:
            return InvalidValueError(f"{name} must be between {-limit} and {limit - 1}.")
    return None


@lru_cache(maxsize=1024)
def _taken_by(column: Column[Any]) -> type[Any]:
    """Return the type of the values that a column takes, `object` if we cannot tell."""
    kind = type(column.type)
    is_ours = isinstance(column.type, GUID | TIMESTAMPAware)
    # A variant may be wider, or of another kind.
    has_variants = bool(getattr(column.type, "_variant_mapping", None))
    is_plain = kind.__module__ == "sqlalchemy.sql.sqltypes" and not issubclass(kind, Enum)
    if not is_ours and (has_variants or not is_plain):
        return object
    # Another is the app's own, by a name of the framework's.
    return python_type(column) if python_type(column) in _TYPES else object


def _converted(name: str, column: Column[Any], expected: type[Any], value: Any) -> Any:
    if isinstance(value, ClauseElement) or hasattr(value, "__clause_element__"):
        return value
    if name.endswith(".email") and not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {kind_of(value)}.")
    if expected is uuid.UUID and isinstance(value, str):
        # The ORM finds an object by its id, and the text of a UUID is not equal to it.
        try:
            return uuid.UUID(value)
        except ValueError:
            raise InvalidValueError(f"{name}: not a UUID.") from None
    if expected is bool and type(value) is int and value in (0, 1):
        return bool(value)
    if expected is str and type(value) is int and value.bit_length() <= _BITS_OF_TEXT:
        return str(value)
    if not isinstance(value, (int, float) if expected is int else expected) or (
        isinstance(value, bool) and expected not in (bool, int)
    ):
        raise InvalidValueError(f"{name} must be {expected.__name__}, not {kind_of(value)}.")
    if expected is int:
        return _integer(name, value)
    if isinstance(column.type, TIMESTAMPAware):
        moment: Any = value
        try:
            return as_utc(moment)
        except OverflowError:
            raise InvalidValueError(f"{name} is out of range.") from None
    return value


def _integer(name: str, value: Any) -> int:
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise InvalidValueError(f"{name} must be a finite number.") from None


def is_storable(value: str) -> bool:
    """Tell whether every database can store this string: PostgreSQL has no NUL in its text."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
