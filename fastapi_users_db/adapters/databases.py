"""The adapters over `databases` (deprecated): a `databases.Database`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Column, Table, inspect, or_, select
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql import ClauseElement

from fastapi_users_db.adapters.base import (
    NO_VALUES,
    AccessTokenDatabase,
    AccountKey,
    UserDatabase,
    account_key,
    changed_account,
    changed_key,
    checked_account,
    given_keys,
    newest,
    pair_accounts,
)
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.compiled import CompiledOnce
from fastapi_users_db.deprecation import (
    DATABASES_ACCESS_TOKEN_ADAPTER,
    DATABASES_ADAPTER,
    warn,
)
from fastapi_users_db.exceptions import (
    AccessTokenNotFoundError,
    DatabaseNotConnectedError,
    MissingDependencyError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UserAlreadyExistsError,
    UserNotFoundError,
    hide_values,
)
from fastapi_users_db.mapping import (
    OAUTH_ACCOUNTS,
    Entity,
    UserEntity,
    assign,
    checked_instance,
    checked_mapping,
    entity,
    has_attributes,
    is_mapped_class,
    read,
    user_entity,
)
from fastapi_users_db.prepared import (
    delete_accounts,
    delete_row,
    delete_rows,
    delete_user,
    insert_row,
    key_parameters,
    row_parameters,
    select_columns,
    select_holders,
    select_row,
    update_row,
)
from fastapi_users_db.versions.fastapi_users import AP, ID, OAP, UOAP, UP

if TYPE_CHECKING:
    from databases import Database

_T = TypeVar("_T")
_ACCOUNT = "oauth_account_of_user_"

__all__ = ["DatabasesAccessTokenDatabase", "DatabasesUserDatabase"]


class DatabasesUserDatabase(UserDatabase[UP, ID], Generic[UP, ID]):
    """Users through a `databases.Database`. Deprecated: use `SQLAlchemyUserDatabase`.

    Each write is a transaction, or a savepoint inside a transaction of the app's own.

    Parameters:
        database: the database.
        user_table: the user's mapped class, of which instances are returned. With `user_model`
            a bare `Table` will do.
        oauth_account_table: the OAuth account's mapped class; the user's class then has a
            relationship `oauth_accounts` to it. With `user_model` a bare `Table` will do.
        user_model: a class to build users from instead. It is called with a row's columns as
            keyword arguments, and with `oauth_accounts` as a list of dicts.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        MissingDependencyError: `databases` is not installed.
    """

    database: Database
    user_model: type[UP] | None = None

    def __init__(
        self,
        database: Database,
        user_table: type[UP] | Table,
        oauth_account_table: type[Any] | Table | None = None,
        *,
        user_model: type[UP] | None = None,
    ) -> None:
        usage = f"{type(self).__name__}(database, User) or (database, User, OAuthAccount)"
        _check_database(database, usage)
        _check_table("user_table", user_table, user_model, usage)
        if oauth_account_table is not None:
            _check_table("oauth_account_table", oauth_account_table, user_model, usage)
        self.database = database
        self.user_table = user_table
        self.oauth_account_table = oauth_account_table
        self.user_model = user_model
        check_installed()
        warn(DATABASES_ADAPTER, self, user_table, oauth_account_table)

    async def create(self, create_dict: dict[str, Any]) -> UP:
        accounts, values = self._split(create_dict)
        if accounts and await self._is_linked(map(account_key, accounts)):
            raise OAuthAccountAlreadyLinkedError()
        rows = _Rows(self.database, self._users)
        values = rows.with_defaults(self._users.values_of_new(values))
        atomic = (
            bool(accounts)
            or rows.takes_two_statements(values, new=True)
            or rows.may_be_refused(self.user_model, values, values, new=True)
        )
        async with self._writing(None, values, accounts, atomic=atomic):
            row = await rows.insert(values)
            stored = [await self._insert_account(row, account) for account in accounts or ()]
            return await self._make_user(_UserRow(self._users, row, stored))

    async def update(self, user: UP, update_dict: dict[str, Any]) -> UP:
        checked_instance(user, self.user_model or self.user_table)
        accounts, values = self._split(update_dict, user)
        own: list[dict[str, Any]] = []
        if accounts is not None:
            own = await self._read_accounts(user, map(account_key, accounts))
        users, rows = self._users, _Rows(self.database, self._users)
        before = users.loaded_values(user)
        if not before:
            raise UserNotFoundError()
        try:
            assign(user, values)
            changes = rows.changes(before, users.values(user))
            may_refuse = accounts is not None or rows.may_be_refused(
                self.user_model, users.values(user), changes
            )
            atomic = may_refuse or rows.takes_two_statements(changes)
            async with self._writing(user, values, accounts, atomic=atomic):
                row = await rows.update(before, changes)
                if row is None:
                    raise UserNotFoundError()
                stored = None
                if accounts is not None:
                    stored = await self._replace_accounts(row, accounts, own)
                    await self._refuse_orphans(user)
                made = await self._made(row, stored) if may_refuse else None
        except BaseException:
            self._give(user, before)
            raise
        return self._give(user, row, stored, made)

    async def delete(self, user: UP) -> None:
        users, user_id = self._users, self._identity(user)
        statements = [delete_user(users)]
        if users.oauth is not None:
            statements.insert(0, delete_accounts(users))
        async with self._writing(user, atomic=len(statements) > 1):
            for statement in statements:
                await _Rows(self.database, users).execute(statement, {"user_id": user_id})

    async def add_oauth_account(
        self: DatabasesUserDatabase[UOAP, ID], user: UOAP, create_dict: dict[str, Any]
    ) -> UOAP:
        values = self._account(create_dict, self._identity(user))
        try:
            return await self._link(user, values)
        except Exception as error:
            if not isinstance(error, OAuthAccountNotFoundError) and not _is_integrity_error(error):
                raise
        # It was linked to this user meanwhile, or unlinked.
        return await self._link(user, values, lock=True)

    async def update_oauth_account(
        self: DatabasesUserDatabase[UOAP, ID],
        user: UOAP,
        oauth_account: OAP,
        update_dict: dict[str, Any],
    ) -> UOAP:
        values = self._account(update_dict, self._identity(user))
        own = await self._read_accounts(user, changed_key(checked_account(oauth_account), values))
        account_id = read(oauth_account, self._oauth_accounts.id)
        existing = next((a for a in own if a[self._oauth_accounts.id] == account_id), None)
        if existing is None:
            raise OAuthAccountNotFoundError()
        changed = [changed_account(existing, values)]
        async with self._writing(user, accounts=changed, atomic=self.user_model is not None):
            own[own.index(existing)] = await self._update_account(existing, values)
            made = await self._made(self._users.values(user), own)
        return self._give(user, {}, own, made)

    def _may_have_lower_index(self) -> bool:
        return bool(self.database.url.dialect != "mysql")

    def _live_tables(self) -> LiveTables:
        return _live_tables(self.database)

    async def _get_user(self, statement: Any) -> UP | None:
        users = self._users
        rows = _Rows(self.database, users)
        build = None if users.oauth is None else _with_accounts(users)
        records = await rows.fetch_all(statement, build=build)
        if not records:
            return None
        row = rows.read(records[0])
        if any(rows.read(record)[users.id] != row[users.id] for record in records[1:]):
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return await self._make_user(_UserRow(users, row, self._read_joined(records)))

    async def _make_user(self, row: Mapping[str, Any]) -> UP:
        """Turn a row of the user table into a user. Every row passes through here.

        Parameters:
            row: the row, by column name.
        """
        users = self._users
        values = (
            row.attributes if isinstance(row, _UserRow) else _Rows(self.database, users).read(row)
        )
        accounts = row.accounts if isinstance(row, _UserRow) else None
        if users.oauth is not None and accounts is None:
            accounts = await self._fetch_accounts(users.oauth_user == values[users.id])
        if self.user_model is not None:
            extra = {} if accounts is None else {OAUTH_ACCOUNTS: accounts}
            return self.user_model(**values, **extra)
        user = users.load(values)
        if users.oauth is not None and accounts is not None:
            loaded = [users.oauth.load(account) for account in accounts]
            set_committed_value(user, OAUTH_ACCOUNTS, loaded)
        return user  # type: ignore[no-any-return]

    def _select_user(self) -> Any:
        return select_columns(self._users)

    def _identity(self, user: Any) -> Any:
        return self._users.identity(checked_instance(user, self.user_model or self.user_table))

    def _split(
        self, values: Mapping[str, Any], user: Any = None
    ) -> tuple[list[dict[str, Any]] | None, dict[str, Any]]:
        checked_mapping(values)
        for relationship in self._users.relationships:
            if relationship.key in values and relationship.key != OAUTH_ACCOUNTS:
                raise TypeError(
                    f"{self._users.name}.{relationship.key} is a relationship: with databases "
                    f"only columns are written."
                )
        return super()._split(values, user)

    @property
    def _users(self) -> UserEntity:
        if self.user_model is None:
            return super()._users
        # The class to build is not the mapped one: only the tables count.
        return user_entity(_table(self.user_table), _table(self.oauth_account_table))

    def _read_joined(self, records: Sequence[Any]) -> list[dict[str, Any]] | None:
        if self._users.oauth is None:
            return None
        oauth, accounts = self._users.oauth, _Rows(self.database, self._users.oauth)
        read = [accounts.read(record, _ACCOUNT) for record in records]
        # Once each, if the user was found through several.
        by_id = {account[oauth.id]: account for account in read}
        return [account for account in by_id.values() if account[oauth.id] is not None]

    async def _fetch_accounts(self, criterion: Any, *, lock: bool = False) -> list[dict[str, Any]]:
        rows = _Rows(self.database, self._oauth_accounts)
        statement = newest(select_columns(self._oauth_accounts).where(criterion), lock=lock)
        return [rows.read(record) for record in await rows.fetch_all(statement)]

    async def _is_linked(
        self, keys: Iterable[AccountKey], *, but: Any = None, lock: bool = False
    ) -> bool:
        """Tell whether one of `keys` is linked to a user, other than the one with the id `but`."""
        keys = list(keys)
        statement = newest(select_holders(self._users, len(keys)), lock=lock)
        rows = _Rows(self.database, self._users)
        records = await rows.fetch_all(statement, key_parameters(keys))
        return any(record[0] != but for record in records)

    async def _read_accounts(
        self, user: Any, keys: Iterable[AccountKey], *, lock: bool = False
    ) -> list[dict[str, Any]]:
        """Read the user's OAuth accounts again, and refuse `keys` that are another user's."""
        users, user_id = self._users, self._identity(user)
        if await self._is_gone(user_id, lock=lock):
            raise UserNotFoundError()
        accounts = await self._fetch_accounts(
            or_(users.oauth_user == user_id, *self._with_keys(keys)), lock=lock
        )
        if any(account[users.oauth_user_key] != user_id for account in accounts):
            raise OAuthAccountAlreadyLinkedError()
        return accounts

    async def _link(self, user: _T, values: Mapping[str, Any], *, lock: bool = False) -> _T:
        own = await self._read_accounts(user, [account_key(values)], lock=lock)
        [(_, existing)] = pair_accounts([values], own, self._oauth_accounts.id)
        atomic = self._may_orphan or self.user_model is not None
        async with self._writing(user, accounts=[values], atomic=atomic):
            if existing is None:
                own.append(await self._insert_account(self._users.values(user), values))
                await self._refuse_orphans(user)
            else:
                own[own.index(existing)] = await self._update_account(existing, values)
            made = await self._made(self._users.values(user), own)
        return self._give(user, {}, own, made)

    @property
    def _may_orphan(self) -> bool:
        """Whether no foreign key refuses accounts of a user whom another has deleted."""
        return bool(self.database.url.dialect == "sqlite")

    async def _refuse_orphans(self, user: Any) -> None:
        if self._may_orphan and await self._is_gone(self._users.identity(user)):
            raise UserNotFoundError()

    async def _replace_accounts(
        self, row: Mapping[str, Any], given: Sequence[Any], own: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        rows = _Rows(self.database, self._oauth_accounts)
        pairs = pair_accounts(given, own, self._oauth_accounts.id)
        kept = [existing for _, existing in pairs]
        for account in own:
            if account not in kept:
                await rows.delete(account)
        return [
            await self._insert_account(row, account)
            if existing is None
            else await self._update_account(existing, account)
            for account, existing in pairs
        ]

    async def _insert_account(
        self, user: Mapping[str, Any], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        users, rows = self._users, _Rows(self.database, self._oauth_accounts)
        values = self._oauth_accounts.values_of_new(given)
        values[users.oauth_user_key] = user[users.attribute(users.user_oauth)]
        return await rows.insert(rows.with_defaults(values))

    async def _update_account(
        self, account: dict[str, Any], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        rows = _Rows(self.database, self._oauth_accounts)
        changes = rows.changes(account, self._oauth_accounts.values_of_changed(account, values))
        updated = await rows.update(account, changes)
        if updated is None:
            raise OAuthAccountNotFoundError()
        return updated

    async def _made(self, row: Mapping[str, Any], accounts: Any) -> Any:
        """Return what the app's model makes of what was written: before COMMIT it may refuse."""
        if self.user_model is None:
            return None
        return await self._make_user(_UserRow(self._users, row, accounts))

    def _give(self, user: _T, row: Mapping[str, Any], accounts: Any = None, made: Any = None) -> _T:
        """Give `user` the values that were written: whoever holds it sees them."""
        users = self._users
        if self.user_model is not None:
            if accounts is not None:
                assign(user, {OAUTH_ACCOUNTS: read(made, OAUTH_ACCOUNTS)})
            assign(user, {key: value for key, value in row.items() if hasattr(user, key)})
            return user
        for attribute, value in row.items():
            set_committed_value(user, attribute, value)
        if users.oauth is not None and accounts is not None:
            loaded = [users.oauth.load(account) for account in accounts]
            set_committed_value(user, OAUTH_ACCOUNTS, loaded)
        return user

    @asynccontextmanager
    async def _writing(
        self,
        user: Any,
        values: Mapping[str, Any] = NO_VALUES,
        accounts: Sequence[Mapping[str, Any]] | None = None,
        *,
        atomic: bool = False,
    ) -> AsyncIterator[None]:
        """Write what the block executes, all of it or nothing, and say what went wrong."""
        try:
            async with _transaction(self.database, atomic):
                yield
        except Exception as error:
            if not _is_integrity_error(error):
                refused = await self._error_about_values(error, values, accounts)
                if refused is not None:
                    raise refused from None
                raise
            email = values.get("email")
            user_id = None if user is None else self._users.identity(user)
            if isinstance(email, str) and await self._is_taken(email, user_id):
                raise UserAlreadyExistsError.from_integrity_error(error) from None
            if user_id is not None and await self._is_gone(user_id, lock=True):
                raise UserNotFoundError() from None
            keys = given_keys(accounts)
            if keys and await self._is_linked(keys, but=user_id, lock=True):
                raise OAuthAccountAlreadyLinkedError() from None
            raise

    async def _is_taken(self, email: str, user_id: Any) -> bool:
        for statement in self._select_taken(email, lock=True):
            records = await _Rows(self.database, self._users).fetch_all(statement)
            if any(record[0] != user_id for record in records):
                return True
        return False

    async def _is_gone(self, user_id: Any, *, lock: bool = False) -> bool:
        statement = self._select_id(user_id, lock=lock)
        return await _Rows(self.database, self._users).fetch_one(statement) is None


class DatabasesAccessTokenDatabase(AccessTokenDatabase[AP], Generic[AP]):
    """Access tokens through a `databases.Database`. Deprecated: use
    `SQLAlchemyAccessTokenDatabase`.

    Parameters:
        database: the database.
        access_token_table: the access token's mapped class, of which instances are returned.
            With `access_token_model` a bare `Table` will do.
        access_token_model: a class to build access tokens from instead. It is called with a
            row's columns as keyword arguments.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        MissingDependencyError: `databases` is not installed.
    """

    database: Database
    access_token_model: type[AP] | None = None

    def __init__(
        self,
        database: Database,
        access_token_table: type[AP] | Table,
        *,
        access_token_model: type[AP] | None = None,
    ) -> None:
        usage = f"{type(self).__name__}(database, AccessToken)"
        _check_database(database, usage)
        _check_table("access_token_table", access_token_table, access_token_model, usage)
        self.database = database
        self.access_token_table = access_token_table
        self.access_token_model = access_token_model
        check_installed()
        warn(DATABASES_ACCESS_TOKEN_ADAPTER, self, access_token_table)

    async def create(self, create_dict: dict[str, Any]) -> AP:
        values = self._tokens.checked(create_dict)
        rows = _Rows(self.database, self._tokens)
        values = rows.with_defaults(self._tokens.values_of_new(values))
        atomic = rows.takes_two_statements(values, new=True) or rows.may_be_refused(
            self.access_token_model, values, values, new=True
        )
        async with self._writing(values, atomic):
            return self._make_token(await rows.insert(values))

    async def update(self, access_token: AP, update_dict: dict[str, Any]) -> AP:
        values = self._tokens.checked(update_dict)
        checked_instance(access_token, self.access_token_model or self.access_token_table)
        tokens, rows = self._tokens, _Rows(self.database, self._tokens)
        before = tokens.loaded_values(access_token)
        if not before:
            raise AccessTokenNotFoundError()
        try:
            assign(access_token, values)
            after = tokens.values(access_token)
            changes = rows.changes(before, after)
            may_refuse = rows.may_be_refused(self.access_token_model, after, changes)
            atomic = may_refuse or rows.takes_two_statements(changes)
            async with self._writing(values, atomic):
                row = await rows.update(before, changes)
                if row is None:
                    raise AccessTokenNotFoundError()
                if may_refuse:
                    self._make_token(row)
        except BaseException:
            self._give(access_token, before)
            raise
        return self._give(access_token, row)

    async def delete(self, access_token: AP) -> None:
        checked_instance(access_token, self.access_token_model or self.access_token_table)
        tokens, rows = self._tokens, _Rows(self.database, self._tokens)
        stored = {**tokens.values(access_token), **tokens.loaded_values(access_token)}
        if not all(key in stored for key in tokens.primary_key):
            return
        async with _transaction(self.database, atomic=False):
            await rows.delete(stored)

    async def delete_expired(self, max_age: datetime, *, batch_size: int = 1000) -> int:
        rows = _Rows(self.database, self._tokens)
        token = self._tokens.column("token")
        statement = self._select_expired(max_age, batch_size)
        deleted = 0
        while expired := await rows.fetch_all(statement):
            async with _transaction(self.database, atomic=False):
                number = await rows.delete_where(token.in_([record[0] for record in expired]))
            if not number:
                # Another has deleted them; the snapshot of the app's transaction still has them.
                break
            deleted += number
        return deleted

    def _live_tables(self) -> LiveTables:
        return _live_tables(self.database)

    async def _get_token(self, statement: Any) -> AP | None:
        rows = _Rows(self.database, self._tokens)
        record = await rows.fetch_one(statement)
        return None if record is None else self._make_token(rows.read(record))

    def _select_token(self) -> Any:
        return select_columns(self._tokens)

    @property
    def _tokens(self) -> Entity:
        if self.access_token_model is None:
            return super()._tokens
        return entity(_table(self.access_token_table))

    @asynccontextmanager
    async def _writing(self, values: Mapping[str, Any], atomic: bool) -> AsyncIterator[None]:
        try:
            async with _transaction(self.database, atomic):
                yield
        except Exception as error:
            refused = await self._error_about_values(error, values)
            if refused is not None:
                raise refused from None
            raise

    def _make_token(self, row: Mapping[str, Any]) -> AP:
        if self.access_token_model is not None:
            return self.access_token_model(**row)
        return self._tokens.load(row)  # type: ignore[no-any-return]

    def _give(self, access_token: _T, row: Mapping[str, Any]) -> _T:
        if self.access_token_model is not None:
            assign(access_token, {k: v for k, v in row.items() if hasattr(access_token, k)})
            return access_token
        for attribute, value in row.items():
            set_committed_value(access_token, attribute, value)
        return access_token


class _UserRow(dict[str, Any]):
    """A row of the user table by column name, with the user's accounts read along with it."""

    def __init__(
        self,
        users: UserEntity,
        attributes: Mapping[str, Any],
        accounts: list[dict[str, Any]] | None,
    ) -> None:
        super().__init__({users.columns[key].name: value for key, value in attributes.items()})
        self.attributes = attributes
        self.accounts = accounts


class _Rows:
    """The rows of one table, by attribute: what the ORM's unit of work does elsewhere.

    `databases` applies no defaults of Python's, returns no defaults of the server's, and does
    not tell how many rows a statement has found.
    """

    def __init__(self, database: Database, of: Entity) -> None:
        self._database = _connected(database)
        self._entity = of
        self._dialect = database.url.dialect

    def read(
        self, record: Any, prefix: str = "", attributes: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Return the values of a record whose columns are named with `prefix`."""
        columns = self._entity.columns
        names = {key: prefix + columns[key].name for key in attributes or columns}
        raw = getattr(record, "_mapping", None)
        if raw is None:
            # A mapping of the app's own, for `_make_user`: its values are what they should be.
            return {key: record[name] for key, name in names.items()}
        return {key: self._value(raw[name], columns[key]) for key, name in names.items()}

    def with_defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add the defaults of Python's, and NULL where nothing else gives a value."""
        filled = self._filled(values, "default")
        for attribute, column in self._entity.columns.items():
            if not (column.default or column.server_default or column.primary_key):
                filled.setdefault(attribute, None)
        return filled

    def changes(self, row: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of `values` that are not in `row` yet, with `onupdate` where there are."""
        changed = {
            key: value
            for key, value in values.items()
            if key in self._entity.columns and not _is_stored(row, key, value)
        }
        return self._filled(changed, "onupdate") if changed else {}

    def takes_two_statements(self, values: Mapping[str, Any], new: bool = False) -> bool:
        """Tell whether values have to be read again after these were written."""
        return bool(self._dialect != "postgresql" and self._unknown(values, new))

    def may_be_refused(
        self, model: Any, values: Mapping[str, Any], written: Mapping[str, Any], new: bool = False
    ) -> bool:
        """Tell whether the app's model may refuse a row with these values once some are written.

        Then the write takes a transaction, in which the model, or the app's hook, has the say.
        """
        if model is None:
            return False
        if self._unknown(written, new):
            return True
        try:
            model(**values)
        except Exception:  # whatever an app's model raises
            return True
        return False

    async def fetch_all(
        self,
        statement: Any,
        parameters: Mapping[str, Any] = NO_VALUES,
        build: Callable[[Any], Any] | None = None,
    ) -> Sequence[Any]:
        """Return the records that a statement finds."""
        return await self._database.fetch_all(self._once(statement, parameters, build))

    async def fetch_one(self, statement: Any, parameters: Mapping[str, Any] = NO_VALUES) -> Any:
        """Return the first record that a statement finds, or `None`."""
        return await self._database.fetch_one(self._once(statement, parameters))

    async def execute(self, statement: Any, parameters: Mapping[str, Any] = NO_VALUES) -> Any:
        """Execute a statement, and return what `databases` does: ids and numbers, for some."""
        return await self._database.execute(self._once(statement, parameters))

    async def insert(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Insert a row and return it, with the defaults of the server's."""
        if (missing := self._entity.error_about_key(values)) is not None:
            raise missing
        unknown = self._unknown(values, new=True)
        row = {key: values.get(key) for key in self._entity.columns}
        if self._dialect == "postgresql" and unknown:
            statement = insert_row(self._entity, tuple(sorted(unknown)))
            record = await self.fetch_one(*self._given(statement, values))
            return {**row, **self.read(record, attributes=unknown)}
        row_id = await self.execute(*self._given(insert_row(self._entity), values))
        for key in self._entity.primary_key:
            if row[key] is None:
                row[key] = row_id
                unknown.discard(key)
        if not unknown:
            return row
        record = await self._select(row, unknown)
        return {**row, **self.read(record, attributes=unknown)}

    async def update(
        self, row: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Change a row and return it, or `None` if it is gone."""
        updated = {**row, **changes}
        if not changes:
            return updated
        unknown = self._unknown(changes, new=False)
        # Something has to come back in any case: it shows that the row was there.
        wanted = unknown or {*self._entity.primary_key}
        if self._dialect == "postgresql":
            statement = update_row(self._entity, tuple(sorted(wanted)))
            record = await self.fetch_one(*self._given(statement, changes, row))
        elif (
            await self._affected(*self._given(update_row(self._entity), changes, row))
            and not unknown
        ):
            return updated
        else:
            # MySQL does not count a row that had these values already. With a lock: the snapshot
            # of the app's transaction may still have one that is gone.
            record = await self._select(updated, wanted, lock=True)
        return None if record is None else {**updated, **self.read(record, attributes=wanted)}

    async def delete(self, row: Mapping[str, Any]) -> None:
        """Delete a row."""
        await self.execute(delete_row(self._entity), row_parameters(self._entity, row))

    async def delete_where(self, criterion: Any) -> int:
        """Delete rows and return how many."""
        return await self._affected(delete_rows(self._entity, self._counted).where(criterion))

    @property
    def _counted(self) -> tuple[str, ...]:
        """What a statement is to return, so that the rows that it has found can be counted."""
        return tuple(self._entity.primary_key) if self._dialect == "postgresql" else ()

    async def _affected(self, statement: Any, parameters: Mapping[str, Any] = NO_VALUES) -> int:
        if self._dialect == "postgresql":
            return len(await self.fetch_all(statement, parameters))
        if self._dialect == "sqlite":
            async with self._database.connection() as connection:
                await connection.execute(self._once(statement, parameters))
                return int(await connection.fetch_val("SELECT changes()"))
        return int(await self.execute(statement, parameters))

    async def _select(
        self, row: Mapping[str, Any], attributes: Iterable[str], *, lock: bool = False
    ) -> Any:
        statement = newest(select_row(self._entity, tuple(sorted(attributes))), lock=lock)
        return await self.fetch_one(statement, row_parameters(self._entity, row))

    def _once(
        self,
        statement: Any,
        parameters: Mapping[str, Any],
        build: Callable[[Any], Any] | None = None,
    ) -> CompiledOnce:
        return CompiledOnce(statement, parameters, build, remember=self._entity.has_cache_key)

    def _given(
        self, statement: Any, values: Mapping[str, Any], row: Mapping[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return a statement that writes values, and its parameters."""
        columns = self._entity.columns
        parameters = {} if row is None else row_parameters(self._entity, row)
        expressions = {}
        for attribute, value in values.items():
            if isinstance(value, ClauseElement):
                expressions[columns[attribute]] = value
            else:
                parameters[columns[attribute].key] = value
        return (statement.values(expressions) if expressions else statement), parameters

    def _filled(self, values: Mapping[str, Any], which: str) -> dict[str, Any]:
        columns = self._entity.columns
        filled = {**values}
        context = _DefaultContext({columns[key].key: value for key, value in values.items()})
        for attribute, column in columns.items():
            default = getattr(column, which)
            if attribute not in values and default is not None:
                if default.is_callable:
                    filled[attribute] = default.arg(context)
                elif default.is_scalar:
                    filled[attribute] = default.arg
        return filled

    def _unknown(self, values: Mapping[str, Any], new: bool) -> set[str]:
        """Return the attributes whose value only the database knows once these were written."""
        unknown = self._entity.changed_by_storing(values, self._dialect)
        for attribute, column in self._entity.columns.items():
            by_server = (
                (column.server_default, column.default)
                if new
                else (column.server_onupdate, column.onupdate)
            )
            if isinstance(values.get(attribute), ClauseElement) or (
                attribute not in values
                and (by_server != (None, None) or (new and column.primary_key))
            ):
                unknown.add(attribute)
        return unknown

    def _value(self, raw: Any, column: Column[Any]) -> Any:
        # On PostgreSQL the values are asyncpg's: of its own, `databases` leaves out the type's
        # processing of all but str and numbers.
        if self._dialect != "postgresql":
            return raw
        process = _result_processor(column)
        return raw if process is None else process(raw)


class _DefaultContext:
    """What SQLAlchemy gives to a default that is a function of the other values."""

    def __init__(self, current_parameters: dict[str, Any]) -> None:
        self.current_parameters = current_parameters

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> dict[str, Any]:
        return self.current_parameters


# Not a driver's dialect: asyncpg's values are to be processed as `databases` would.
_POSTGRESQL: Any = PGDialect()  # type: ignore[no-untyped-call]
_POSTGRESQL.supports_native_decimal = True


@lru_cache(maxsize=1024)
def _result_processor(column: Column[Any]) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(_POSTGRESQL).result_processor(_POSTGRESQL, None)


@asynccontextmanager
async def _transaction(database: Database, atomic: bool) -> AsyncIterator[None]:
    # A single statement needs no transaction, unless the app has one: on PostgreSQL an error
    # would end it, so that statement gets a savepoint.
    try:
        if atomic or getattr(_connected(database).connection(), "_transaction_stack", True):
            async with _begun(database):
                yield
        else:
            yield
    except Exception as error:
        hide_values(error)
        raise


@asynccontextmanager
async def _begun(database: Database) -> AsyncIterator[None]:
    """Open a transaction, and give its connection back to the pool whatever happens.

    `databases` keeps the connection for good when BEGIN, COMMIT or ROLLBACK fails, as it does
    when the server is gone; and the error of the ROLLBACK hides that of the statement.
    """
    connection = database.connection()
    held = getattr(connection, "_connection_counter", None)
    transaction = database.transaction()
    try:
        await transaction.start()
        try:
            yield
        except BaseException:
            with suppress(Exception):
                await transaction.rollback()
            raise
        await transaction.commit()
    except BaseException:
        while held is not None and connection._connection_counter > held:
            with suppress(Exception):
                await connection.__aexit__()
        raise


def _live_tables(database: Database) -> LiveTables:
    async def fetch(statement: Any) -> Sequence[Mapping[str, Any]]:
        records = await _connected(database).fetch_all(statement)
        return [dict(record._mapping) for record in records]

    name = database.url.dialect
    dialect = _POSTGRESQL if name == "postgresql" else make_url(f"{name}://").get_dialect()()
    return LiveTables(dialect, fetch)


@lru_cache(maxsize=256)
def _with_accounts(users: UserEntity) -> Callable[[Any], Any]:
    """Return what makes one statement, and one round trip, for users beside their accounts."""
    accounts, owner = users.oauth, users.oauth_user
    assert accounts is not None

    def join(statement: Any) -> Any:
        found = statement.subquery()
        labels = (column.label(_ACCOUNT + column.name) for column in accounts.columns.values())
        return select(*found.columns, *labels).select_from(
            found.outerjoin(accounts.table, owner == found.columns[users.user_oauth.key])
        )

    return join


def _connected(database: Database) -> Database:
    if not getattr(database, "is_connected", True):
        raise DatabaseNotConnectedError()
    return database


def _is_integrity_error(error: Exception) -> bool:
    # By name: the errors are the driver's, and only the app knows which driver it is.
    names = {cls.__name__ for cls in type(error).__mro__}
    return not names.isdisjoint({"IntegrityError", "IntegrityConstraintViolationError"})


def _is_stored(row: Mapping[str, Any], key: str, value: Any) -> bool:
    return key in row and not isinstance(value, ClauseElement) and _is_same(row[key], value)


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same to a database. In JSON, 1 and True are not."""
    if type(one) is not type(other) or not bool(one == other):
        return False
    if isinstance(one, dict):
        return all(_is_same(value, other[key]) for key, value in one.items())
    return not isinstance(one, list) or all(map(_is_same, one, other))


def _table(table: Any) -> Table | None:
    return table if table is None or isinstance(table, Table) else entity(table).table


def check_installed() -> None:
    """Raise `MissingDependencyError` if `databases` is not installed."""
    if find_spec("databases") is None:
        raise MissingDependencyError(
            'The databases adapter needs the package databases: pip install "fastapi-users-db'
            '[databases]"'
        )


def _check_database(database: Any, usage: str) -> None:
    if not has_attributes(database, "fetch_one"):
        kind = database.__name__ if isinstance(database, type) else type(database).__name__
        raise TypeError(f"database must be a databases.Database, not {kind}. Call {usage}.")


def _check_table(name: str, table: Any, model: Any, usage: str) -> None:
    of = "access_token" if name == "access_token_table" else "user"
    if isinstance(table, Table) and model is None:
        raise TypeError(
            f"{name} is a bare Table: pass the mapped class, or say what to build from a row, "
            f"as {usage.partition(')')[0]}, {of}_model=...)."
        )
    if not isinstance(table, Table) and not is_mapped_class(table):
        raise TypeError(f"{name} must be a mapped class, not {table!r}. Call {usage}.")
    if not isinstance(table, Table) and inspect(table).inherits is not None:
        # Its rows are spread over tables, or shared with other classes: one of another user's
        # would be read.
        raise TypeError(
            f"{name}: {table.__name__} inherits from another mapped class, which the databases "
            f"adapter cannot read. Use the ORM adapter."
        )
