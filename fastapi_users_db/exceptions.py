"""Every error that this package raises.

Each one is also the error that FastAPI Users, SQLAlchemy or Python would raise in its place,
so that routers answer as they should and existing `except` clauses keep working.
"""

from __future__ import annotations

import re
from inspect import isawaitable
from typing import Any, TypeVar

from sqlalchemy import Table
from sqlalchemy.exc import (
    DBAPIError,
    InvalidRequestError,
    SQLAlchemyError,
    StatementError,
)

from fastapi_users_db.deprecation import DOCUMENTATION
from fastapi_users_db.drivers import wrong_server
from fastapi_users_db.versions.fastapi_users import (
    InvalidID,
    UserAlreadyExists,
    UserNotExists,
    class_that_is_also,
)

__all__ = [
    "AccessTokenNotFoundError",
    "ColumnTooNarrowError",
    "DatabaseNotConnectedError",
    "FastAPIUsersDBError",
    "InvalidIDError",
    "InvalidValueError",
    "MissingDependencyError",
    "NotSetOAuthAccountTableError",
    "OAuthAccountAlreadyLinkedError",
    "OAuthAccountNotFoundError",
    "SessionInUseError",
    "UnsuitableServerError",
    "UserAlreadyExistsError",
    "UserNotFoundError",
]

_E = TypeVar("_E", bound=Exception)

_MORE_THAN_ONE_SERVER = f"{DOCUMENTATION}/servers/"

# What PostgreSQL, or asyncpg, shows a value with in the first line, by SQLSTATE.
_SHOWN_ON_POSTGRESQL = {"22000", "22003", "22007", "22008", "22021", "22P02", "22P03", "22P05"}
# The same of MySQL and MariaDB by number: what is left to say, and where the name stands after it.
_SHOWN_ON_MYSQL = {
    1062: ("Duplicate entry", " for key ", r"'([^']*)'[^']*$"),
    1292: ("Incorrect value", " for column ", r"(`[^`]*`(?:\.`[^`]*`)*)[^`]*$"),
    1366: ("Incorrect value", " for column ", r"(`[^`]*`(?:\.`[^`]*`)*)[^`]*$"),
}


class FastAPIUsersDBError(Exception):
    """Base class of every error that this package raises."""

    message = "fastapi-users-db could not do this."

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.message)


class UserAlreadyExistsError(FastAPIUsersDBError, UserAlreadyExists):
    """The e-mail address belongs to another user.

    What is raised is also the integrity error of the backend: `sqlalchemy.exc.IntegrityError`
    with the ORM, the driver's own with `databases`. FastAPI Users' routers answer 400.
    """

    @classmethod
    def from_integrity_error(cls, error: Exception) -> UserAlreadyExistsError:
        """Return an error that is both this one and `error`, without its parameters.

        Parameters:
            error: the integrity error that the backend raised.
        """
        return _also(cls, error)


class ColumnTooNarrowError(FastAPIUsersDBError):
    """A value is longer than its column is in the database, whatever the class declares.

    What is raised is also the error of the backend: `sqlalchemy.exc.DBAPIError` with the ORM, the
    driver's own with `databases`. Nothing was written. `check_schema` finds such columns before.

    Attributes:
        table: the table.
        column: the column.
        width: how many characters the column holds in the database.
        needed: how many the value has.
    """

    table: str
    column: str
    width: int
    needed: int

    def __str__(self) -> str:
        # Without what SQLAlchemy adds, which is the statement.
        return self.message

    @classmethod
    def from_backend_error(cls, error: Exception, **attributes: Any) -> ColumnTooNarrowError:
        """Return an error that is both this one and `error`, without its parameters.

        Parameters:
            error: the error that the backend raised.
            attributes: the attributes of this one, and the message.
        """
        too_narrow = _also(cls, error)
        too_narrow.__dict__.update(attributes)
        return too_narrow


class UnsuitableServerError(FastAPIUsersDBError):
    """The server cannot be used in this way: it is read-only, or a pooler loses statements.

    What is raised is also the error of the backend: `sqlalchemy.exc.DBAPIError` with the ORM, the
    driver's own with `databases`. Nothing was written.
    """

    def __str__(self) -> str:
        # Without what SQLAlchemy adds, which is the statement.
        return self.message

    @classmethod
    def from_backend_error(cls, error: Exception) -> UnsuitableServerError | None:
        """Return an error that is both this one and `error`, without its parameters; or `None` if
        it is about something else.

        Parameters:
            error: the error that the backend raised.
        """
        advice = wrong_server(error)
        if advice is None:
            return None
        unsuitable = _also(cls, error)
        unsuitable.message = f"{advice} See {_MORE_THAN_ONE_SERVER}"
        return unsuitable


def _also(ours: type[_E], error: Exception) -> _E:
    """Return an error of ours that is also `error`, with all that this one tells but values."""
    raised: Any = class_that_is_also(ours, type(error))
    # Python's `ValueError` cannot make what is also an error of asyncmy's, which is in C.
    maker: Any = type(error) if issubclass(ours, ValueError) else raised
    duplicate: _E = maker.__new__(raised)
    duplicate.args = error.args
    duplicate.__dict__.update(error.__dict__)
    if hasattr(error, "hide_parameters"):
        # SQLAlchemy would print them, and the password hash is one of them.
        duplicate.__dict__.update(params=None, hide_parameters=True)
    return duplicate


class OAuthAccountAlreadyLinkedError(FastAPIUsersDBError, UserAlreadyExists):
    """The external account is linked to another user.

    FastAPI Users' OAuth router answers 400; its *associate* router has no answer of its own,
    so give the app an exception handler for this class.
    """

    message = "This external account is linked to another user."


class UserNotFoundError(FastAPIUsersDBError, UserNotExists):
    """The user to change, or to create an access token for, is not in the database any more.

    Where a foreign key has refused an access token, what is raised is also the integrity error of
    the backend.
    """

    message = "This user is not in the database any more."

    @classmethod
    def from_integrity_error(cls, error: Exception) -> UserNotFoundError:
        """Return an error that is both this one and `error`, without its parameters.

        Parameters:
            error: the integrity error that the backend raised.
        """
        return _also(cls, error)


class OAuthAccountNotFoundError(FastAPIUsersDBError):
    """The OAuth account to change is not in the database any more, or not this user's."""

    message = "This OAuth account is not one of this user's."


class AccessTokenNotFoundError(FastAPIUsersDBError):
    """The access token to change is not in the database any more."""

    message = "This access token is not in the database any more."


class InvalidIDError(FastAPIUsersDBError, InvalidID, TypeError):
    """An id that cannot be one of this table."""


class InvalidValueError(FastAPIUsersDBError, ValueError):
    """A value that the column cannot hold on every database.

    Where the database has refused a row that lacks a value, what is raised is also the integrity
    error of the backend.
    """

    def __str__(self) -> str:
        # Without what SQLAlchemy adds, which is the statement.
        return str(vars(self).get("message") or super().__str__())

    @classmethod
    def from_integrity_error(cls, error: Exception, message: str) -> InvalidValueError:
        """Return an error that is both this one and `error`, without its parameters.

        Parameters:
            error: the integrity error that the backend raised.
            message: what is to be done.
        """
        invalid = _also(cls, error)
        invalid.message = message
        return invalid


class NotSetOAuthAccountTableError(FastAPIUsersDBError, NotImplementedError):
    """An OAuth method was called on an adapter that was built without an OAuth account table."""

    def __init__(self, adapter: object = None) -> None:
        name = "The adapter" if adapter is None else type(adapter).__name__
        super().__init__(
            f"{name} was built without an OAuth account table: give it as the third argument, "
            f"oauth_account_table=OAuthAccount."
        )


class DatabaseNotConnectedError(FastAPIUsersDBError, RuntimeError):
    """The `databases.Database` has no connection pool yet."""

    message = "The database is not connected: `await database.connect()` when the app starts."


class SessionInUseError(FastAPIUsersDBError, InvalidRequestError):
    """Two tasks use one `AsyncSession` at the same time."""

    message = (
        "Another task is using this session: give each task a session of its own, "
        "as a dependency of FastAPI's does for each request."
    )


class MissingDependencyError(FastAPIUsersDBError, ImportError):
    """An optional dependency is not installed."""


def kind_of(value: Any) -> str:
    """Return what a message calls a wrong argument: its kind, and nothing of what it holds.

    Parameters:
        value: the argument.
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, Table):
        return f"the Table {value.name!r}"
    return type(value).__name__ + (" (did you forget await?)" if isawaitable(value) else "")


def hide_values(error: BaseException) -> None:
    """Take out of an error, and its causes, the values that it shows: of a row, of a key.

    PostgreSQL shows them below the first line, and those that it does not take in the first; it
    translates what stands around them. MySQL and MariaDB show them anywhere, and a type of the
    app's own says what it likes. Password hashes and tokens are among them.
    """
    links: list[Any] = [error]
    while (link := links[-1].__cause__ or getattr(links[-1], "orig", None)) is not None:
        links.append(link)
    for link in reversed(links):
        original = getattr(link, "orig", None) or link
        state = getattr(original, "sqlstate", None)
        if isinstance(link, UnicodeEncodeError):  # drivers show the whole statement
            link.object, link.start, link.end = "?", 0, 1
            link.args = (link.encoding, link.object, link.start, link.end, link.reason)
        elif _is_of_a_type(link):
            original.args = ("The column's type takes no such value.",)
            link.args = (_as_sqlalchemy_has_it(original),)
        elif _number(original) in _SHOWN_ON_MYSQL:
            link.args = (
                _without_value_on_mysql(original)
                if original is link
                else (_as_sqlalchemy_has_it(original),)
            )
        elif state is not None:
            if isinstance(getattr(link, "detail", None), str):  # SQLAlchemy's is something else
                link.detail = None
            hidden = f"The column takes no such value (SQLSTATE {state})."
            link.args = tuple(
                (hidden if state in _SHOWN_ON_POSTGRESQL else arg.partition("\n")[0])
                if isinstance(arg, str)
                else arg
                for arg in link.args
            )


def _is_of_a_type(link: Any) -> bool:
    """Tell whether it is SQLAlchemy's error about one that a column's type has raised."""
    return (
        isinstance(link, StatementError)
        and not isinstance(link, DBAPIError)
        and not isinstance(link.orig, SQLAlchemyError | None)
    )


def _as_sqlalchemy_has_it(original: Any) -> str:
    kind = type(original)
    return f"({kind.__module__}.{kind.__name__}) {original}"


def _number(original: Any) -> Any:
    first = original.args[:1]
    return first[0] if first and isinstance(first[0], int) else None


def _without_value_on_mysql(error: Any) -> tuple[int, str]:
    number = error.args[0]
    text, before_name, name = _SHOWN_ON_MYSQL[number]
    found = re.search(name, str(error.args[-1]))
    return number, text + ("" if found is None else before_name + found[1])
