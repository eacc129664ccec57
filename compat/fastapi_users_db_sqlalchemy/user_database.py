"""The user adapter under its old name, in every calling convention that it had."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

# From the modules: the package may be the one that is importing us.
from fastapi_users_db.adapters.databases import DatabasesUserDatabase, check_installed
from fastapi_users_db.adapters.orm import SQLAlchemyUserDatabase as ORMUserDatabase
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.exceptions import NotSetOAuthAccountTableError, UserNotFoundError
from fastapi_users_db.mapping import OAUTH_ACCOUNTS, UserEntity, assign
from fastapi_users_db.versions.fastapi_users import ID, UOAP, UP
from fastapi_users_db.versions.sqlalchemy import python_type
from fastapi_users_db_sqlalchemy import _pydantic
from fastapi_users_db_sqlalchemy._arguments import Names, arguments
from fastapi_users_db_sqlalchemy._deprecations import (
    CURRENT_ADAPTER,
    LEGACY_DATABASES_ADAPTER,
    LEGACY_ORM_ADAPTER,
    warn,
)

__all__ = ["SQLAlchemyUserDatabase"]

NAMES = Names(
    model="user_db_model",
    tables=("users", "oauth_accounts"),
    classes=("user_table", "oauth_account_table"),
    example=("UserDB", "User"),
)
UPDATE = "update(user, update_dict) or update(user)"


class SQLAlchemyUserDatabase(ORMUserDatabase[UP, ID]):
    """Users through an `AsyncSession` or a `databases.Database`, as pydantic models if wanted.

    The forms are `(session, User[, OAuthAccount])`, `(UserDB, session, User[, OAuthAccount])` and
    `(UserDB, database, users[, oauth_accounts])`. Which one an instance has is read off its
    attributes whenever it matters: apps make instances without calling the constructor.

    Parameters:
        args: the arguments of one of the forms.
        commit: see `fastapi_users_db.SQLAlchemyUserDatabase`.
        kwargs: the same by name: `user_db_model`, `session`, `user_table`, `oauth_account_table`,
            `database`, `users`, `oauth_accounts`.

    Raises:
        TypeError: the arguments are none of the forms.
    """

    def __init__(self, *args: Any, commit: bool = True, **kwargs: Any) -> None:
        call = arguments(type(self).__name__, NAMES, args, kwargs)
        if call.model is not None:
            self.user_db_model = call.model
        if call.is_databases:
            check_installed()
            self.database = call.connection
            self.users, self.oauth_accounts = call.tables
            warn(LEGACY_DATABASES_ADAPTER, self, *call.tables)
            return
        self.session = call.connection
        self.user_table, self.oauth_account_table = call.tables
        self.commit = commit
        warn(CURRENT_ADAPTER if call.model is None else LEGACY_ORM_ADAPTER, self, *call.tables)

    def __class_getitem__(cls, parameters: Any) -> Any:
        # Apps name one type or two.
        given = parameters if isinstance(parameters, tuple) else (parameters,)
        wanted = len(cls.__parameters__)  # type: ignore[attr-defined]
        padded = (*given, *[Any] * (wanted - len(given)))[:wanted] if wanted else given
        return super().__class_getitem__(padded)  # type: ignore[misc]

    async def create(self, create_dict: Any) -> UP:
        """Create a user from a dict or from a model; see `fastapi_users_db.UserDatabase.create`."""
        values = self._values(create_dict, "create(create_dict) or create(user)")
        if self._model is not None:
            values = {**_pydantic.missing(self._model, self._users, values), **values}
        if self._is_databases:
            return await self._databases.create(values)
        return await self._present(await super().create(values))

    async def update(self, user: Any, update_dict: Any = None) -> UP:
        """Change a user by a dict; or, without one, write all of the user that is given.

        The user as a whole includes its OAuth accounts: those that are new are added, changed ones
        updated, missing ones removed, in one transaction.
        """
        if update_dict is None:
            return await self._write_whole(user)
        if not isinstance(update_dict, Mapping):
            kind = type(update_dict).__name__
            raise TypeError(f"Expected a dict, not {kind}. Call {UPDATE}.")
        if self._is_databases:
            return await self._databases.update(user, dict(update_dict))
        mapped = await self._mapped(user)
        known = {key: update_dict[key] for key in update_dict if self._users.knows(key)}
        await super().update(mapped, known)
        # As it always was: what is no column is still set on the object.
        assign(mapped, {key: update_dict[key] for key in update_dict if key not in known})
        return await self._present(mapped)

    async def delete(self, user: Any) -> None:
        """Delete a user; see `fastapi_users_db.UserDatabase.delete`."""
        if self._is_databases:
            await self._databases.delete(user)
            return
        try:
            mapped = await self._mapped(user)
        except UserNotFoundError:
            return
        await super().delete(mapped)

    async def add_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID], user: Any, create_dict: dict[str, Any]
    ) -> UOAP:
        """Link an external account; see `fastapi_users_db.UserDatabase.add_oauth_account`."""
        values = create_dict
        if self._model is not None:
            values = {**self._missing_of_account(create_dict), **create_dict}
        if self._is_databases:
            return await self._databases.add_oauth_account(user, values)
        mapped = await self._mapped(user)
        await super().add_oauth_account(mapped, values)  # pyright: ignore
        return await self._present(mapped)

    async def update_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID],
        user: Any,
        oauth_account: Any,
        update_dict: dict[str, Any],
    ) -> UOAP:
        """Change a link; see `fastapi_users_db.UserDatabase.update_oauth_account`."""
        if self._is_databases:
            return await self._databases.update_oauth_account(user, oauth_account, update_dict)
        mapped = await self._mapped(user)
        await super().update_oauth_account(  # pyright: ignore
            mapped, oauth_account, update_dict
        )
        return await self._present(mapped)

    async def _get_user(self, statement: Any) -> UP | None:
        """Execute a statement that selects users: every look-up passes through here."""
        if self._is_databases:
            return await self._databases._get_user(statement)
        mapped = await super()._get_user(statement)
        return None if mapped is None else await self._present(mapped)

    async def _make_user(self, row: Mapping[str, Any]) -> UP:
        """Turn a row into a user: every row of the `databases` form passes through here."""
        return await _Databases(self)._make_user(row)

    def _select_user(self) -> Any:
        return self._databases._select_user() if self._is_databases else super()._select_user()

    def _live_tables(self) -> LiveTables:
        return self._databases._live_tables() if self._is_databases else super()._live_tables()

    @property
    def _users(self) -> UserEntity:
        return self._databases._users if self._is_databases else super()._users

    @property
    def _model(self) -> Any:
        return getattr(self, "user_db_model", None)

    @property
    def _is_databases(self) -> bool:
        return getattr(self, "database", None) is not None

    @property
    def _databases(self) -> _Databases[UP, ID]:
        return _DatabasesWithHook(self)

    async def _write_whole(self, user: Any) -> UP:
        if not self._is_databases and isinstance(user, self.user_table):
            return await super().update(user, {})
        values = self._values(user, UPDATE)
        if self._is_databases:
            # The row as it is, rather than as the app's model would have it.
            rows: _Databases[Any, Any] = _Databases(self, SimpleNamespace)
            row = await rows.get(user.id)
            if row is None:
                raise UserNotFoundError()
            await rows.update(row, values)
            return user  # type: ignore[no-any-return]
        mapped = await self._mapped(user)
        known = {key: value for key, value in values.items() if self._users.knows(key)}
        return await self._present(await super().update(mapped, known))

    async def _mapped(self, user: Any) -> Any:
        """Return the mapped object of a user that is given as a model.

        Not a look-up, so it does not pass through the hook: the app has the user already.
        """
        if isinstance(user, self.user_table) or not hasattr(user, "id"):
            return user
        statement = super()._select_user().where(self._users.id_column == user.id)
        mapped = await super()._get_user(statement)
        if mapped is None:
            raise UserNotFoundError()
        return mapped

    async def _present(self, mapped: Any) -> UP:
        """Return the user in the form that this adapter promises."""
        if self._model is None:
            return mapped  # type: ignore[no-any-return]
        values = self._users.values(mapped)
        if self._users.oauth is not None:
            values[OAUTH_ACCOUNTS] = [self._users.oauth.values(a) for a in mapped.oauth_accounts]
        return _pydantic.build(self._model, mapped, values)  # type: ignore[no-any-return]

    def _values(self, given: Any, usage: str) -> dict[str, Any]:
        values = _pydantic.dump(given, usage)
        if values.get("id", self) is None:
            del values["id"]
        is_without_oauth = not self._is_databases and self.oauth_account_table is None
        # Models carry an empty list even where nobody uses OAuth.
        if is_without_oauth and values.pop(OAUTH_ACCOUNTS, None):
            raise NotSetOAuthAccountTableError(self)
        return values

    def _missing_of_account(self, values: Mapping[str, Any]) -> dict[str, Any]:
        column = self._oauth_accounts.column("id")
        if "id" in values or column.default is not None or python_type(column) is not uuid.UUID:
            return {}
        return {"id": uuid.uuid4()}


class _Databases(DatabasesUserDatabase[UP, ID]):
    """The adapter over `databases` on behalf of one of the above."""

    def __init__(self, of: SQLAlchemyUserDatabase[UP, ID], user_model: Any = None) -> None:
        # Not the constructor of the base class: the arguments are checked, the warning is given.
        self._of = of
        self.database = of.database
        self.user_table = of.users
        self.oauth_account_table = getattr(of, "oauth_accounts", None)
        self.user_model = user_model or of.user_db_model


class _DatabasesWithHook(_Databases[UP, ID]):
    """The same, whose users pass through the hook."""

    async def _make_user(self, row: Mapping[str, Any]) -> UP:
        return await self._of._make_user(row)
