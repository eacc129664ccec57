"""The adapters over `databases` (deprecated): a `databases.Database`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

from sqlalchemy import Table
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm.attributes import set_committed_value

from fastapi_users_db.accounts import ExternalAccount
from fastapi_users_db.adapters.base import (
    NOTHING,
    AccessTokenDatabase,
    Adapter,
    UserDatabase,
    has_methods_of,
)
from fastapi_users_db.adapters.retries import checked_retries, is_changed, repeated
from fastapi_users_db.adapters.rows import (
    Rows,
    UserRow,
    check_database,
    check_installed,
    check_table,
    give,
    give_model,
    is_in_transaction,
    joined_accounts,
    live_tables,
    load,
    loaded_values,
    refuse_relationships,
    select_columns,
    table_of,
    transaction,
    values_after,
    values_of_new,
    with_accounts,
)
from fastapi_users_db.adapters.unit import NEW, Given, Unit
from fastapi_users_db.catalogue import KNOWN, LiveTables
from fastapi_users_db.comparison import is_same_text
from fastapi_users_db.deprecation import (
    DATABASES_ACCESS_TOKEN_ADAPTER,
    DATABASES_ADAPTER,
    warn,
)
from fastapi_users_db.drivers import violation
from fastapi_users_db.exceptions import (
    OAuthAccountNotFoundError,
    UserNotFoundError,
    hide_values,
)
from fastapi_users_db.mapping import (
    ALWAYS_WRITTEN,
    OAUTH_ACCOUNTS,
    Entity,
    Owner,
    UserEntity,
    check_oauth_account_class,
    entity,
    is_verbatim,
    read,
    user_entity,
    wrong_instance,
)
from fastapi_users_db.statements import (
    delete_accounts,
    is_owner_of_token,
    select_accounts,
    select_owner,
)
from fastapi_users_db.versions.fastapi_users import AP, ID, UP

if TYPE_CHECKING:
    from databases import Database

__all__ = ["DatabasesAccessTokenDatabase", "DatabasesUserDatabase"]


class _OverDatabase(Adapter):
    """What the adapters of users and of access tokens have of their database."""

    database: Database

    def _may_begin_anew(self, *given: Any) -> bool:
        return not (is_in_transaction(self.database) or any(map(is_changed, given)))

    async def _roll_back(self) -> None:
        """Nothing: each call has ended its own transaction."""

    def _live_tables(self, mapper: Any = None) -> LiveTables:
        return live_tables(self.database)


class DatabasesUserDatabase(_OverDatabase, UserDatabase[UP, ID], Generic[UP, ID]):
    """Users through a `databases.Database`. Deprecated: use `SQLAlchemyUserDatabase`.

    Each write is a transaction, or a savepoint inside a transaction of the app's own. Of a mapped
    class the columns and `oauth_accounts` are loaded, but no other relationship and no expression.

    Parameters:
        database: the database.
        user_table: the user's mapped class, of which instances are returned. With `user_model`
            a bare `Table` will do.
        oauth_account_table: the OAuth account's mapped class; the user's class then has a
            relationship `oauth_accounts` to it. With `user_model` a bare `Table` will do.
        user_model: a class to build users from instead. It is called with a row's columns as
            keyword arguments, and with `oauth_accounts` as a list of dicts. Such a user has no
            history: `update` writes all that it is given.
        retries: how many times a call is repeated at most, after a pause, if the database has
            undone it and asks for that (`is_retryable`). A call is not repeated in a transaction
            of the app's own.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        ValueError: `retries` is negative.
        MissingDependencyError: `databases` is not installed.
    """

    user_model: type[UP] | None = None

    def __init__(
        self,
        database: Database,
        user_table: type[UP] | Table,
        oauth_account_table: type[Any] | Table | None = None,
        *,
        user_model: type[UP] | None = None,
        retries: int = 0,
    ) -> None:
        usage = f"{type(self).__name__}(database, User) or (database, User, OAuthAccount)"
        check_database(database, usage)
        check_table("user_table", user_table, user_model, usage)
        if oauth_account_table is not None:
            check_table("oauth_account_table", oauth_account_table, user_model, usage)
            if user_model is None:
                check_oauth_account_class(user_table, oauth_account_table, usage)
        self.database = database
        self.user_table = user_table
        self.oauth_account_table = oauth_account_table
        self.user_model = user_model
        self._retries = checked_retries(retries)
        check_installed()
        warn(DATABASES_ADAPTER, self, user_table, oauth_account_table)

    @repeated
    async def _get_user(self, statement: Any) -> UP | None:
        users = self._users
        build = None if users.oauth is None else with_accounts(users)
        rows = Rows(self.database, users)
        records = await rows.fetch_all(statement, build=build)
        if not records:
            return None
        row = rows.read(records[0])
        key = [row[attribute] for attribute in users.primary_key]
        others = map(rows.read, records[1:])
        if any([other[attribute] for attribute in users.primary_key] != key for other in others):
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return await self._make_user(
            UserRow(users, row, joined_accounts(self.database, users, records))
        )

    async def _make_user(self, row: Mapping[str, Any]) -> UP:
        """Turn a row of the user table into a user. Every row passes through here.

        Parameters:
            row: the row, by column name.
        """
        users, rows = self._users, Rows(self.database, self._users)
        values = row.attributes if isinstance(row, UserRow) else rows.read(row)
        accounts = row.accounts if isinstance(row, UserRow) else None
        if users.oauth is not None and accounts is None:
            unit = self._unit(NEW)
            accounts = [account for _, account in await unit.accounts(values, ())]
        if self.user_model is not None:
            extra = {} if accounts is None else {OAUTH_ACCOUNTS: accounts}
            return self.user_model(**values, **extra)
        user = load(users, values)
        if users.oauth is not None and users.has_collection:
            loaded = [load(users.oauth, account) for account in accounts or ()]
            set_committed_value(user, users.collection, loaded)
        return user  # type: ignore[no-any-return]

    def _select_user(self) -> Any:
        return select_columns(self._users)

    def _unit(self, user: Any, given: Given = NOTHING) -> Unit:
        return RowsUnit(self, self._users, self.user_model, user, given)

    async def _made(self, row: Mapping[str, Any], accounts: list[dict[str, Any]] | None) -> UP:
        """Return what the app is to see of a row that was written, before it is committed."""
        return await self._make_user(UserRow(self._users, row, accounts))

    def _give(self, user: Any, row: Mapping[str, Any], accounts: Any, made: Any = None) -> None:
        """Give `user` the values that were written: whoever holds it sees them."""
        users, oauth = self._users, self._users.oauth
        if self.user_model is not None:
            own = {} if accounts is None else {OAUTH_ACCOUNTS: read(made, OAUTH_ACCOUNTS)}
            give_model(user, {**own, **row})
            return
        give(user, row)
        if oauth is not None and accounts is not None and users.has_collection:
            set_committed_value(user, users.collection, [load(oauth, a) for a in accounts])

    def _may_have_lower_index(self) -> bool:
        return bool(Rows(self.database, self._users).dialect != "mysql")

    @property
    def _users(self) -> UserEntity:
        tables = (self.user_table, self.oauth_account_table)
        if self.user_model is not None:
            # The class to build is not the mapped one: only the tables count.
            tables = (table_of(self.user_table), table_of(self.oauth_account_table))
        return user_entity(*tables)


class DatabasesAccessTokenDatabase(_OverDatabase, AccessTokenDatabase[AP], Generic[AP]):
    """Access tokens through a `databases.Database`. Deprecated: use
    `SQLAlchemyAccessTokenDatabase`.

    Parameters:
        database: the database.
        access_token_table: the access token's mapped class, of which instances are returned.
            With `access_token_model` a bare `Table` will do.
        access_token_model: a class to build access tokens from instead. It is called with a
            row's columns as keyword arguments.
        retries: how many times a call is repeated at most, after a pause, if the database has
            undone it and asks for that (`is_retryable`). A call is not repeated in a transaction
            of the app's own.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        ValueError: `retries` is negative.
        MissingDependencyError: `databases` is not installed.
    """

    access_token_model: type[AP] | None = None

    def __init__(
        self,
        database: Database,
        access_token_table: type[AP] | Table,
        *,
        access_token_model: type[AP] | None = None,
        retries: int = 0,
    ) -> None:
        usage = f"{type(self).__name__}(database, AccessToken)"
        check_database(database, usage)
        check_table("access_token_table", access_token_table, access_token_model, usage)
        self.database = database
        self.access_token_table = access_token_table
        self.access_token_model = access_token_model
        self._retries = checked_retries(retries)
        check_installed()
        warn(DATABASES_ACCESS_TOKEN_ADAPTER, self, access_token_table)

    @repeated
    async def _get_token(self, statement: Any) -> AP | None:
        rows = Rows(self.database, self._tokens)
        records = await rows.fetch_all(statement)
        return self._make_token(rows.read(records[0])) if records else None

    def _make_token(self, row: Mapping[str, Any]) -> AP:
        if self.access_token_model is not None:
            return self.access_token_model(**row)
        return load(self._tokens, row)  # type: ignore[no-any-return]

    def _select_token(self) -> Any:
        return select_columns(self._tokens)

    def _unit(self, access_token: Any, given: Given = NOTHING) -> RowsUnit:
        return RowsUnit(self, self._tokens, self.access_token_model, access_token, given)

    async def _made(self, row: Mapping[str, Any], accounts: None) -> AP:
        """Return what the app is to see of a row that was written, before it is committed."""
        return self._make_token(row)

    def _give(self, access_token: Any, row: Mapping[str, Any], accounts: None, made: Any) -> None:
        """Give the access token the values that were written: whoever holds it sees them."""
        if self.access_token_model is None:
            give(access_token, row)
        else:
            give_model(access_token, row)

    async def _read_column(self, statement: Any) -> Sequence[Any]:
        return await self._unit(NEW).column(statement)

    async def _read_sessions(self, statement: Any) -> Sequence[tuple[str, datetime]]:
        of, rows = self._tokens, Rows(self.database, self._tokens)
        names = [of.synonyms.get(name, name) for name in ("token", "created_at")]
        found = [rows.read(r, attributes=names) for r in await rows.fetch_all(statement)]
        return [(row[names[0]], row[names[1]]) for row in found]

    def is_beside(self, users: Any) -> bool:
        kind = DatabasesAccessTokenDatabase
        own = has_methods_of(kind, self, "get_by_token", "_get_token", "_make_token")
        return (
            own
            and has_methods_of(DatabasesUserDatabase, users, "get", "_select_user")
            and self.database is users.database
            and is_owner_of_token(users._users, self._tokens) is not None
        )

    async def _delete_tokens(self, tokens: Sequence[str]) -> int:
        async with self._unit(NEW) as unit:
            return await unit.delete_where(self._tokens.column("token").in_(tokens))

    async def _unchecked_owner(self) -> Owner | None:
        # A wrapper of the app's own, or a mock, may have no address.
        is_known = Rows(self.database, self._tokens).dialect in KNOWN
        return await super()._unchecked_owner() if is_known else None

    @property
    def _tokens(self) -> Entity:
        if self.access_token_model is None:
            return super()._tokens
        return entity(table_of(self.access_token_table))


class RowsUnit(Unit):
    """One write of rows. What it is told it keeps until the end: then it knows how many statements
    there are, and whether they take a transaction.

    Parameters:
        adapter: the adapter, which has the database.
        of: what the adapter is for.
        model: the app's own class of objects, or `None` for instances of the mapped class.
        subject: what is written, or `NEW`.
        given: what the write was given.
    """

    def __init__(self, adapter: Any, of: Entity, model: Any, subject: Any, given: Given) -> None:
        self._is_new = subject is NEW
        if not self._is_new and not isinstance(subject, model or of.target):
            raise wrong_instance(subject, model or of.target)
        self._adapter, self._of, self._given, self._model = adapter, of, given, model
        self._subject = None if self._is_new else subject
        self._rows = Rows(adapter.database, of)
        self._oauth: Any = of.oauth
        self._before: dict[str, Any] | None = None
        self._row: dict[str, Any] = {}
        self._accounts: list[dict[str, Any]] | None = None
        self._writes: list[tuple[int, Callable[[], Awaitable[None]]]] = []
        self._is_linking = False
        self._may_refuse = False

    async def __aenter__(self) -> RowsUnit:
        return self

    async def set_apart(self) -> None:
        """Nothing: it is a transaction, or a savepoint in the app's own, anyway."""

    async def give_up(self, error: BaseException) -> None:
        """Nothing: what is the app's own stays."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raised = error
        if error is None:
            try:
                await self._flush()
                return
            except BaseException as failure:
                error = raised = failure
        if self._before is not None:
            self._adapter._give(self._subject, self._before, None, None)
        if isinstance(error, Exception):
            raised = await self._meaning(error)
        assert raised is not None
        if raised is not error:
            raise raised from error
        if kind is None:
            raise raised

    def add(self, values: Mapping[str, Any]) -> Any:
        rows, of = self._rows, self._of
        if not values.keys() <= of.columns.keys():
            refuse_relationships(of, values)
        self._row = row = rows.filled(values_of_new(of, values))
        unknown = rows.unknown(row, new=True)
        if of.oauth is not None:
            self._accounts = []
        self._may_refuse = self._model is not None and rows.may_be_refused(
            self._model, row, unknown
        )

        async def write() -> None:
            self._row = await rows.insert(row, unknown)

        self._writes.append((rows.statements[bool(unknown)], write))
        return row

    def set(self, instance: Any, values: Mapping[str, Any]) -> None:
        if instance is not self._subject:
            self._set_account(instance, values)
            return
        rows, of = self._rows, self._of
        before = loaded_values(of, instance)
        if not before:
            raise self._adapter._not_found()
        self._before = self._row = before
        if not values.keys() <= of.columns.keys():
            refuse_relationships(of, values)
        for attribute, value in values.items():
            setattr(instance, attribute, value)
        after = of.values(instance)
        # What a model holds says nothing of the row: it has no history.
        given = values if self._model is not None else values.keys() & {*ALWAYS_WRITTEN}
        always = {of.synonyms.get(name, name) for name in given}
        changes = rows.changes(before, after, always)
        unknown = rows.unknown(changes)
        self._may_refuse = self._model is not None and rows.may_be_refused(
            self._model, after, unknown
        )

        async def write() -> None:
            row = await rows.update(before, changes, unknown)
            if row is None:
                raise self._adapter._not_found()
            self._row = row

        if changes:
            self._writes.append((rows.statements[bool(unknown)], write))

    def _set_account(self, account: dict[str, Any], values: Mapping[str, Any]) -> None:
        oauth, rows = self._oauth, Rows(self._adapter.database, self._oauth)
        changes = rows.changes(account, values_after(oauth, account, values))
        unknown = rows.unknown(changes)

        async def write() -> None:
            updated = await rows.update(account, changes, unknown)
            if updated is None:
                raise OAuthAccountNotFoundError()
            account.update(updated)

        self._may_refuse = True
        if changes:
            self._writes.append((rows.statements[bool(unknown)], write))

    def link(self, user: Any, values: Mapping[str, Any]) -> None:
        users, rows = self._of, Rows(self._adapter.database, self._oauth)
        assert isinstance(users, UserEntity)
        if not self._is_new and not loaded_values(users, user):
            raise self._adapter._not_found()
        new = {**values_of_new(self._oauth, values), **users.owner_values(user)}
        account = rows.filled(new)
        unknown = rows.unknown(account, new=True)

        async def write() -> None:
            # The database may have given the user its id just now.
            account.update(users.owner_values(self._row or user))
            assert self._accounts is not None
            self._accounts.append(await rows.insert(account, unknown))

        self._may_refuse = self._is_linking = True
        self._writes.append((rows.statements[bool(unknown)], write))

    def unlink(self, user: Any, account: dict[str, Any]) -> None:
        assert self._accounts is not None
        self._accounts = [other for other in self._accounts if other is not account]
        rows = Rows(self._adapter.database, self._oauth)
        self._may_refuse = True
        self._writes.append((1, partial(rows.delete, account)))

    async def remove(self, instance: Any) -> None:
        self._subject = None
        users, rows = self._of, self._rows
        loaded = loaded_values(users, instance)
        row = {**users.values(instance), **loaded}
        if any(row.get(attribute) is None for attribute in users.primary_key):
            return
        if (users.mapper is None or not loaded) and not await self._is_named_exactly(row):
            return
        if isinstance(users, UserEntity) and users.oauth is not None:
            owner = users.owner_attributes.items()
            parameters = {f"owner_{account}": row[user] for account, user in owner}
            self._writes.append((1, partial(rows.execute, delete_accounts(users), parameters)))
        self._writes.append((1, partial(rows.delete, row)))

    async def accounts(
        self, user: Any, external: Iterable[ExternalAccount], *, newest: bool = False
    ) -> list[tuple[bool, Any]]:
        users = self._of
        assert isinstance(users, UserEntity)
        owner = {} if user is None else users.owner_values(user)
        statement, parameters = select_accounts(users, owner, external, instances=False)
        rows = Rows(self._adapter.database, self._oauth)
        if newest:
            statement = statement.with_for_update(read=True)
        records = await rows.fetch_all(statement, parameters)
        marked = [
            (bool(owner) and all(account[key] == owner[key] for key in owner), account)
            for account in map(rows.read, records)
        ]
        if user is not None:
            self._accounts = [account for is_own, account in marked if is_own]
        return marked

    async def exists(self, instance: Any) -> bool:
        row = {**self._of.values(instance), **loaded_values(self._of, instance)}
        return bool(await self._rows.again(row, self._of.primary_key))

    async def _is_named_exactly(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row that was not read has its key in exactly the given letters."""
        of = self._of
        texts = [
            k for k in of.primary_key if isinstance(row[k], str) and is_verbatim(of.columns[k])
        ]
        found = await self._rows.again(row, texts) if texts else {}
        return all(key in found and is_same_text(found[key], row[key]) for key in texts)

    async def column(self, statement: Any, *, newest: bool = False) -> Sequence[Any]:
        if newest:
            statement = statement.with_for_update(read=True)
        return [record[0] for record in await self._rows.fetch_all(statement)]

    async def delete_where(self, criterion: Any) -> int:
        """Delete rows at once, and return how many."""
        async with transaction(self._adapter.database, atomic=False):
            return await self._rows.delete_where(criterion)

    async def _flush(self) -> None:
        database = self._adapter.database
        # No foreign key may refuse accounts of a user whom another has deleted.
        may_orphan = self._is_linking and self._rows.dialect == "sqlite"
        may_refuse = self._may_refuse and self._model is not None
        statements = sum(number for number, _ in self._writes)
        is_atomic = statements > 1 or may_refuse or may_orphan or self.owner is not None
        async with transaction(database, is_atomic):
            for _, write in self._writes:
                await write()
            if self.owner is not None:
                await self._check_owner(self.owner)
            if self._subject is not None and self._given.accounts is not None:
                is_unsure = may_orphan or not self._writes
                if is_unsure and not await self.exists(self._subject):
                    raise self._adapter._not_found()
            if self._is_new and self._row:
                self.result = await self._adapter._made(self._row, self._accounts)
            made = await self._refused_or_made() if may_refuse and not self._is_new else None
        if self._subject is not None:
            self._adapter._give(self._subject, self._row, self._accounts, made)
            self.result = self._subject

    async def _check_owner(self, owner: Owner) -> None:
        """Refuse a token of a user who is gone, once it is written and none can go any more."""
        user_id = self._row.get(self._of.synonyms.get("user_id", "user_id"))
        found = await self._rows.fetch_all(select_owner(owner, user_id))
        if not found and user_id is not None:
            raise UserNotFoundError()

    async def _refused_or_made(self) -> Any:
        """Let the app's model have the say about what was written."""
        row = {**self._of.values(self._subject), **self._row}
        return await self._adapter._made(row, self._accounts)

    async def _meaning(self, error: Exception) -> Exception:
        """Return what to raise for an error, once all is undone."""
        meant = error
        tables = [self._of.table]
        if self._of.oauth is not None:
            tables.append(self._of.oauth.table)
        violated = violation(error, *tables)
        hide_values(error)
        # The connection may be what has failed: the first error is the one to raise.
        with suppress(Exception):
            subject, given = self._subject, self._given
            meant = await self._adapter._explain(error, violated, self, subject, given)
        return meant
