"""The declarative mixins under their old names, with the columns of upstream's to the letter.

Which `id` and `user_id` a class has that asks for none depends on FastAPI Users, as it did with
upstream's releases: those before 4 bring a UUID, and Python's order of attributes decides between
that and one of the app's own base; since then only the app's own counts. A class without either
gets the UUID on every version.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ForeignKey, String
from sqlalchemy.orm import declared_attr

from fastapi_users_db import tables
from fastapi_users_db.versions import fastapi_users
from fastapi_users_db.versions.fastapi_users import ID
from fastapi_users_db.versions.sqlalchemy import AnyColumn
from fastapi_users_db_sqlalchemy._deprecations import has_type_argument, warn_of_table
from fastapi_users_db_sqlalchemy.generics import GUID, TIMESTAMPAware, now_utc

__all__ = [
    "SQLAlchemyBaseAccessTokenTable",
    "SQLAlchemyBaseAccessTokenTableUUID",
    "SQLAlchemyBaseOAuthAccountTable",
    "SQLAlchemyBaseOAuthAccountTableUUID",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseUserTableUUID",
]


class _Unasked(AnyColumn):
    """A column that a class gets unasked; of a type of its own, since SQLAlchemy makes copies."""

    inherit_cache = True


def _id(cls: type[Any]) -> Any:
    return _for_class(cls, "id", _Unasked(GUID, primary_key=True, default=uuid.uuid4))


def _user_id(cls: type[Any]) -> Any:
    return _for_class(cls, "user_id", _reference_to_user(_Unasked))


def _for_class(cls: type[Any], name: str, unasked: _Unasked) -> Any:
    owner = _owner(cls, name)
    if owner is not None and owner.__module__ != __name__:
        own = owner.__dict__[name]
        if isinstance(own, declared_attr):
            return own.__get__(None, cls)
        copy = getattr(own, "_copy", getattr(own, "copy", None))
        return own if copy is None else copy()
    # Where the mixin has a type argument it is for the class to declare.
    return None if has_type_argument(cls) else unasked


def _owner(cls: type[Any], name: str) -> type[Any] | None:
    """Return the class whose attribute counts for a class."""
    owners = [ancestor for ancestor in cls.__mro__ if name in ancestor.__dict__]
    of_the_app = [ancestor for ancestor in owners if ancestor.__module__ != __name__]
    counting = owners if fastapi_users.USERS_ARE_MODELS else of_the_app or owners
    return counting[0] if counting else None


def _is_unasked(cls: type[Any], name: str) -> bool:
    table = cls.__dict__.get("__table__")
    if table is not None:
        # `DeclarativeBase` has mapped the class already: all columns look like its own.
        return isinstance(table.columns.get(name), _Unasked)
    owner = _owner(cls, name)
    # By identity: what an app's class has may be a column, which compares to anything.
    is_given = owner is not None and any(owner.__dict__[name] is own for own in (_ID, _USER_ID))
    return is_given and not has_type_argument(cls)


def _reference_to_user(column: type[Column[Any]] = Column) -> Any:
    return column(GUID, ForeignKey("user.id", ondelete="cascade"), nullable=False)


_ID = tables.declared_column(_id)
_USER_ID = tables.declared_column(_user_id)
_USER_ID_OF_UUIDS = tables.declared_column(lambda _: _reference_to_user())


class _Warns:
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        warn_of_table(cls, [name for name in ("id", "user_id") if _is_unasked(cls, name)])


class SQLAlchemyBaseUserTable(_Warns, tables.SQLAlchemyBaseUserTable[ID]):
    """Columns of the user table."""

    if not TYPE_CHECKING:
        id = _ID


class SQLAlchemyBaseUserTableUUID(SQLAlchemyBaseUserTable[uuid.UUID]):
    """Columns of the user table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)


class SQLAlchemyBaseOAuthAccountTable(_Warns, tables.SQLAlchemyBaseOAuthAccountTable[ID]):
    """Columns of the OAuth account table."""

    if not TYPE_CHECKING:
        id = _ID
        user_id = _USER_ID
        access_token = Column(String(1024), nullable=False)
        refresh_token = Column(String(1024))
        _tokens_as_declared = True


class SQLAlchemyBaseOAuthAccountTableUUID(SQLAlchemyBaseOAuthAccountTable[uuid.UUID]):
    """Columns of the OAuth account table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)
        user_id = _USER_ID_OF_UUIDS


class SQLAlchemyBaseAccessTokenTable(_Warns, tables.SQLAlchemyBaseAccessTokenTable[ID]):
    """Columns of the access token table."""

    if not TYPE_CHECKING:
        created_at = Column(
            TIMESTAMPAware(timezone=True), index=True, nullable=False, default=now_utc
        )
        user_id = _USER_ID


class SQLAlchemyBaseAccessTokenTableUUID(SQLAlchemyBaseAccessTokenTable[uuid.UUID]):
    """Columns of the access token table of users with a UUID as `id`."""

    if not TYPE_CHECKING:
        user_id = _USER_ID_OF_UUIDS
