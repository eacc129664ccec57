# pyright: reportIncompatibleVariableOverride=false
"""Declarative mixins for the tables: users, OAuth accounts, access tokens.

Each comes for UUID ids, for `int` ids, and for ids that the class declares itself. Columns are
plain `Column` objects: they work the same under every SQLAlchemy and every style of mapping.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    event,
    func,
    inspect,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapped, Mapper, declared_attr
from sqlalchemy.schema import conv

from fastapi_users_db.deprecation import class_names
from fastapi_users_db.mapping import Entity
from fastapi_users_db.types import GUID, TIMESTAMPAware, now_utc
from fastapi_users_db.versions.fastapi_users import (
    ID,
    AccessTokenProtocol,
    OAuthAccountProtocol,
    UserProtocol,
)
from fastapi_users_db.versions.sqlalchemy import AnyColumn, create_index_if, is_without_primary_key

__all__ = [
    "SQLAlchemyBaseAccessTokenTable",
    "SQLAlchemyBaseAccessTokenTableInt",
    "SQLAlchemyBaseAccessTokenTableUUID",
    "SQLAlchemyBaseOAuthAccountTable",
    "SQLAlchemyBaseOAuthAccountTableInt",
    "SQLAlchemyBaseOAuthAccountTableUUID",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseUserTableInt",
    "SQLAlchemyBaseUserTableUUID",
    "unique_email_index",
    "unique_oauth_account_index",
]

_LONGEST_NAME = 63  # bytes, on PostgreSQL

# Not marks in `info`: Alembic would write them into revisions.
not_on_mysql: WeakSet[Index] = WeakSet()
"""Indexes that MySQL and MariaDB go without."""
tokens_as_declared: WeakSet[Table] = WeakSet()
"""OAuth account tables whose tokens have a limit on purpose: that of upstream's tables."""
_user_tables: WeakSet[Table] = WeakSet()


# For type checkers a user is FastAPI Users' protocol by inheritance: by structure `Mapped[str]`
# would not match its `str`, although `user.email` is one.
class SQLAlchemyBaseUserTable(UserProtocol[ID]):
    """Columns of the user table; the class declares its own `id`."""

    __tablename__ = "user"

    if TYPE_CHECKING:
        id: Mapped[ID]
        email: Mapped[str]
        hashed_password: Mapped[str]
        is_active: Mapped[bool]
        is_superuser: Mapped[bool]
        is_verified: Mapped[bool]
    else:
        email = Column(String(320), unique=True, index=True, nullable=False)
        hashed_password = Column(String(1024), nullable=False)
        is_active = Column(Boolean, default=True, nullable=False)
        is_superuser = Column(Boolean, default=False, nullable=False)
        is_verified = Column(Boolean, default=False, nullable=False)


class SQLAlchemyBaseUserTableUUID(SQLAlchemyBaseUserTable[uuid.UUID]):
    """Columns of the user table, with a UUID as `id`."""

    if TYPE_CHECKING:
        id: Mapped[uuid.UUID]
    else:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)


class SQLAlchemyBaseUserTableInt(SQLAlchemyBaseUserTable[int]):
    """Columns of the user table, with an integer as `id` that the database counts up.

    No id is used twice: on SQLite the table has `AUTOINCREMENT`.
    """

    if TYPE_CHECKING:
        id: Mapped[int]
    else:
        id = Column(Integer, primary_key=True)


class _ReferenceToUser(AnyColumn):
    """A foreign key to the user table, whatever its name and the type of its id.

    It follows the user table as soon as both are mapped, see `_follow_user_table`. A class of its
    own, since SQLAlchemy makes a copy for each table.
    """

    inherit_cache = True


def _reference_to_user(_: type[Any]) -> Column[Any]:
    return _ReferenceToUser(ForeignKey("user.id", ondelete="cascade"), nullable=False, index=True)


def declared_column(make: Callable[[type[Any]], Column[Any]]) -> Any:
    """Return an attribute of a mixin that makes a column for each class.

    Parameters:
        make: makes the column, given the class.
    """

    # Without annotations: SQLAlchemy would take them for the column's. With a special name: it
    # would warn when pydantic, for SQLModel, asks the mixin itself for the attribute.
    def __column__(cls):  # type: ignore[no-untyped-def]  # noqa: N807
        return make(cls)

    return declared_attr(__column__)


class SQLAlchemyBaseOAuthAccountTable(OAuthAccountProtocol[ID]):
    """Columns of the OAuth account table; the class declares its own `id` and `user_id`."""

    __tablename__ = "oauth_account"

    if TYPE_CHECKING:
        id: Mapped[ID]
        oauth_name: Mapped[str]
        access_token: Mapped[str]
        expires_at: Mapped[int | None]
        refresh_token: Mapped[str | None]
        account_id: Mapped[str]
        account_email: Mapped[str]
    else:
        oauth_name = Column(String(100), index=True, nullable=False)
        # Unbounded: there are providers whose tokens exceed 1024 characters.
        access_token = Column(Text, nullable=False)
        expires_at = Column(Integer)
        refresh_token = Column(Text)
        account_id = Column(String(320), index=True, nullable=False)
        account_email = Column(String(320), nullable=False)


class SQLAlchemyBaseOAuthAccountTableUUID(SQLAlchemyBaseOAuthAccountTable[uuid.UUID]):
    """Columns of the OAuth account table, with a UUID as `id`."""

    if TYPE_CHECKING:
        id: Mapped[uuid.UUID]
        user_id: Mapped[uuid.UUID]
    else:
        id = Column(GUID, primary_key=True, default=uuid.uuid4)
        user_id = declared_column(_reference_to_user)


class SQLAlchemyBaseOAuthAccountTableInt(SQLAlchemyBaseOAuthAccountTable[int]):
    """Columns of the OAuth account table, with an integer as `id` that the database counts up.

    No id is used twice: on SQLite the table has `AUTOINCREMENT`.
    """

    if TYPE_CHECKING:
        id: Mapped[int]
        user_id: Mapped[int]
    else:
        id = Column(Integer, primary_key=True)
        user_id = declared_column(_reference_to_user)


class SQLAlchemyBaseAccessTokenTable(AccessTokenProtocol[ID]):
    """Columns of the access token table; the class declares its own `user_id`."""

    __tablename__ = "accesstoken"

    if TYPE_CHECKING:
        token: Mapped[str]
        created_at: Mapped[datetime]
        user_id: Mapped[ID]
    else:
        token = Column(String(43), primary_key=True)
        created_at = Column(
            TIMESTAMPAware(timezone=True), index=True, nullable=False, default=now_utc
        )


class SQLAlchemyBaseAccessTokenTableUUID(SQLAlchemyBaseAccessTokenTable[uuid.UUID]):
    """Columns of the access token table of users with a UUID as `id`."""

    if TYPE_CHECKING:
        user_id: Mapped[uuid.UUID]
    else:
        user_id = declared_column(_reference_to_user)


class SQLAlchemyBaseAccessTokenTableInt(SQLAlchemyBaseAccessTokenTable[int]):
    """Columns of the access token table of users with an integer as `id`."""

    if TYPE_CHECKING:
        user_id: Mapped[int]
    else:
        user_id = declared_column(_reference_to_user)


def unique_email_index(user_table: type[Any]) -> Index:
    """Declare a unique index on the lower-case e-mail address.

    It keeps two users from having addresses that differ only in case, and serves look-ups that
    ignore case. The adapters then look for an address through this index alone, so the table must
    have it. Call this function once, after the class; `create_all` and Alembic then create the
    index. On MariaDB and MySQL nothing is created: the column's own unique index ignores case.

    Parameters:
        user_table: the user's mapped class.

    Returns:
        The index, already part of the table.
    """
    table: Table = inspect(user_table).local_table
    column = Entity(user_table).column("email")
    name = index_name(table, "email_lower")
    return _not_on_mysql(Index(name, func.lower(column), unique=True))


def unique_oauth_account_index(oauth_account_table: type[Any]) -> Index:
    """Declare a unique index on the name of the OAuth client and the id of the account there.

    It gives an external account one owner, even if two requests link it at the same time. Without
    it both can succeed. The ORM adapter then leaves it to the index to refuse an account that is
    linked already, so the table must have it. Call this function once, after the class;
    `create_all` and Alembic then create the index. On MariaDB and MySQL the index compares as the
    collation of the columns does.

    Parameters:
        oauth_account_table: the OAuth account's mapped class.

    Returns:
        The index, already part of the table.
    """
    table: Table = inspect(oauth_account_table).local_table
    account = Entity(oauth_account_table)
    columns = [account.column(key) for key in ("oauth_name", "account_id")]
    return Index(index_name(table, "account"), *columns, unique=True)


def index_name(table: Table, suffix: str) -> str:
    """Return the name of an index; SQLAlchemy shortens one that some database would not take."""
    name = f"ix_{table.name}_{suffix}"
    return name if len(name.encode()) <= _LONGEST_NAME else conv(name)


def _not_on_mysql(index: Index) -> Index:
    # `create_all` heeds the condition, Alembic does not: it has to be told.
    not_on_mysql.add(index)
    create_index_if(index, lambda dialect: not is_mysql(dialect))
    return index


def is_mysql(dialect: Dialect) -> bool:
    """Tell whether this is MySQL or MariaDB."""
    return dialect.name in ("mysql", "mariadb")


def _follow_user_table(mapper: Mapper[Any], class_: type[Any]) -> None:
    """Let the foreign keys of the mixins refer to the user table of the same metadata."""
    table: Table = mapper.local_table  # type: ignore[assignment]
    class_names.setdefault(table, class_.__name__)
    _check_has_id(mapper, class_)
    if issubclass(class_, SQLAlchemyBaseUserTable) and mapper.inherits is None:
        _user_tables.add(table)
    if issubclass(class_, _IDS_OF_THE_DATABASE) and mapper.inherits is None:
        _count_on(table)
    if getattr(class_, "_tokens_as_declared", False):
        tokens_as_declared.add(table)
    for index in table.indexes:
        if any(isinstance(column, _ReferenceToUser) for column in index.columns):
            # There a foreign key has an index anyway, and one of ours could not be dropped.
            _not_on_mysql(index)
    tables = table.metadata.tables
    user_tables = [t for t in tables.values() if t in _user_tables]
    if len(user_tables) > 1:
        # It is "user", to which the mixins of upstream refer.
        user_tables = [t for t in user_tables if t.name == "user"]
    if len(user_tables) != 1 or len(user_tables[0].primary_key.columns) != 1:
        return
    [user_table] = user_tables
    for other in tables.values():
        for column in other.columns:
            if isinstance(column, _ReferenceToUser):
                _refer(column, user_table)


def _check_has_id(mapper: Mapper[Any], class_: type[Any]) -> None:
    """Say which mixin has an id, where SQLAlchemy only says that there is no primary key."""
    if is_without_primary_key(mapper):
        names = [mixin.__name__ for mixin in _WITHOUT_ID if issubclass(class_, mixin)]
        raise ArgumentError(
            f"{class_.__name__} has no id: {names[0]} leaves it to the class. Derive it from "
            f"{names[0]}UUID or {names[0]}Int, or declare an id with primary_key=True."
        )


def _count_on(table: Table) -> None:
    """Have SQLite give no id twice: to whoever holds a token of a deleted user, the next would be
    that user."""
    columns = list(table.primary_key.columns)
    # SQLite has it for one column whose type is spelt INTEGER, and no other.
    is_counted = len(columns) == 1 and type(columns[0].type) is Integer
    if is_counted and columns[0].autoincrement and "sqlite_autoincrement" not in [*table.kwargs]:
        table.kwargs["sqlite_autoincrement"] = True


def _refer(column: Column[Any], user_table: Table) -> None:
    [user_id] = user_table.primary_key.columns
    [foreign_key] = column.foreign_keys
    if foreign_key.target_fullname == f"{user_table.key}.{user_id.key}":
        return
    column.table.constraints.discard(foreign_key.constraint)
    column.table.foreign_keys.discard(foreign_key)
    column.foreign_keys.discard(foreign_key)
    column.type = user_id.type
    column.append_foreign_key(ForeignKey(user_id, ondelete="cascade"))


_IDS_OF_THE_DATABASE = (SQLAlchemyBaseUserTableInt, SQLAlchemyBaseOAuthAccountTableInt)

_WITHOUT_ID = (SQLAlchemyBaseUserTable, SQLAlchemyBaseOAuthAccountTable)

for _mixin in (
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseAccessTokenTable,
):
    event.listen(_mixin, "instrument_class", _follow_user_table, propagate=True)
