"""Column types under their old name: Alembic environments compare the module they come from."""

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Dialect

from fastapi_users_db import types
from fastapi_users_db.types import now_utc
from fastapi_users_db_sqlalchemy import _exposed

__all__ = ["GUID", "TIMESTAMPAware", "now_utc"]


class GUID(types.GUID):
    """See `fastapi_users_db.GUID`."""

    cache_ok = True


class TIMESTAMPAware(types.TIMESTAMPAware):
    """See `fastapi_users_db.TIMESTAMPAware`; without an argument it is a time without a zone, whose
    naive values PostgreSQL hands back as they are."""

    cache_ok = True

    def __init__(self, timezone: bool = False) -> None:
        super().__init__(timezone=timezone)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if dialect.name == "postgresql" and not self.timezone:
            return value
        return super().process_result_value(value, dialect)


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)
