"""What of this package is deprecated, and what to write instead."""

from typing import Any

from fastapi_users_db.deprecation import NOT_THE_APP, Deprecation, warn
from fastapi_users_db.versions import fastapi_users

__all__ = [
    "CURRENT_ACCESS_TOKEN_ADAPTER",
    "CURRENT_ADAPTER",
    "DEPRECATIONS",
    "LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER",
    "LEGACY_DATABASES_ADAPTER",
    "LEGACY_ORM_ACCESS_TOKEN_ADAPTER",
    "LEGACY_ORM_ADAPTER",
    "has_type_argument",
    "warn",
    "warn_of_table",
]

PACKAGE = "fastapi_users_db_sqlalchemy"

NOT_THE_APP.add(PACKAGE)

CURRENT_ADAPTER = Deprecation(
    code="shim-adapter",
    rule="FUD501",
    used=f"{PACKAGE}.SQLAlchemyUserDatabase",
    instead="from fastapi_users_db import SQLAlchemyUserDatabase",
    since="1.0",
    removal="2.0",
)
LEGACY_ORM_ADAPTER = Deprecation(
    code="shim-legacy-orm-adapter",
    rule="FUD505",
    used="SQLAlchemyUserDatabase(UserDB, session, UserTable)",
    instead=(
        "fastapi_users_db.SQLAlchemyUserDatabase(session, {tables}), with FastAPI Users 10 or later"
    ),
    since="1.0",
    removal="2.0",
)
LEGACY_DATABASES_ADAPTER = Deprecation(
    code="shim-legacy-databases-adapter",
    rule="FUD505",
    used="SQLAlchemyUserDatabase(UserDB, database, users)",
    instead=(
        "fastapi_users_db.DatabasesUserDatabase(database, {tables}), with FastAPI Users 10 or "
        "later, on the way to fastapi_users_db.SQLAlchemyUserDatabase(session, {tables})"
    ),
    since="1.0",
    removal="2.0",
)
CURRENT_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="shim-access-token-adapter",
    rule="FUD504",
    used=f"{PACKAGE}.access_token.SQLAlchemyAccessTokenDatabase",
    instead="from fastapi_users_db import SQLAlchemyAccessTokenDatabase",
    since="1.0",
    removal="2.0",
)
LEGACY_ORM_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="shim-legacy-orm-access-token-adapter",
    rule="FUD505",
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
    rule="FUD505",
    used="SQLAlchemyAccessTokenDatabase(AccessToken, database, access_tokens)",
    instead=(
        "fastapi_users_db.DatabasesAccessTokenDatabase(database, {tables}), with FastAPI Users 10 "
        "or later, on the way to fastapi_users_db.SQLAlchemyAccessTokenDatabase(session, {tables})"
    ),
    since="1.0",
    removal="2.0",
)
TABLE = Deprecation(
    code="shim-table",
    rule="FUD501",
    used=f"A table from {PACKAGE}",
    instead="from fastapi_users_db import {tables}, with any FastAPI Users",
    since="1.0",
    removal="2.0",
)
TABLE_WITHOUT_ID = Deprecation(
    code="shim-table-without-id",
    rule="FUD502",
    used="A table class that declares no {lacking}, and so gets UUIDs unasked,",
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


def warn_of_table(cls: type[Any], lacking: list[str]) -> None:
    """Warn of a class that the app derives from a mixin of this package.

    Parameters:
        cls: the class.
        lacking: the columns that it gets without having asked for them.
    """
    mixins = [base for base in cls.__bases__ if base.__module__.partition(".")[0] == PACKAGE]
    if not mixins or cls.__module__.partition(".")[0] == PACKAGE:
        return
    if not lacking:
        warn(TABLE, cls, mixins[0])
        return
    statement = f"class {cls.__name__}(fastapi_users_db.{mixins[0].__name__}UUID, Base)"
    if fastapi_users.USERS_ARE_MODELS:
        # Afterwards an `id` of the app's base would count.
        statement += ", before you upgrade to FastAPI Users 10"
    names = " and no ".join(f"`{name}`" for name in lacking)
    warn(TABLE_WITHOUT_ID, cls, statement, lacking=names)


def has_type_argument(cls: type[Any]) -> bool:
    """Tell whether a class gives a mixin of this package a type argument."""
    return any(
        getattr(alias, "__origin__", object).__module__.partition(".")[0] == PACKAGE
        for ancestor in cls.__mro__
        if ancestor.__module__.partition(".")[0] != PACKAGE
        for alias in ancestor.__dict__.get("__orig_bases__", ())
    )
