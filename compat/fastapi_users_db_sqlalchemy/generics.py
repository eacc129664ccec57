"""Column types under their old name: Alembic environments compare the module they come from."""

from typing import Any

from fastapi_users_db import types
from fastapi_users_db.types import now_utc
from fastapi_users_db_sqlalchemy import _exposed

__all__ = ["GUID", "TIMESTAMPAware", "now_utc"]


class GUID(types.GUID):
    """See `fastapi_users_db.GUID`."""

    cache_ok = True


class TIMESTAMPAware(types.TIMESTAMPAware):
    """See `fastapi_users_db.TIMESTAMPAware`."""

    cache_ok = True


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)
