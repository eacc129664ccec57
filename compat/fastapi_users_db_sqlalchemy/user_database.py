"""The user adapter under its old name, in every calling convention that it had."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import MultipleResultsFound

# From the modules: the package may be the one that is importing us.
from fastapi_users_db.adapters.base import NOTHING, has_address
from fastapi_users_db.adapters.databases import DatabasesUserDatabase, RowsUnit
from fastapi_users_db.adapters.orm import SQLAlchemyUserDatabase as ORMUserDatabase
from fastapi_users_db.adapters.rows import Rows
from fastapi_users_db.adapters.session import read_first
from fastapi_users_db.adapters.unit import Given
from fastapi_users_db.exceptions import NotSetOAuthAccountTableError, UserNotFoundError, kind_of
from fastapi_users_db.mapping import OAUTH_ACCOUNTS, Entity, UserEntity, assign, entity
from fastapi_users_db.statements import is_owned
from fastapi_users_db.versions.fastapi_users import ID, UOAP, UP
from fastapi_users_db.versions.sqlalchemy import python_type
from fastapi_users_db_sqlalchemy import _pydantic
from fastapi_users_db_sqlalchemy._arguments import Names
from fastapi_users_db_sqlalchemy._deprecations import (
    CURRENT_ADAPTER,
    LEGACY_DATABASES_ADAPTER,
    LEGACY_ORM_ADAPTER,
)
from fastapi_users_db_sqlalchemy._forms import Deprecations, Forms, either, read_one

__all__ = ["SQLAlchemyUserDatabase"]

CREATE = "create(create_dict) or create(user)"
UPDATE = "update(user, update_dict) or update(user)"


class _OverORM(ORMUserDatabase[UP, ID]):
    """The adapter over the ORM, on behalf of one of those below."""

    def __init__(self, of: SQLAlchemyUserDatabase[UP, ID]) -> None:
        # Not the constructor of the base class: the arguments are checked already.
        self._of = of
        self.session = of.session
        self.user_table = of.user_table
        self.oauth_account_table = getattr(of, "oauth_account_table", None)
        self._commits = of._commits
        self._extra: dict[str, Any] = {}

    async def update(self, user: Any, update_dict: Mapping[str, Any]) -> UP:
        # As it always was: what is no column is still set on the object.
        kind: Any = type(user)
        of = entity(kind) if isinstance(user, self.user_table) else self._users
        known = {key: value for key, value in update_dict.items() if of.knows(key)}
        self._extra = {
            k: v for k, v in update_dict.items() if k not in known and not k.startswith("_")
        }
        return await super().update(await self._mapped(user), known)

    async def delete(self, user: Any) -> None:
        try:
            mapped = await self._mapped(user)
        except UserNotFoundError:
            return
        await super().delete(mapped)

    async def add_oauth_account(self, user: Any, create_dict: dict[str, Any]) -> Any:
        mapped: Any = await self._mapped(user)
        return await super().add_oauth_account(mapped, create_dict)  # pyright: ignore

    async def update_oauth_account(
        self, user: Any, oauth_account: Any, update_dict: dict[str, Any]
    ) -> Any:
        mapped: Any = await self._mapped(user)
        return await super().update_oauth_account(  # pyright: ignore
            mapped, oauth_account, update_dict
        )

    async def _get_user(self, statement: Any) -> UP | None:
        mapped = await super()._get_user(statement)
        return None if mapped is None else self._build(mapped)

    async def _made(self, user: Any) -> Any:
        assign(user, self._extra)
        return self._build(user)

    @property
    def _may_repeat(self) -> bool:  # type: ignore[override]
        return self._of._contract.is_as_given

    @property
    def _users(self) -> UserEntity:
        return self._of._contract.users(self.user_table, self.oauth_account_table)

    @property
    def _oauth_accounts(self) -> Entity:
        return self._of._oauth_accounts  # an error names the app's class

    async def _mapped(self, user: Any) -> Any:
        """Return the mapped object of a user that is given as a model.

        Not a look-up, so it does not pass through the hook: the app has the user already.
        """
        if isinstance(user, (self.user_table, type)) or not hasattr(user, "id"):
            return user
        statement = self._select_user().where(self._users.is_id(user.id))
        reading = super()._get_user(statement)
        mapped = await read_first(self.session, self._commits, reading)
        if mapped is None:
            raise UserNotFoundError()
        return mapped

    def _build(self, mapped: Any) -> Any:
        """Return the user in the form that this adapter promises."""
        model = self._of._model
        if model is None:
            return mapped
        values = self._users.values(mapped)
        if self._users.has_collection:
            oauth: Any = self._users.oauth
            values[OAUTH_ACCOUNTS] = [oauth.values(a) for a in mapped.oauth_accounts]
        return _pydantic.build(model, mapped, values)


class _Read(_OverORM[UP, ID]):
    """The same, for what the app has given as a whole: what its own `get` returns is returned."""

    async def _made(self, user: Any) -> Any:
        # Before the COMMIT: what fails after it would be an error about what is written.
        assign(user, self._extra)
        return await self._of.get(user.id)


class _OverDatabases(DatabasesUserDatabase[UP, ID]):
    """The adapter over `databases`, on behalf of one of those below."""

    _may_repeat = True

    def __init__(self, of: SQLAlchemyUserDatabase[UP, ID]) -> None:
        # Not the constructor of the base class: the arguments are checked, the warning is given.
        self._of = of
        self.database = of.database
        self.user_table = of.users
        self.oauth_account_table = getattr(of, "oauth_accounts", None)
        self.user_model = of.user_db_model

    async def _make_user(self, row: Any) -> UP:
        return await self._of._make_user(row)

    def _unit(self, user: Any, given: Given = NOTHING) -> RowsUnit:
        # Whatever has an id stands for its row.
        is_one = hasattr(user, "id") and not isinstance(user, type)
        model = type(user) if is_one else self.user_model
        return RowsUnit(self, self._users, model, user, given)

    @property
    def _users(self) -> UserEntity:
        return self._of._contract.users(self.user_table, self.oauth_account_table)

    @property
    def _oauth_accounts(self) -> Entity:
        return self._of._oauth_accounts  # an error names the app's class


class _Given(_OverDatabases[UP, ID]):
    """The same, for what the app has given as a whole: no model is built, and none has a say."""

    def __init__(self, of: SQLAlchemyUserDatabase[UP, ID]) -> None:
        super().__init__(of)
        self.user_model: Any = SimpleNamespace

    async def create_whole(self, user: Any, values: dict[str, Any]) -> Any:
        """Write a new user, and return the object that was given."""
        created: Any = await self.create(values)
        if "id" not in values:
            # Of a table that gives the ids. Not by an assignment, which a model may forbid.
            vars(user)["id"] = created.id
        return user

    async def update_whole(self, user: Any, values: dict[str, Any]) -> Any:
        """Write all values of a user, and return the object that was given."""
        # What changes is known by the row as it is, whatever the app's model would make of it.
        row: Any = await self._get_user(self._select_user().where(self._users.is_id(user.id)))
        if row is None:
            raise UserNotFoundError()
        await self.update(row, values)
        return user

    async def _get_user(self, statement: Any) -> Any:
        return await read_one(Rows(self.database, self._users), statement)

    async def _make_user(self, row: Any) -> Any:
        return await DatabasesUserDatabase._make_user(self, row)


class SQLAlchemyUserDatabase(Forms, ORMUserDatabase[UP, ID]):
    """Users through an `AsyncSession` or a `databases.Database`, as pydantic models if wanted.

    The forms are `(session, User[, OAuthAccount])`, `(UserDB, session, User[, OAuthAccount])` and
    `(UserDB, database, users[, oauth_accounts])`.

    Parameters:
        args: the arguments of one of the forms.
        commit: see `fastapi_users_db.SQLAlchemyUserDatabase`.
        kwargs: the same by name: `user_db_model`, `session`, `user_table`, `oauth_account_table`,
            `database`, `users`, `oauth_accounts`.

    Raises:
        TypeError: the arguments are none of the forms.
    """

    _names = Names(
        model="user_db_model",
        tables=("users", "oauth_accounts"),
        classes=("user_table", "oauth_account_table"),
        example=("UserDB", "User"),
    )
    _deprecations = Deprecations(CURRENT_ADAPTER, LEGACY_ORM_ADAPTER, LEGACY_DATABASES_ADAPTER)
    _over_orm = _OverORM
    _over_databases = _OverDatabases

    if TYPE_CHECKING:  # as far as the form has them
        user_db_model: Any
        database: Any
        users: Any

    def __class_getitem__(cls, parameters: Any) -> Any:
        # Apps name one type or two.
        given = parameters if isinstance(parameters, tuple) else (parameters,)
        wanted = len(cls.__parameters__)  # type: ignore[attr-defined]
        padded = (*given, *[Any] * (wanted - len(given)))[:wanted] if wanted else given
        return super().__class_getitem__(padded)  # type: ignore[misc]

    async def create(self, create_dict: Any = None, *, user: Any = None) -> UP:
        """Create a user from a dict or from a model; see `fastapi_users_db.UserDatabase.create`."""
        given = either(create_dict, user, CREATE)
        values = self._values(given, CREATE)
        created: UP
        if isinstance(given, Mapping):
            if self._model is not None:
                values = {**_pydantic.missing(self._model, self._users, values), **values}
        elif self._contract.returns_given_user:
            created = await _Given(self).create_whole(given, values)
            return created
        elif self._contract.returns_read_user:
            created = await _Read(self).create(values)
            return created
        created = await self._backend.create(values)
        return created

    async def update(self, user: Any, update_dict: Any = None) -> UP:
        """Change a user by a dict; or, without one, write all of the user that is given.

        The user as a whole includes its OAuth accounts: those that are new are added, changed ones
        updated, missing ones removed, in one transaction.
        """
        if update_dict is None:
            return await self._write_whole(user)
        if not isinstance(update_dict, Mapping):
            raise TypeError(f"Expected a dict, not {kind_of(update_dict)}. Call {UPDATE}.")
        if update_dict.get(OAUTH_ACCOUNTS) is not None and self._users.knows(OAUTH_ACCOUNTS):
            self._check_oauth_account_table()
        updated: UP = await self._backend.update(user, dict(update_dict))
        return updated

    async def delete(self, user: Any) -> None:
        """Delete a user; see `fastapi_users_db.UserDatabase.delete`."""
        await self._backend.delete(user)

    async def add_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID], user: Any, create_dict: dict[str, Any]
    ) -> UOAP:
        """Link an external account; see `fastapi_users_db.UserDatabase.add_oauth_account`."""
        self._check_oauth_account_table()
        values = create_dict
        if self._model is not None:
            values = {**self._missing_of_account(create_dict), **create_dict}
        updated: UOAP = await self._backend.add_oauth_account(user, values)
        return updated

    async def update_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID],
        user: Any,
        oauth_account: Any,
        update_dict: dict[str, Any],
    ) -> UOAP:
        """Change a link; see `fastapi_users_db.UserDatabase.update_oauth_account`."""
        self._check_oauth_account_table()
        updated: UOAP = await self._backend.update_oauth_account(user, oauth_account, update_dict)
        return updated

    async def _get_user(self, statement: Any) -> UP | None:
        """Execute a statement that selects users: every look-up passes through here."""
        if self._is_databases:
            row = await Rows(self.database, self._users).fetch_one(statement)
            return None if row is None else await self._make_user(row)
        try:
            user: UP | None = await self._backend._get_user(statement)
        except MultipleResultsFound:
            if not self._contract.takes_first:
                raise
            user = await self._backend._get_user(statement.limit(1))
        return user

    async def _make_user(self, user: Any) -> UP:
        """Turn a row into a user: every row of the `databases` form passes through here.

        Parameters:
            user: a record, of a join or of a few columns too: the model gets what it has.
        """
        users, rows = self._users, Rows(self.database, self._users)
        values = rows.named(user)
        if users.oauth is not None:
            accounts = getattr(user, "accounts", None)
            if accounts is None:
                owned = [a == values[u.name] for a, u in users.references]
                of_user = users.oauth.target.select().where(is_owned(owned))
                read = Rows(self.database, users.oauth)
                accounts = [read.named(a) for a in await read.fetch_all(of_user)]
            values[OAUTH_ACCOUNTS] = accounts
        built: UP = self.user_db_model(**values)
        return built

    def _select_user(self) -> Any:
        statement = self._backend._select_user()
        # Which one is the first is not left to chance.
        takes_first = self._contract.takes_first
        return statement.order_by(self._users.id_expression) if takes_first else statement

    async def _find_by_email(self, statement: Any, email: str) -> UP | None:
        if not self._contract.takes_first:
            return await super()._find_by_email(statement, email)
        users = self._users
        by_address = statement.order_by(None).order_by(users.email_expression, users.id_expression)
        user = await self._get_user(by_address)
        if user is None or has_address(user, email):
            return user
        return await self._choose_by_email(by_address, email, MultipleResultsFound())

    def _may_have_lower_index(self) -> bool:
        return bool(self._backend._may_have_lower_index())

    @property
    def _users(self) -> UserEntity:
        users: UserEntity = self._backend._users
        return users

    async def _write_whole(self, user: Any) -> UP:
        is_mapped = not self._is_databases and isinstance(user, self.user_table)
        values = {} if is_mapped else self._values(user, UPDATE)
        accounts = values.get(OAUTH_ACCOUNTS)
        if self._contract.takes_accounts_by_id and accounts is not None:
            by_id = {account.get("id", id(account)): account for account in accounts}
            values[OAUTH_ACCOUNTS] = [*by_id.values()]
            if not by_id and not _pydantic.is_set(user, OAUTH_ACCOUNTS):
                del values[OAUTH_ACCOUNTS]
        written: UP
        if self._contract.returns_given_user:
            written = await _Given(self).update_whole(user, values)
        elif self._contract.returns_read_user:
            written = await _Read(self).update(user, values)
        else:
            written = await self._backend.update(user, values)
        return written

    def _values(self, given: Any, usage: str) -> dict[str, Any]:
        values = self._dumped(given, usage)
        if values.get("id", self) is None:
            del values["id"]
        given = values.get(OAUTH_ACCOUNTS)
        if given == [] and self._users.oauth is None and not self._is_databases:
            # Models carry an empty list even where nobody uses OAuth.
            del values[OAUTH_ACCOUNTS]
        elif given is not None:
            self._check_oauth_account_table()
        return values

    def _dumped(self, given: Any, usage: str) -> dict[str, Any]:
        if isinstance(given, Mapping):
            return _pydantic.dump(given, usage)
        is_apart = self._contract.dumps_accounts_apart
        values = _pydantic.dump(given, usage, **({"exclude": {OAUTH_ACCOUNTS}} if is_apart else {}))
        accounts = getattr(given, OAUTH_ACCOUNTS, None)
        if not is_apart and OAUTH_ACCOUNTS in values and not _pydantic.own(given, "dict"):
            # Pydantic 1 called the `dict` of each, which pydantic 2 does not.
            is_apart = any(_pydantic.own(account, "dict") for account in accounts or ())
        if is_apart and accounts is not None:
            values[OAUTH_ACCOUNTS] = [_pydantic.dump(account, usage) for account in accounts]
        return values

    def _check_oauth_account_table(self) -> None:
        """Refuse OAuth accounts where there is no table, before anything is looked up."""
        if self._users.oauth is None:
            raise NotSetOAuthAccountTableError(self)

    def _missing_of_account(self, values: Mapping[str, Any]) -> dict[str, Any]:
        column = self._oauth_accounts.column("id")
        if "id" in values or column.default is not None or python_type(column) is not uuid.UUID:
            return {}
        return {"id": uuid.uuid4()}
