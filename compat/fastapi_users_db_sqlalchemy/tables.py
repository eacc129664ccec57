"""The declarative mixins under their old names, with what they had that the new ones have not.

Without a type argument and without an `id` of its own a class gets a UUID as `id`, as upstream's
releases 1 to 3 had it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.orm import declared_attr

from fastapi_users_db import tables
from fastapi_users_db.versions.fastapi_users import ID
from fastapi_users_db_sqlalchemy._deprecations import GIVEN, has_type_argument, warn_of_table
from fastapi_users_db_sqlalchemy.generics import GUID, TIMESTAMPAware, now_utc

__all__ = [
    "SQLAlchemyBaseAccessTokenTable",
    "SQLAlchemyBaseAccessTokenTableUUID",
    "SQLAlchemyBaseOAuthAccountTable",
    "SQLAlchemyBaseOAuthAccountTableUUID",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseUserTableUUID",
]


class _Warns:
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        warn_of_table(cls)


def _id(cls: type[Any]) -> Any:
    for ancestor in cls.__mro__:
        own = ancestor.__dict__.get("id")
        if own is not None and ancestor.__module__ != __name__:
            # The app's own base class has one: it counts, whatever the order of the bases.
            is_declared = isinstance(own, declared_attr)
            return own.__get__(None, cls) if is_declared else getattr(own, "_copy", own.copy)()
    if has_type_argument(cls):
        raise TypeError(f"{cls.__name__} gives its mixin a type argument, but has no `id`.")
    return Column(GUID, primary_key=True, default=uuid.uuid4, info={GIVEN: True})


def _user_id(cls: type[Any]) -> Column[Any]:
    column = tables.foreign_key_to_user(*([] if has_type_argument(cls) else [GUID]))
    column.info[GIVEN] = True
    return column


class SQLAlchemyBaseUserTable(_Warns, tables.SQLAlchemyBaseUserTable[ID]):
    """Columns of the user table."""

    if not TYPE_CHECKING:
        id = tables.declared_column(_id)


class SQLAlchemyBaseUserTableUUID(SQLAlchemyBaseUserTable[uuid.UUID]):
    """Columns of the user table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)


class SQLAlchemyBaseOAuthAccountTable(_Warns, tables.SQLAlchemyBaseOAuthAccountTable[ID]):
    """Columns of the OAuth account table."""

    if not TYPE_CHECKING:
        id = tables.declared_column(_id)
        user_id = tables.declared_column(_user_id)


class SQLAlchemyBaseOAuthAccountTableUUID(SQLAlchemyBaseOAuthAccountTable[uuid.UUID]):
    """Columns of the OAuth account table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)


class SQLAlchemyBaseAccessTokenTable(_Warns, tables.SQLAlchemyBaseAccessTokenTable[ID]):
    """Columns of the access token table."""

    if not TYPE_CHECKING:
        created_at = Column(
            TIMESTAMPAware(timezone=True), index=True, nullable=False, default=now_utc
        )
        user_id = tables.declared_column(_user_id)


class SQLAlchemyBaseAccessTokenTableUUID(SQLAlchemyBaseAccessTokenTable[uuid.UUID]):
    """Columns of the access token table of users with a UUID as `id`."""
