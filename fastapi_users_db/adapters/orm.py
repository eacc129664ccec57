"""The adapters over SQLAlchemy's ORM: an `AsyncSession`."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from types import TracebackType
from typing import Any, Generic, TypeVar
from weakref import ReferenceType, ref

from sqlalchemy import delete, inspect
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction
from sqlalchemy.orm import Session, make_transient_to_detached, scoped_session
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.exc import StaleDataError

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
from fastapi_users_db.exceptions import (
    AccessTokenNotFoundError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UserAlreadyExistsError,
    UserNotFoundError,
    hide_values,
)
from fastapi_users_db.mapping import (
    OAUTH_ACCOUNTS,
    Entity,
    Snapshot,
    assign,
    checked_instance,
    has_attributes,
    is_mapped_class,
    members,
)
from fastapi_users_db.prepared import (
    delete_accounts,
    key_parameters,
    select_accounts,
    select_holders,
    select_instances,
)
from fastapi_users_db.tables import is_mysql
from fastapi_users_db.versions.fastapi_users import AP, ID, OAP, UOAP, UP
from fastapi_users_db.versions.sqlalchemy import written_states

_T = TypeVar("_T")

__all__ = ["SQLAlchemyAccessTokenDatabase", "SQLAlchemyUserDatabase"]

# SQLAlchemy leaves the second to Python: a number that is too large for SQLite's driver.
_OF_THE_ENGINE = (StatementError, OverflowError)


class SQLAlchemyUserDatabase(UserDatabase[UP, ID], Generic[UP, ID]):
    """Users through an `AsyncSession`.

    Parameters:
        session: the session.
        user_table: the user's mapped class.
        oauth_account_table: the OAuth account's mapped class; the user's class then has a
            relationship `oauth_accounts` to it.
        commit: whether each write commits the session's transaction before it returns. With
            `False` it flushes inside a savepoint and the transaction stays the app's.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
    """

    session: AsyncSession
    commit: bool = True
    _last_read: tuple[Any, ReferenceType[Any] | None] = (None, None)
    """The user whom this adapter has read last, and the transaction that it was read in: weakly,
    since a cancelled statement's holds its locks until it is let go of."""

    def __init__(
        self,
        session: AsyncSession,
        user_table: type[UP],
        oauth_account_table: type[Any] | None = None,
        *,
        commit: bool = True,
    ) -> None:
        usage = f"{type(self).__name__}(session, User) or (session, User, OAuthAccount)"
        check_session(session, usage)
        _check_mapped_class("user_table", user_table, usage)
        if oauth_account_table is not None:
            _check_mapped_class("oauth_account_table", oauth_account_table, usage)
        self.session = session
        self.user_table = user_table
        self.oauth_account_table = oauth_account_table
        self.commit = commit

    async def create(self, create_dict: dict[str, Any]) -> UP:
        accounts, values = self._split(create_dict)
        user = self._users.build(values)
        if OAUTH_ACCOUNTS in self._users.complete:
            set_committed_value(user, OAUTH_ACCOUNTS, [])
        if accounts:
            reading = self._is_linked(map(account_key, accounts))
            if await self._first(user, reading):
                raise OAuthAccountAlreadyLinkedError()
        async with self._writing(user, values, accounts):
            if accounts:
                user.oauth_accounts = [self._new_account(account) for account in accounts]
            _add_new(self.session, user)
        return user  # type: ignore[no-any-return]

    async def update(self, user: UP, update_dict: dict[str, Any]) -> UP:
        checked_instance(user, self.user_table)
        accounts, values = self._split(update_dict, user)
        if accounts is not None:
            await self._first(user, self._read_accounts(user, map(account_key, accounts)))
        async with self._writing(user, values, accounts):
            self._attach(user)
            assign(user, values)
            if accounts is not None:
                await self._replace_accounts(user, accounts)
            if outdated := self._users.relationships_through(values):
                await self.session.flush()
                self.session.expire(user, outdated)
        return user

    async def delete(self, user: UP) -> None:
        if not _may_be_stored(self.session, checked_instance(user, self.user_table)):
            return
        # Deleting empties the relationships, and nothing else.
        kept = Snapshot(self._graph(user) if self._users.eager else ())
        async with self._writing(user, complete=False):
            self._attach(user)
            if self.oauth_account_table is not None:
                await self._delete_accounts(user)
            await self.session.delete(user)
        kept.restore()

    async def add_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID], user: UOAP, create_dict: dict[str, Any]
    ) -> UOAP:
        values = self._account(create_dict, self._identity(user))
        # Without a savepoint, undoing a refused INSERT undoes what the app has written, too.
        is_alone = not self.commit or not _has_written(self.session)
        at_once = is_alone and await self._may_link_at_once(user, values)
        try:
            await self._link(user, values, at_once=at_once, lock=not is_alone)
        except (IntegrityError, OAuthAccountNotFoundError):
            if not is_alone:
                raise
            # It was linked to this user meanwhile, or unlinked.
            await self._link(user, values, lock=not self.commit)
        return user

    async def update_oauth_account(
        self: SQLAlchemyUserDatabase[UOAP, ID],
        user: UOAP,
        oauth_account: OAP,
        update_dict: dict[str, Any],
    ) -> UOAP:
        values = self._account(update_dict, self._identity(user))
        changed = changed_key(checked_account(oauth_account), values)
        own = await self._first(user, self._read_accounts(user, changed))
        existing = next((a for a in own if a.id == oauth_account.id), None)
        if existing is None:
            raise OAuthAccountNotFoundError()
        async with self._writing(user, accounts=[changed_account(existing, values)]):
            self._attach(user)
            assign(existing, values)
        return user

    def _may_have_lower_index(self) -> bool:
        session = _synchronous(self.session)
        return session is not None and not is_mysql(_dialect(session, self.user_table))

    def _live_tables(self) -> LiveTables:
        return _live_tables(self.session, self.user_table)

    def _identity(self, user: Any) -> Any:
        return self._users.identity(checked_instance(user, self.user_table))

    async def _execute(self, statement: Any, *parameters: Any) -> Any:
        """Execute a statement of columns, which does not tell what class it is for."""
        where = {"mapper": inspect(self.user_table)}
        return await _execute(self.session, statement, *parameters, bind_arguments=where)

    async def _get_user(self, statement: Any) -> UP | None:
        if options := self._users.options:
            statement = statement.options(*options)
        if _expires_on_commit(self.session):
            # Nothing expires at the commits of this adapter, so what is held may be old.
            statement = statement.execution_options(populate_existing=True)
        result = await _execute(self.session, statement)
        user: UP | None = result.unique().scalar_one_or_none()
        transaction = _transaction(self.session)
        self._last_read = (user, None if transaction is None else ref(transaction))
        return user

    def _select_user(self) -> Any:
        return select_instances(self._users)

    def _attach(self, user: Any) -> None:
        """Add a user to the session, in place of another, unchanged instance of the same row."""
        session = _synchronous(self.session)
        if session is not None:
            state = instance_state(user)
            if state.key is None:
                raise UserNotFoundError()
            if state.session is session:
                return
            for instance in self._graph(user):
                _make_room(session, instance, inspect(instance).key)
        self.session.add(user)

    async def _first(self, user: Any, reading: Awaitable[_T]) -> _T:
        """Read what a write has to know before it begins, and undo as the write would."""
        try:
            return await reading
        except (SQLAlchemyError, CancelledError) as error:
            raise await self._writing(user, complete=False)._undo(error) from None

    async def _is_linked(
        self, keys: Iterable[AccountKey], *, but: Any = None, lock: bool = False
    ) -> bool:
        """Tell whether one of `keys` is linked to a user, other than the one with the id `but`."""
        keys = list(keys)
        statement = newest(select_holders(self._users, len(keys)), lock=lock)
        result = await self._execute(statement, key_parameters(keys))
        return any(holder != but for holder in result.scalars())

    async def _read_accounts(
        self, user: Any, keys: Iterable[AccountKey], *, lock: bool = False
    ) -> list[Any]:
        """Read the user's OAuth accounts again, and refuse `keys` that are another user's."""
        users = self._users
        user_id = self._identity(user)
        keys = list(keys)
        statement = newest(select_accounts(users, len(keys)), lock=lock, of=users.table)
        synchronous = _synchronous(self.session)
        if synchronous is not None and not synchronous.autoflush:
            # Changes that are not written yet would be lost.
            statement = statement.execution_options(populate_existing=False)
        result = await self._execute(statement, {"user_id": user_id, **key_parameters(keys)})
        rows: Any = result.unique().all()
        if not rows:
            raise UserNotFoundError()
        found = [(holder, account) for holder, account in rows if account is not None]
        own = [account for holder, account in found if holder == user_id]
        if len(own) < len(found):
            raise OAuthAccountAlreadyLinkedError()
        set_committed_value(user, OAUTH_ACCOUNTS, own)
        return own

    async def _may_link_at_once(self, user: Any, values: Mapping[str, Any]) -> bool:
        """Tell whether an account can be linked without reading those of the user again.

        It can if this adapter has read them in this transaction. That it is nobody else's is left
        to a unique index, or looked up.
        """
        (last_read, read_in), loaded = self._last_read, instance_state(user).dict
        transaction = _transaction(self.session)
        if (
            last_read is not user
            or read_in is None
            or transaction is None
            or read_in() is not transaction
            or user not in self.session
            or OAUTH_ACCOUNTS not in loaded
        ):
            return False
        accounts = self._oauth_accounts
        own = [accounts.values(account) for account in members(loaded[OAUTH_ACCOUNTS])]
        [(_, existing)] = pair_accounts([values], own, accounts.id)
        if existing is not None or self._users.has_unique_accounts:
            return existing is None
        return not await self._first(user, self._is_linked([account_key(values)]))

    async def _link(
        self, user: Any, values: Mapping[str, Any], *, at_once: bool = False, lock: bool = False
    ) -> None:
        existing = None
        if not at_once:
            reading = self._read_accounts(user, [account_key(values)], lock=lock)
            own = await self._first(user, reading)
            [(_, existing)] = pair_accounts([values], own, self._oauth_accounts.id)
        async with self._writing(user, accounts=[values]):
            self._attach(user)
            if existing is None:
                user.oauth_accounts.append(self._new_account(values))
            else:
                assign(existing, values)

    def _new_account(self, values: Mapping[str, Any]) -> Any:
        account = self._oauth_accounts.build(values)
        # The relationship's cascade may not do it.
        _add_new(self.session, account)
        return account

    async def _replace_accounts(self, user: Any, given: Sequence[Mapping[str, Any]]) -> None:
        own = list(user.oauth_accounts)
        kept = []
        for account, existing in pair_accounts(given, own, self._oauth_accounts.id):
            if existing is None:
                kept.append(self._new_account(account))
            else:
                assign(existing, account)
                kept.append(existing)
        user.oauth_accounts = kept
        for account in own:
            if not any(account is other for other in kept):
                await self.session.delete(account)

    async def _delete_accounts(self, user: Any) -> None:
        # In one statement, whatever the relationship's cascade is; then the unit of work has
        # nothing left to do for them.
        users = self._users
        await self._execute(delete_accounts(users), {"user_id": users.identity(user)})
        for account in members(inspect(user).dict.get(OAUTH_ACCOUNTS)):
            if account in self.session:
                self.session.expunge(account)
        set_committed_value(user, OAUTH_ACCOUNTS, [])

    def _writing(
        self,
        user: Any,
        values: Mapping[str, Any] = NO_VALUES,
        accounts: Sequence[Mapping[str, Any]] | None = None,
        *,
        complete: bool = True,
    ) -> _Writing:
        """Write what the block changes, all of it or nothing, and leave `user` complete."""
        if complete and instance_state(checked_instance(user, self.user_table)).was_deleted:
            raise UserNotFoundError()

        is_new = instance_state(user).key is None

        async def finish() -> None:
            await self._complete(user)
            if accounts and not is_new and await self._is_orphaning(user):
                raise UserNotFoundError()

        async def explain(error: BaseException) -> BaseException:
            return await self._explain(error, user, values, accounts)

        objects = self._graph(user)
        return _Writing(
            self.session,
            self.user_table,
            self.commit,
            objects,
            finish if complete else None,
            explain,
        )

    async def _explain(
        self,
        error: BaseException,
        user: Any,
        values: Mapping[str, Any],
        accounts: Sequence[Mapping[str, Any]] | None,
    ) -> BaseException:
        """Return what to raise for an error, once all is undone."""
        if isinstance(error, IntegrityError | StaleDataError):
            await self._reload_users()
            email = values.get("email")
            may_be_taken = isinstance(error, IntegrityError)
            if may_be_taken and isinstance(email, str) and await self._is_taken(email, user):
                return UserAlreadyExistsError.from_integrity_error(error)
            if inspect(user).identity is not None and await self._is_gone(user):
                return UserNotFoundError()
            if keys := given_keys(accounts):
                user_id = self._users.identity(user)
                if await self._is_linked(keys, but=user_id, lock=not self.commit):
                    return OAuthAccountAlreadyLinkedError()
            is_stale = isinstance(error, StaleDataError) and not self._users.has_versions
            if is_stale and accounts is not None:
                return OAuthAccountNotFoundError()
        elif isinstance(error, Exception):
            # The connection may be what has failed: the first error is the one to raise.
            with suppress(Exception):
                await self._reload_users()
            if isinstance(error, _OF_THE_ENGINE):
                refused = await self._error_about_values(error, values, accounts)
                if refused is not None:
                    return refused
        return _error_about_key(error, user, self._users) or error

    def _graph(self, user: Any) -> list[Any]:
        """Return the user and what its loaded, eager relationships lead to."""
        if not self._users.eager:
            return [user]
        loaded = instance_state(user).dict
        return [user, *chain.from_iterable(members(loaded.get(r)) for r in self._users.eager)]

    async def _complete(self, user: Any) -> None:
        """Load what the flush left `user` without."""
        state = instance_state(user)
        if state.session is None:
            return  # the session is a mock
        dialect = _dialect(state.session, self.user_table).name
        _expire_changed(user, self._users, dialect)
        for account in members(state.dict.get(OAUTH_ACCOUNTS)) if self._users.oauth else ():
            if _expire_changed(account, self._oauth_accounts, dialect):
                state.session.expire(user, [OAUTH_ACCOUNTS])
        if self._users.complete & state.unloaded and not await self._load(
            self._users.id_column == self._users.identity(user)
        ):
            raise UserNotFoundError()

    async def _load(self, criterion: Any) -> list[Any]:
        """Load what users of this session lack. Not a look-up: these are the app's already."""
        statement = self._select_user().where(criterion).options(*self._users.options)
        return list((await _execute(self.session, statement)).unique().scalars().all())

    async def _reload_users(self) -> None:
        # A rollback has expired all objects of the session, and the app still holds some.
        expired = [
            self._users.identity(user)
            for user in self.session
            if isinstance(user, self.user_table) and inspect(user).expired
        ]
        if expired:
            await self._load(self._users.id_column.in_(expired))

    async def _is_taken(self, email: str, user: Any) -> bool:
        # One who was to be created is not there, also if the id is another user's.
        own_id = None if inspect(user).key is None else self._users.identity(user)
        for statement in self._select_taken(email, lock=not self.commit):
            ids = (await self._execute(statement)).scalars().all()
            if any(user_id != own_id for user_id in ids):
                return True
        return False

    async def _is_gone(self, user: Any) -> bool:
        statement = self._select_id(self._users.identity(user), lock=not self.commit)
        return (await self._execute(statement)).first() is None

    async def _is_orphaning(self, user: Any) -> bool:
        """Tell whether accounts are being written for a user whom another has deleted."""
        session = inspect(user).session
        # Elsewhere the foreign key does not let it come so far.
        is_sqlite = session is not None and _dialect(session, self.user_table).name == "sqlite"
        return is_sqlite and await self._is_gone(user)


class SQLAlchemyAccessTokenDatabase(AccessTokenDatabase[AP], Generic[AP]):
    """Access tokens through an `AsyncSession`.

    Parameters:
        session: the session.
        access_token_table: the access token's mapped class.
        commit: whether each write commits the session's transaction before it returns. With
            `False` it flushes inside a savepoint and the transaction stays the app's.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
    """

    session: AsyncSession
    commit: bool = True

    def __init__(
        self, session: AsyncSession, access_token_table: type[AP], *, commit: bool = True
    ) -> None:
        usage = f"{type(self).__name__}(session, AccessToken)"
        check_session(session, usage)
        _check_mapped_class("access_token_table", access_token_table, usage)
        self.session = session
        self.access_token_table = access_token_table
        self.commit = commit

    async def create(self, create_dict: dict[str, Any]) -> AP:
        values = self._tokens.checked(create_dict)
        access_token = self._tokens.build(values)
        async with self._writing(access_token, values):
            _add_new(self.session, access_token)
        return access_token  # type: ignore[no-any-return]

    async def update(self, access_token: AP, update_dict: dict[str, Any]) -> AP:
        values = self._tokens.checked(update_dict)
        state = inspect(checked_instance(access_token, self.access_token_table))
        is_stored = state.key is not None and not state.was_deleted
        if not is_stored and _synchronous(self.session) is not None:
            raise AccessTokenNotFoundError()
        async with self._writing(access_token, values):
            self.session.add(access_token)
            assign(access_token, values)
        return access_token

    async def delete(self, access_token: AP) -> None:
        checked_instance(access_token, self.access_token_table)
        if not _may_be_stored(self.session, access_token):
            return
        async with self._writing(access_token, complete=False):
            session = _synchronous(self.session)
            if session is not None:
                _make_room(session, access_token, inspect(access_token).key)
            await self.session.delete(access_token)

    async def delete_expired(self, max_age: datetime, *, batch_size: int = 1000) -> int:
        token = self._tokens.column("token")
        statement = self._select_expired(max_age, batch_size)
        deleted = 0
        while expired := await read_first(
            self.session, self.access_token_table, self.commit, self._scalars(statement)
        ):
            async with _Writing(self.session, self.access_token_table, self.commit):
                result = await self._execute(delete(self._tokens.table).where(token.in_(expired)))
            if not result.rowcount:
                # Another has deleted them; the snapshot of the app's transaction still has them.
                break
            deleted += result.rowcount
        return deleted

    def _live_tables(self) -> LiveTables:
        return _live_tables(self.session, self.access_token_table)

    async def _execute(self, statement: Any, *parameters: Any) -> Any:
        """Execute a statement of columns, which does not tell what class it is for."""
        where = {"mapper": inspect(self.access_token_table)}
        return await _execute(self.session, statement, *parameters, bind_arguments=where)

    async def _scalars(self, statement: Any) -> Sequence[Any]:
        scalars: Sequence[Any] = (await self._execute(statement)).scalars().all()
        return scalars

    async def _get_token(self, statement: Any) -> AP | None:
        result = await _execute(self.session, statement)
        return result.scalar_one_or_none()  # type: ignore[no-any-return]

    def _select_token(self) -> Any:
        return select_instances(self._tokens)

    def _writing(
        self, access_token: Any, values: Mapping[str, Any] = NO_VALUES, *, complete: bool = True
    ) -> _Writing:
        async def finish() -> None:
            await self._complete(access_token)

        async def explain(error: BaseException) -> BaseException:
            if complete and isinstance(error, StaleDataError):
                return AccessTokenNotFoundError()
            if isinstance(error, _OF_THE_ENGINE):
                refused = await self._error_about_values(error, values)
                return refused or _error_about_key(error, access_token, self._tokens) or error
            return error

        after = finish if complete else None
        return _Writing(
            self.session, self.access_token_table, self.commit, [access_token], after, explain
        )

    async def _complete(self, access_token: Any) -> None:
        """Load what the flush left `access_token` without."""
        state = instance_state(access_token)
        if state.session is not None:
            dialect = _dialect(state.session, self.access_token_table).name
            if _expire_changed(access_token, self._tokens, dialect):
                await self.session.refresh(access_token)


class _Writing:
    """Flush what the block changed, complete the objects, and commit; or undo all of it.

    A class, since each generator of `contextlib` would cost as much as all of this.

    Parameters:
        session: the session.
        mapped_class: the class whose table is written.
        commit: whether to commit; otherwise the block is a savepoint.
        objects: what the block changes. As all that the session holds, they are given back the
            values that a rollback expires, since reading them must not need the database.
        complete: what to do between the flush and the commit.
        explain: gives the error to raise in place of one, once all is undone.
    """

    def __init__(
        self,
        session: AsyncSession,
        mapped_class: type[Any],
        commit: bool,
        objects: Sequence[Any] = (),
        complete: Callable[[], Awaitable[None]] | None = None,
        explain: Callable[[BaseException], Awaitable[BaseException]] | None = None,
    ) -> None:
        self._session = session
        self._mapped_class = mapped_class
        self._commit = commit
        self._loaded = Snapshot([*objects, *(_unchanged(session, objects) if commit else ())])
        self._complete = complete
        self._explain = explain
        self._savepoint: AsyncSessionTransaction | None = None

    async def __aenter__(self) -> None:
        if self._commit:
            return
        try:
            await _begin_on_sqlite(self._session, self._mapped_class)
            savepoint = self._session.begin_nested()
            await savepoint.__aenter__()
            self._savepoint = savepoint
        except BaseException as error:
            raise await self._undo(error) from None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            try:
                await self._finish()
                return
            except BaseException as failure:
                error = failure
        raised = await self._undo(error)
        if raised is not error:
            raise raised from None
        if kind is None:
            raise raised

    async def _finish(self) -> None:
        if self._complete is not None:
            await self._session.flush()
            await self._complete()
        savepoint, self._savepoint = self._savepoint, None
        if savepoint is not None:
            await savepoint.__aexit__(None, None, None)
        else:
            await _commit(self._session)

    async def _undo(self, error: BaseException) -> BaseException:
        """Undo what was written, and return the error to raise."""
        _hide_parameters(error)
        savepoint, self._savepoint = self._savepoint, None
        try:
            if savepoint is not None:
                await savepoint.__aexit__(type(error), error, error.__traceback__)
            elif self._commit:
                await self._session.rollback()
        finally:
            self._loaded.restore()
        return error if self._explain is None else await self._explain(error)


async def read_first(
    session: AsyncSession, mapped_class: type[Any], commit: bool, reading: Awaitable[_T]
) -> _T:
    """Read what a write has to know before it begins, and undo as the write would."""
    try:
        return await reading
    except (SQLAlchemyError, CancelledError) as error:
        raise await _Writing(session, mapped_class, commit)._undo(error) from None


async def _execute(session: AsyncSession, statement: Any, *parameters: Any, **options: Any) -> Any:
    """Execute a statement; if it fails, the error does not show its parameters."""
    try:
        return await session.execute(statement, *parameters, **options)
    except StatementError as error:
        _hide_parameters(error)
        raise


def _hide_parameters(error: BaseException) -> None:
    if isinstance(error, StatementError):
        # SQLAlchemy prints them, and password hashes and tokens are among them.
        error.hide_parameters = True
        hide_values(error)


async def _commit(session: AsyncSession) -> None:
    """Commit without expiring what the app holds: users that it was given stay readable."""
    synchronous = _synchronous(session)
    if synchronous is None:
        await session.commit()
        return
    expire_on_commit = synchronous.expire_on_commit
    synchronous.expire_on_commit = False
    try:
        await session.commit()
    finally:
        synchronous.expire_on_commit = expire_on_commit


async def _begin_on_sqlite(session: AsyncSession, mapped_class: type[Any]) -> None:
    """SQLite's driver begins no transaction for a SAVEPOINT, so releasing it would commit."""
    connection = await session.connection(bind_arguments={"mapper": inspect(mapped_class)})
    if connection.dialect.name == "sqlite":
        raw: Any = await connection.get_raw_connection()
        if not raw.driver_connection.in_transaction:
            await connection.exec_driver_sql("BEGIN")


def _add_new(session: AsyncSession, instance: Any) -> None:
    """Add a new instance, in place of an unchanged one that has its primary key already.

    SQLAlchemy would warn of the two, and show the key: of an access token, the token.
    """
    synchronous = _synchronous(session)
    if synchronous is not None:
        mapper = instance_state(instance).mapper
        primary_key = mapper.primary_key_from_instance(instance)
        key = mapper.identity_key_from_primary_key(primary_key)
        _make_room(synchronous, instance, key)
    session.add(instance)


def _make_room(session: Session, instance: Any, key: Any) -> None:
    """Take out of the session another, unchanged instance of the row that `instance` is."""
    other = session.identity_map.get(key)
    if other is not None and other is not instance and not inspect(other).modified:
        session.expunge(other)


def _may_be_stored(session: AsyncSession, instance: Any) -> bool:
    """Tell whether there may be a row to delete.

    An instance that was never written stands for the row with its primary key, as it does over
    `databases`, and is not written any more.
    """
    state = instance_state(instance)
    if state.key is None and _synchronous(session) is not None:
        if state.session is not None:
            state.session.expunge(instance)
        if None in state.mapper.primary_key_from_instance(instance):
            return False
        make_transient_to_detached(instance)
    return not state.was_deleted


def _error_about_key(error: BaseException, instance: Any, of: Entity) -> Exception | None:
    """Return the error that says that a new row was given no primary key, if it was not."""
    if not isinstance(error, _OF_THE_ENGINE) or instance_state(instance).key is not None:
        return None
    return of.error_about_key(of.values(instance))


def _unchanged(session: AsyncSession, but: Sequence[Any]) -> list[Any]:
    """Return what the session holds besides, as far as its transaction has not written it."""
    synchronous = _synchronous(session)
    if synchronous is None:
        return []
    own = {id(instance) for instance in but}
    others = [i for i in synchronous.identity_map.values() if id(i) not in own]
    written = written_states(synchronous) if others else ()
    return [other for other in others if instance_state(other) not in written]


def _live_tables(session: AsyncSession, mapped_class: type[Any]) -> LiveTables:
    mapper = inspect(mapped_class)

    async def fetch(statement: Any) -> Sequence[Mapping[str, Any]]:
        # The catalogue's own tables are bound nowhere.
        where = {"mapper": mapper, "bind": session.get_bind(mapper)}
        result = await session.execute(statement, bind_arguments=where)
        return result.mappings().all()  # type: ignore[return-value]

    async def fetch_schemas() -> Mapping[str | None, str | None]:
        connection: Any = await session.connection(bind_arguments={"mapper": mapper})
        options = connection.sync_connection.get_execution_options()
        return options.get("schema_translate_map") or {}

    return LiveTables(session.get_bind(mapper).dialect, fetch, fetch_schemas)


def _dialect(session: Session, mapped_class: type[Any]) -> Dialect:
    """Return the dialect of the database that a class is stored in."""
    return session.get_bind(inspect(mapped_class)).dialect


def _transaction(session: AsyncSession) -> Any:
    """Return the transaction that a session is in, if any."""
    synchronous = _synchronous(session)
    return None if synchronous is None else synchronous.get_transaction()


def _has_written(session: AsyncSession) -> bool:
    """Tell whether there are changes of objects that the session has not committed."""
    synchronous = _synchronous(session)
    return synchronous is not None and bool(
        synchronous.new or synchronous.dirty or synchronous.deleted or written_states(synchronous)
    )


def _expires_on_commit(session: AsyncSession) -> bool:
    synchronous = _synchronous(session)
    # Without autoflush, changes that are not written yet would be lost.
    return synchronous is not None and synchronous.expire_on_commit and synchronous.autoflush


def _synchronous(session: AsyncSession) -> Session | None:
    """Return the session inside an `AsyncSession`; a mock or a proxy may have none."""
    synchronous = getattr(session, "sync_session", None)
    return synchronous if isinstance(synchronous, Session) else None


def _expire_changed(instance: Any, of: Entity, dialect: str) -> bool:
    """Expire what the database may hand back otherwise than it was given.

    Returns:
        Whether `instance` has a column now whose value is not loaded.
    """
    state: Any = instance_state(instance)
    changed = of.changed_by_storing(state.dict, dialect)
    if changed:
        state.session.expire(instance, changed)
    return not state.unloaded.isdisjoint(of.columns)


def check_session(session: Any, usage: str) -> None:
    """Raise `TypeError` if this is no `AsyncSession`, with the right call."""
    if not has_attributes(session, "execute", "add"):
        kind = session.__name__ if isinstance(session, type) else type(session).__name__
        raise TypeError(f"session must be an AsyncSession, not {kind}. Call {usage}.")
    if issubclass(type(session), Session | scoped_session):
        raise TypeError(
            f"session must be an AsyncSession, not a synchronous {type(session).__name__}: make it "
            f"with sqlalchemy.ext.asyncio.async_sessionmaker. Call {usage}."
        )


def _check_mapped_class(name: str, value: Any, usage: str) -> None:
    if not is_mapped_class(value):
        raise TypeError(f"{name} must be a mapped class, not {value!r}. Call {usage}.")
