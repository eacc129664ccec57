"""SQL adapters for FastAPI Users: one interface, over SQLAlchemy's ORM or over `databases`."""

from contextlib import suppress

import fastapi_users.db  # noqa: F401  first: from there FastAPI Users looks for adapters

from fastapi_users_db import old_name as _old_name
from fastapi_users_db.adapters.base import (
    AccessTokenDatabase,
    AccessTokenSession,
    UserDatabase,
)
from fastapi_users_db.adapters.orm import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase
from fastapi_users_db.deprecation import FastAPIUsersDBDeprecationWarning
from fastapi_users_db.drivers import is_retryable
from fastapi_users_db.exceptions import (
    AccessTokenNotFoundError,
    ColumnTooNarrowError,
    DatabaseNotConnectedError,
    FastAPIUsersDBError,
    InvalidIDError,
    InvalidValueError,
    MissingDependencyError,
    NotSetOAuthAccountTableError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    SessionInUseError,
    UnsuitableServerError,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from fastapi_users_db.schema import SchemaProblem
from fastapi_users_db.tables import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
    unique_oauth_account_index,
)
from fastapi_users_db.types import GUID, TIMESTAMPAware

__version__ = "1.0.0"

__all__ = [
    "GUID",
    "AccessTokenDatabase",
    "AccessTokenNotFoundError",
    "AccessTokenSession",
    "ColumnTooNarrowError",
    "DatabaseNotConnectedError",
    "FastAPIUsersDBDeprecationWarning",
    "FastAPIUsersDBError",
    "InvalidIDError",
    "InvalidValueError",
    "MissingDependencyError",
    "NotSetOAuthAccountTableError",
    "OAuthAccountAlreadyLinkedError",
    "OAuthAccountNotFoundError",
    "SQLAlchemyAccessTokenDatabase",
    "SQLAlchemyBaseAccessTokenTable",
    "SQLAlchemyBaseAccessTokenTableInt",
    "SQLAlchemyBaseAccessTokenTableUUID",
    "SQLAlchemyBaseOAuthAccountTable",
    "SQLAlchemyBaseOAuthAccountTableInt",
    "SQLAlchemyBaseOAuthAccountTableUUID",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseUserTableInt",
    "SQLAlchemyBaseUserTableUUID",
    "SQLAlchemyUserDatabase",
    "SchemaProblem",
    "SessionInUseError",
    "TIMESTAMPAware",
    "UnsuitableServerError",
    "UserAlreadyExistsError",
    "UserDatabase",
    "UserNotFoundError",
    "is_retryable",
    "unique_email_index",
    "unique_oauth_account_index",
]

with suppress(ModuleNotFoundError):  # the file goes in 2.0
    from fastapi_users_db.adapters.databases import (
        DatabasesAccessTokenDatabase,
        DatabasesUserDatabase,
    )

    __all__ += ["DatabasesAccessTokenDatabase", "DatabasesUserDatabase"]

_old_name.check()
