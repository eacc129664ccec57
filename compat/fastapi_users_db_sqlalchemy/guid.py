"""Where `GUID` was in upstream's releases 1.1 to 3.0.1; migrations still import it from here."""

from typing import Any

from fastapi_users_db_sqlalchemy import _exposed
from fastapi_users_db_sqlalchemy.generics import GUID

__all__ = ["GUID"]


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)
