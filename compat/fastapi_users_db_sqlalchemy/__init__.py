# ruff: noqa: E402  what is imported first matters, see below
"""The import name of FastAPI Users' first SQL adapter, kept for apps that use it.

Everything works as it did, in every calling convention that there was, and warns where it is
used; the code to write instead is in `fastapi_users_db`.
"""

import sys
from typing import Any

# First: fastapi_users_db takes a package that has this for one that has looked itself.
from fastapi_users_db_sqlalchemy import _distributions

# Before any other module of this package: of the two distributions it may be the other's.
_distributions.check()

# FastAPI Users imports this package. If it is the other way round, it meets the package while
# that is not complete yet, and goes on without.
_is_first = "fastapi_users.db" not in sys.modules

import fastapi_users.db

from fastapi_users_db.exceptions import NotSetOAuthAccountTableError
from fastapi_users_db_sqlalchemy import _exposed
from fastapi_users_db_sqlalchemy.generics import GUID
from fastapi_users_db_sqlalchemy.tables import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
)
from fastapi_users_db_sqlalchemy.user_database import SQLAlchemyUserDatabase

__version__ = "1.0.0"

__all__ = [
    "GUID",
    "NotSetOAuthAccountTableError",
    "SQLAlchemyBaseOAuthAccountTable",
    "SQLAlchemyBaseOAuthAccountTableUUID",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseUserTableUUID",
    "SQLAlchemyUserDatabase",
]


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)


if _is_first:
    for _class in (
        SQLAlchemyBaseOAuthAccountTable,
        SQLAlchemyBaseOAuthAccountTableUUID,
        SQLAlchemyBaseUserTable,
        SQLAlchemyBaseUserTableUUID,
        SQLAlchemyUserDatabase,
    ):
        setattr(fastapi_users.db, _class.__name__, _class)
        getattr(fastapi_users.db, "__all__", []).append(_class.__name__)
