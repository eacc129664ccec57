"""The declarative mixins under their old names, with the columns of upstream's to the letter.

Which `id` and `user_id` a class has that asks for none depends on FastAPI Users, as it did with
upstream's releases: those before 4 bring a UUID, and Python's order of attributes decides between
that and one of the app's own base; since then only the app's own counts. A class without either
gets the UUID on every version.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String

from fastapi_users_db import tables
from fastapi_users_db.versions import fastapi_users
from fastapi_users_db.versions.fastapi_users import ID
from fastapi_users_db.versions.sqlalchemy import AnyColumn, is_mapped_by_annotation
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


class _UnlessDeclared(AnyColumn):
    """A column that a mixin has for classes that neither declare nor inherit one of their own.

    SQLAlchemy copies the columns of mixins, except where the class has something else in their
    place. Where that counts, this steps aside, and whatever it is stays SQLAlchemy's business.
    """

    inherit_cache = True

    def __init__(self, make: Callable[[type[_Unasked]], Column[Any]]) -> None:
        super().__init__()
        self._make_unasked = make

    def __set_name__(self, mixin: type[Any], name: str) -> None:
        self._mixin, self._attribute = mixin, name

    def __get__(self, instance: object, cls: type[Any]) -> Any:
        if cls is self._mixin or self.counts(cls):
            return self
        bound = cls if instance is None else instance
        return getattr(super(self._mixin, bound), self._attribute, None)

    def counts(self, cls: type[Any]) -> bool:
        """Tell whether a class gets this column."""
        # Where the mixin has a type argument it is for the class to declare.
        return _owner(cls, self._attribute) is self._mixin and not has_type_argument(cls)

    def _copy(self, **_: Any) -> Column[Any]:
        return self._make_unasked(_Unasked)


def _owner(cls: type[Any], name: str) -> type[Any] | None:
    """Return the class whose attribute counts for a class."""
    owners = [
        ancestor
        for ancestor in cls.__mro__
        if name in ancestor.__dict__ or is_mapped_by_annotation(ancestor, name)
    ]
    of_the_app = [ancestor for ancestor in owners if ancestor.__module__ != __name__]
    counting = owners if fastapi_users.USERS_ARE_MODELS else of_the_app or owners
    return counting[0] if counting else None


def _is_unasked(cls: type[Any], name: str) -> bool:
    table = cls.__dict__.get("__table__")
    if table is not None:
        # `DeclarativeBase` has mapped the class already: all columns look like its own.
        return isinstance(table.columns.get(name), _Unasked)
    owner = _owner(cls, name)
    found = None if owner is None else owner.__dict__.get(name)
    return isinstance(found, _UnlessDeclared) and found.counts(cls)


def _uuid(column: type[Column[Any]] = Column) -> Any:
    return column(GUID, primary_key=True, default=uuid.uuid4)


def _reference_to_user(column: type[Column[Any]] = Column) -> Any:
    return column(GUID, ForeignKey("user.id", ondelete="cascade"), nullable=False)


_USER_ID_OF_UUIDS = tables.declared_column(lambda _: _reference_to_user())


class _Warns:
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        warn_of_table(cls, [name for name in ("id", "user_id") if _is_unasked(cls, name)])


class SQLAlchemyBaseUserTable(_Warns, tables.SQLAlchemyBaseUserTable[ID]):
    """Columns of the user table."""

    if not TYPE_CHECKING:
        id = _UnlessDeclared(_uuid)
        email = Column(String(320), unique=True, index=True, nullable=False)
        hashed_password = Column(String(1024), nullable=False)
        is_active = Column(Boolean, default=True, nullable=False)
        is_superuser = Column(Boolean, default=False, nullable=False)
        is_verified = Column(Boolean, default=False, nullable=False)


class SQLAlchemyBaseUserTableUUID(SQLAlchemyBaseUserTable[uuid.UUID]):
    """Columns of the user table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = _uuid()


class SQLAlchemyBaseOAuthAccountTable(_Warns, tables.SQLAlchemyBaseOAuthAccountTable[ID]):
    """Columns of the OAuth account table."""

    if not TYPE_CHECKING:
        id = _UnlessDeclared(_uuid)
        oauth_name = Column(String(100), index=True, nullable=False)
        access_token = Column(String(1024), nullable=False)
        expires_at = Column(Integer)
        refresh_token = Column(String(1024))
        account_id = Column(String(320), index=True, nullable=False)
        account_email = Column(String(320), nullable=False)
        user_id = _UnlessDeclared(_reference_to_user)
        _tokens_as_declared = True


class SQLAlchemyBaseOAuthAccountTableUUID(SQLAlchemyBaseOAuthAccountTable[uuid.UUID]):
    """Columns of the OAuth account table, with a UUID as `id`."""

    if not TYPE_CHECKING:
        id = _uuid()
        user_id = _USER_ID_OF_UUIDS


class SQLAlchemyBaseAccessTokenTable(_Warns, tables.SQLAlchemyBaseAccessTokenTable[ID]):
    """Columns of the access token table."""

    if not TYPE_CHECKING:
        token = Column(String(43), primary_key=True)
        created_at = Column(
            TIMESTAMPAware(timezone=True), index=True, nullable=False, default=now_utc
        )
        user_id = _UnlessDeclared(_reference_to_user)


class SQLAlchemyBaseAccessTokenTableUUID(SQLAlchemyBaseAccessTokenTable[uuid.UUID]):
    """Columns of the access token table of users with a UUID as `id`."""

    if not TYPE_CHECKING:
        user_id = _USER_ID_OF_UUIDS
