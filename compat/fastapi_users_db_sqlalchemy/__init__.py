"""The import name of FastAPI Users' first SQL adapter, kept for apps that use it.

Everything works as it did, in every calling convention that there was, and warns where it is
used; the code to write instead is in `fastapi_users_db`.
"""

from typing import Any

import fastapi_users.db  # first: from there FastAPI Users looks for this package

from fastapi_users_db.exceptions import NotSetOAuthAccountTableError
from fastapi_users_db_sqlalchemy import _distributions, _exposed
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


_distributions.check()

# Whoever imports this package first has FastAPI Users look for it while it is not complete yet,
# and FastAPI Users then goes on without.
for _class in (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
):
    if not hasattr(fastapi_users.db, _class.__name__):
        setattr(fastapi_users.db, _class.__name__, _class)
        fastapi_users.db.__all__.append(_class.__name__)  # type: ignore[has-type]
