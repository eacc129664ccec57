"""What a column takes: the values of Python that it holds on every database, and no others.

SQLite stores anything, MySQL converts, PostgreSQL refuses with an error of its driver's: one
answer for all is given here, before a statement is made. No message shows a value.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, Enum, SmallInteger, String
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from fastapi_users_db.exceptions import InvalidValueError
from fastapi_users_db.types import GUID, TIMESTAMPAware, as_utc
from fastapi_users_db.versions.sqlalchemy import python_type

__all__ = ["checked_value", "is_storable", "refusal_of_type"]

# What a column of a type takes besides, and makes its own of.
_ALSO: dict[type[Any], tuple[type[Any], ...]] = {
    bytes: (bytearray, memoryview),
    float: (int, Decimal),
    Decimal: (int, float),
}


# What is larger is no id of anybody's, and Python refuses to write it out.
_BITS_OF_TEXT = 1024

# A provider chooses how long these are, and SQLite stores them whole: the database has the word.
_OF_PROVIDERS = frozenset({"access_token", "refresh_token"})


def checked_value(name: str, column: Column[Any], value: Any) -> Any:
    """Return a value as its column takes it.

    What means the same in the column's type is converted: the text of a UUID, a number as text,
    a point in time in seconds with a fraction, 0 and 1 as booleans. `None`, expressions, and
    values of types that do not say what they take (JSON, enums, types of the app's own) are
    returned as they are.

    Parameters:
        name: what messages call it.
        column: the column.
        value: the value.

    Raises:
        InvalidValueError: the column holds no such value on every database.
    """
    if value is None or _is_expression(value):
        return value
    expected = python_type(column)
    if expected is uuid.UUID and isinstance(value, str):
        # The ORM finds an object by its id, and the text of a UUID is not equal to it.
        try:
            return uuid.UUID(value)
        except ValueError:
            raise InvalidValueError(f"{name}: not a UUID.") from None
    if _says_what_it_takes(column):
        value = _converted(name, column, expected, value)
    if isinstance(value, str) and isinstance(column.type, Enum):
        # SQLAlchemy writes it, and fails when it is read.
        if value not in column.type.enums:
            raise InvalidValueError(f"{name} must be a member of its enum.")
    elif isinstance(value, str) and isinstance(column.type, String):
        _check_string(name, value, None if column.key in _OF_PROVIDERS else column.type.length)
    return value


def _says_what_it_takes(column: Column[Any]) -> bool:
    """Tell whether a type is one of SQLAlchemy's plain ones or of ours."""
    if isinstance(column.type, GUID | TIMESTAMPAware):
        return True
    is_plain = type(column.type).__module__ == "sqlalchemy.sql.sqltypes"
    # A variant may be wider, or of another kind.
    has_variants = bool(getattr(column.type, "_variant_mapping", None))
    return is_plain and not has_variants and not isinstance(column.type, Enum)


def _converted(name: str, column: Column[Any], expected: type[Any], value: Any) -> Any:
    if expected is int:
        return _integer(name, column, value)
    if expected is bool and type(value) is int and value in (0, 1):
        return bool(value)
    if expected is str and type(value) is int and value.bit_length() <= _BITS_OF_TEXT:
        return str(value)
    if expected in (bool, str, bytes, uuid.UUID, float, Decimal, datetime, date, time) and (
        not isinstance(value, (expected, *_ALSO.get(expected, ())))
        or (isinstance(value, bool) and expected is not bool)
    ):
        raise _wrong_type(name, expected, value)
    if isinstance(column.type, TIMESTAMPAware):
        moment: Any = value
        try:
            return as_utc(moment)
        except OverflowError:
            raise InvalidValueError(f"{name} is out of range.") from None
    return value


def _integer(name: str, column: Column[Any], value: Any) -> int:
    if not isinstance(value, int | float):
        raise _wrong_type(name, int, value)
    bits = {SmallInteger: 15, BigInteger: 63}
    limit = 2 ** next((n for kind, n in bits.items() if isinstance(column.type, kind)), 31)
    # NaN compares as false.
    if not -limit <= value < limit:
        raise InvalidValueError(f"{name} must be between {-limit} and {limit - 1}.")
    return int(value)


def _wrong_type(name: str, expected: type[Any], value: Any) -> InvalidValueError:
    return InvalidValueError(f"{name} must be {expected.__name__}, not {type(value).__name__}.")


def _check_string(name: str, value: str, length: int | None) -> None:
    if length is not None and len(value) > length:
        raise InvalidValueError(f"{name} holds at most {length} characters, not {len(value)}.")
    if not is_storable(value):
        raise InvalidValueError(f"{name} must not contain NUL characters or lone surrogates.")


def refusal_of_type(column: Column[Any], value: Any, dialect: Dialect) -> Exception | None:
    """Return the error that a column's type raises when this value is bound, if it does."""
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    if process is None or _is_expression(value):
        return None
    try:
        process(value)
    except Exception as error:
        return error
    return None


def _is_expression(value: Any) -> bool:
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def is_storable(value: str) -> bool:
    """Tell whether every database can store this string: PostgreSQL has no NUL in its text."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
