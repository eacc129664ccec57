"""What of this package is deprecated, and what to write instead."""

from typing import Any

from fastapi_users_db.deprecation import NOT_THE_APP, Deprecation, warn

__all__ = [
    "CURRENT_ACCESS_TOKEN_ADAPTER",
    "CURRENT_ADAPTER",
    "DEPRECATIONS",
    "GIVEN",
    "LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER",
    "LEGACY_DATABASES_ADAPTER",
    "LEGACY_ORM_ACCESS_TOKEN_ADAPTER",
    "LEGACY_ORM_ADAPTER",
    "has_type_argument",
    "warn",
    "warn_of_table",
]

PACKAGE = "fastapi_users_db_sqlalchemy"
GIVEN = f"{PACKAGE}.given"
"""Marks columns that a class has not asked for."""

NOT_THE_APP.add(PACKAGE)

CURRENT_ADAPTER = Deprecation(
    code="shim-adapter",
    used=f"{PACKAGE}.SQLAlchemyUserDatabase",
    instead="from fastapi_users_db import SQLAlchemyUserDatabase",
    since="1.0",
    removal="2.0",
)
LEGACY_ORM_ADAPTER = Deprecation(
    code="shim-legacy-orm-adapter",
    used="SQLAlchemyUserDatabase(UserDB, session, UserTable)",
    instead=(
        "fastapi_users_db.SQLAlchemyUserDatabase(session, {tables}), with FastAPI Users 10 or later"
    ),
    since="1.0",
    removal="2.0",
)
LEGACY_DATABASES_ADAPTER = Deprecation(
    code="shim-legacy-databases-adapter",
    used="SQLAlchemyUserDatabase(UserDB, database, users)",
    instead=(
        "fastapi_users_db.DatabasesUserDatabase(database, {tables}), with FastAPI Users 10 or later"
    ),
    since="1.0",
    removal="2.0",
)
CURRENT_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="shim-access-token-adapter",
    used=f"{PACKAGE}.access_token.SQLAlchemyAccessTokenDatabase",
    instead="from fastapi_users_db import SQLAlchemyAccessTokenDatabase",
    since="1.0",
    removal="2.0",
)
LEGACY_ORM_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="shim-legacy-orm-access-token-adapter",
    used="SQLAlchemyAccessTokenDatabase(AccessToken, session, AccessTokenTable)",
    instead=(
        "fastapi_users_db.SQLAlchemyAccessTokenDatabase(session, {tables}), "
        "with FastAPI Users 10 or later"
    ),
    since="1.0",
    removal="2.0",
)
LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="shim-legacy-databases-access-token-adapter",
    used="SQLAlchemyAccessTokenDatabase(AccessToken, database, access_tokens)",
    instead=(
        "fastapi_users_db.DatabasesAccessTokenDatabase(database, {tables}), "
        "with FastAPI Users 10 or later"
    ),
    since="1.0",
    removal="2.0",
)
TABLE = Deprecation(
    code="shim-table",
    used=f"A table from {PACKAGE}",
    instead="from fastapi_users_db import {tables}",
    since="1.0",
    removal="2.0",
)
TABLE_WITHOUT_ID = Deprecation(
    code="shim-table-without-id",
    used="A table that gets its UUID columns without asking for them",
    instead="{tables}",
    since="1.0",
    removal="2.0",
)
DEPRECATIONS = [
    CURRENT_ADAPTER,
    LEGACY_ORM_ADAPTER,
    LEGACY_DATABASES_ADAPTER,
    CURRENT_ACCESS_TOKEN_ADAPTER,
    LEGACY_ORM_ACCESS_TOKEN_ADAPTER,
    LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER,
    TABLE,
    TABLE_WITHOUT_ID,
]


def warn_of_table(cls: type[Any]) -> None:
    """Warn of a class that the app derives from a mixin of this package.

    Parameters:
        cls: the class.
    """
    mixins = [base for base in cls.__bases__ if base.__module__.partition(".")[0] == PACKAGE]
    if not mixins or cls.__module__.partition(".")[0] == PACKAGE:
        return
    mixin = mixins[0]
    name = mixin.__name__
    if name.endswith("UUID") or has_type_argument(cls) or _has_id_of_its_own(cls):
        warn(TABLE, cls, mixin)
    else:
        warn(TABLE_WITHOUT_ID, cls, f"class {cls.__name__}(fastapi_users_db.{name}UUID, Base)")


def _has_id_of_its_own(cls: type[Any]) -> bool:
    table = cls.__dict__.get("__table__")
    if table is None:
        # A metaclass maps it later.
        app = [a for a in cls.__mro__ if a.__module__.partition(".")[0] not in NOT_THE_APP]
        return any({"id", "user_id"} & a.__dict__.keys() for a in app)
    # `DeclarativeBase` has mapped it already: all columns look like its own.
    given = [column.name for column in table.columns if GIVEN in column.info]
    return not given or ("id" in table.columns and "id" not in given)


def has_type_argument(cls: type[Any]) -> bool:
    """Tell whether a class gives a mixin of this package a type argument."""
    return any(
        getattr(alias, "__origin__", object).__module__.partition(".")[0] == PACKAGE
        for ancestor in cls.__mro__
        if ancestor.__module__.partition(".")[0] != PACKAGE
        for alias in ancestor.__dict__.get("__orig_bases__", ())
    )
