"""Column types: what FastAPI Users needs and SQLAlchemy stores differently on each database."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlalchemy import CHAR, TIMESTAMP, TypeDecorator
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

__all__ = ["GUID", "TIMESTAMPAware", "now_utc"]

if TYPE_CHECKING:
    UUIDDecorator = TypeDecorator[uuid.UUID]
    DatetimeDecorator = TypeDecorator[datetime]
else:
    UUIDDecorator = DatetimeDecorator = TypeDecorator


class GUID(UUIDDecorator):
    """A UUID: `UUID` on PostgreSQL, `CHAR(36)` with hyphens elsewhere.

    `sqlalchemy.Uuid` is not the same: it stores 32 characters without hyphens where the
    database has no UUID type, and could not read the rows that exist.
    """

    impl = CHAR(36)
    cache_ok = True

    @property
    def python_type(self) -> type[uuid.UUID]:
        return uuid.UUID

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(UUID())
        return dialect.type_descriptor(CHAR(36))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is None:
            return None
        return str(value if isinstance(value, uuid.UUID) else uuid.UUID(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        if value is None or isinstance(value, uuid.UUID):
            return value
        return uuid.UUID(value)

    def __repr__(self) -> str:
        return "GUID()"


class TIMESTAMPAware(DatetimeDecorator):
    """A point in time, always aware and in UTC in Python.

    MySQL and SQLite store no offset, and SQLAlchemy drops it. So a value with a time zone is
    converted to UTC before it is stored, and a value without one is taken as UTC.
    """

    impl = TIMESTAMP
    cache_ok = True
    timezone: bool

    def __init__(self, timezone: bool = True) -> None:
        super().__init__(timezone=timezone)
        self.timezone = timezone

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = as_utc(value)
        # asyncpg insists: aware for `timestamptz`, naive for `timestamp`.
        if dialect.name == "postgresql" and self.timezone:
            return value
        return value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else as_utc(value)

    def __repr__(self) -> str:
        return f"TIMESTAMPAware(timezone={self.timezone})"


def as_utc(value: datetime) -> datetime:
    """Return `value` in UTC; a naive one is taken as UTC already."""
    if value.tzinfo is None:
        return value.replace(tzinfo=timezone.utc)
    return value.astimezone(timezone.utc)


def now_utc() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(timezone.utc)
