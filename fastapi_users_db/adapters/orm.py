"""The adapters over SQLAlchemy's ORM: an `AsyncSession`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Generic

from sqlalchemy import and_, delete, event, inspect, select
from sqlalchemy.exc import InvalidRequestError, StatementError, UnboundExecutionError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from fastapi_users_db.accounts import ExternalAccount
from fastapi_users_db.adapters.base import (
    NOTHING,
    AccessTokenDatabase,
    Adapter,
    UserDatabase,
    has_methods_of,
)
from fastapi_users_db.adapters.retries import checked_retries, repeated
from fastapi_users_db.adapters.session import (
    OUTDATED,
    Held,
    attach,
    begin_savepoint,
    check_mapped_class,
    check_session,
    claim,
    commit,
    execute,
    hide_parameters,
    is_sharded,
    is_watched,
    live_tables,
    load_rest,
    loading,
    may_begin_anew,
    outdated_by_flush,
    read_first,
    roll_back,
    sessions,
    write_whatever_was_read,
)
from fastapi_users_db.adapters.unit import NEW, NO_VALUES, Given, Unit
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.comparison import is_same_text
from fastapi_users_db.drivers import first_error, violation
from fastapi_users_db.exceptions import (
    FastAPIUsersDBError,
    UserNotFoundError,
)
from fastapi_users_db.mapping import (
    OAUTH_ACCOUNTS,
    Entity,
    Owner,
    UserEntity,
    check_oauth_account_class,
    entity,
    is_expired,
    is_verbatim,
    members,
    read,
    wrong_instance,
)
from fastapi_users_db.statements import (
    delete_accounts,
    is_owner_of_token,
    select_accounts,
    select_owner,
)
from fastapi_users_db.tables import is_mysql
from fastapi_users_db.versions.fastapi_users import AP, ID, UP
from fastapi_users_db.versions.sqlalchemy import as_in_flush, is_clean

__all__ = ["SQLAlchemyAccessTokenDatabase", "SQLAlchemyUserDatabase"]

# SQLAlchemy leaves the last to Python: a number that is too large for SQLite's driver.
_EXPLAINABLE = (StatementError, StaleDataError, OverflowError)


class _OverSession(Adapter):
    """What the adapters of users and of access tokens have of their session."""

    session: AsyncSession
    # Not by the parameter's name: an app's subclass may have a method of that name.
    _commits: bool = True

    async def _made(self, subject: Any, /) -> Any:
        """Return what the app is to see of what was written, before it is committed."""
        return subject

    def _may_begin_anew(self, *given: Any) -> bool:
        mapper, is_asked = self._entity.mapper, bool(self._retries)
        return may_begin_anew(self.session, mapper, given, beside_others=is_asked)

    async def _roll_back(self) -> None:
        await roll_back(self.session)

    def _live_tables(self, mapper: Any = None) -> LiveTables:
        return live_tables(self.session, mapper or self._entity.mapper)


class SQLAlchemyUserDatabase(_OverSession, UserDatabase[UP, ID], Generic[UP, ID]):
    """Users through an `AsyncSession`.

    Parameters:
        session: the session.
        user_table: the user's mapped class.
        oauth_account_table: the OAuth account's mapped class; the user's class then has a
            relationship `oauth_accounts` to it.
        commit: whether each write commits the session's transaction before it returns. With
            `False` it flushes inside a savepoint and the transaction stays the app's.
        retries: how many times a call is repeated at most, after a pause, if the database has
            undone it and asks for that (`is_retryable`). A call is not repeated if the
            transaction holds something of the app's own, which would be lost. It needs
            `commit=True`.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        ValueError: `retries` is negative, or is given with `commit=False`.
    """

    def __init__(
        self,
        session: AsyncSession,
        user_table: type[UP],
        oauth_account_table: type[Any] | None = None,
        *,
        commit: bool = True,
        retries: int = 0,
    ) -> None:
        usage = f"{type(self).__name__}(session, User) or (session, User, OAuthAccount)"
        check_session(session, usage)
        check_mapped_class("user_table", user_table, usage)
        if oauth_account_table is not None:
            check_mapped_class("oauth_account_table", oauth_account_table, usage)
            check_oauth_account_class(user_table, oauth_account_table, usage)
        self.session = session
        self.user_table = user_table
        self.oauth_account_table = oauth_account_table
        self._commits = commit
        self._retries = checked_retries(retries, commit=commit)

    @repeated
    async def _get_user(self, statement: Any) -> UP | None:
        users = self._users
        if users.options:
            more = users.options, users.options_beside
            statement = loading(statement, self.user_table, *more)
        _, session = sessions(self.session)
        # Without autoflush, changes that are not written yet would be lost.
        if session is not None and session.autoflush and session.info.get(OUTDATED):
            # Nothing expires at the commits of this adapter, so what is held may be old.
            statement = statement.execution_options(populate_existing=True)
        user: Any = (await execute(self.session, statement)).unique().scalar_one_or_none()
        if user is not None and (
            type(user) is not self.user_table
            or (session is not None and not users.wanted <= user.__dict__.keys())
        ):
            await load_rest(self.session, user, users.wanted)
        return user  # type: ignore[no-any-return]

    def _select_user(self) -> Any:
        return select(self.user_table)

    def _unit(self, user: Any, given: Given = NOTHING) -> Unit:
        return SessionUnit(self, self._users, user, given)

    def _may_have_lower_index(self) -> bool:
        _, session = sessions(self.session)
        if session is None or is_sharded(session):
            return False  # only an instance tells its shard
        return not is_mysql(session.get_bind(inspect(self.user_table)).dialect)


class SQLAlchemyAccessTokenDatabase(_OverSession, AccessTokenDatabase[AP], Generic[AP]):
    """Access tokens through an `AsyncSession`.

    Parameters:
        session: the session.
        access_token_table: the access token's mapped class.
        commit: whether each write commits the session's transaction before it returns. With
            `False` it flushes inside a savepoint and the transaction stays the app's.
        retries: how many times a call is repeated at most, after a pause, if the database has
            undone it and asks for that (`is_retryable`). A call is not repeated if the
            transaction holds something of the app's own, which would be lost. It needs
            `commit=True`.

    Raises:
        TypeError: the arguments are of the wrong kind or in the wrong order.
        ValueError: `retries` is negative, or is given with `commit=False`.
    """

    def __init__(
        self,
        session: AsyncSession,
        access_token_table: type[AP],
        *,
        commit: bool = True,
        retries: int = 0,
    ) -> None:
        usage = f"{type(self).__name__}(session, AccessToken)"
        check_session(session, usage)
        check_mapped_class("access_token_table", access_token_table, usage)
        self.session = session
        self.access_token_table = access_token_table
        self._commits = commit
        self._retries = checked_retries(retries, commit=commit)

    @repeated
    async def _get_token(self, statement: Any) -> AP | None:
        tokens = self._tokens
        if tokens.deferred:
            more = tokens.deferred, tokens.deferred
            statement = loading(statement, self.access_token_table, *more)
        result = await execute(self.session, statement)
        token: Any = result.unique().scalar_one_or_none()
        is_whole = type(token) is self.access_token_table and not tokens.deferred
        if token is not None and not is_whole:
            await load_rest(self.session, token, tokens.deferred_names)
        return token  # type: ignore[no-any-return]

    def _select_token(self) -> Any:
        return select(self.access_token_table)

    def _unit(self, access_token: Any, given: Given = NOTHING) -> Unit:
        return SessionUnit(self, self._tokens, access_token, given)

    async def _read_column(self, statement: Any) -> Sequence[Any]:
        unit = SessionUnit(self, self._tokens, NEW, NOTHING)
        return await read_first(self.session, self._commits, unit.column(statement))

    async def _read_sessions(self, statement: Any) -> Sequence[tuple[str, datetime]]:
        unit = SessionUnit(self, self._tokens, NEW, NOTHING)
        result = await read_first(self.session, self._commits, unit.execute(statement))
        return result.all()  # type: ignore[no-any-return]

    def is_beside(self, users: Any) -> bool:
        own = has_methods_of(
            SQLAlchemyAccessTokenDatabase, self, "get_by_token", "_get_token", "_select_token"
        )
        if not own or not has_methods_of(SQLAlchemyUserDatabase, users, "get", "_select_user"):
            return False
        (_, session), (_, other) = sessions(self.session), sessions(users.session)
        return (
            session is not None
            and session is other
            and not is_sharded(session)
            # A listener may filter one of the two by its class.
            and not getattr(session.dispatch, "do_orm_execute", ())
            and is_owner_of_token(users._users, self._tokens) is not None
            and session.get_bind(users._users.mapper) is session.get_bind(self._tokens.mapper)
        )

    async def _delete_tokens(self, tokens: Sequence[str]) -> int:
        of = self._tokens
        column = of.find_column("token")
        async with SessionUnit(self, of, NEW, NOTHING) as unit:
            if column is not None and not is_watched(self.session, of.mapper):
                result = await unit.execute(delete(of.table).where(column.in_(tokens)))
                return int(result.rowcount)
            # Through the unit of work: other tables, cascades and listeners have a part in it.
            is_one = of.expression("token").in_(tokens)
            found = await unit.execute(select(of.target).where(is_one))
            instances = found.unique().scalars().all()
            for instance in instances:
                await unit.remove(instance)
        return len(instances)

    async def _unchecked_owner(self) -> Owner | None:
        _, session = sessions(self.session)
        if session is None or is_sharded(session):
            return None  # of a mock, or in another shard
        with as_in_flush(session), suppress(UnboundExecutionError):
            return await super()._unchecked_owner()
        return None


class SessionUnit(Unit):
    """One write through a session: what it changes the session flushes, and so do its cascades.

    Parameters:
        adapter: the adapter, which has the session.
        of: what the adapter is for.
        subject: what is written, or `NEW`.
        given: what the write was given.
    """

    def __init__(self, adapter: Any, of: Entity, subject: Any, given: Given) -> None:
        self._is_new = subject is NEW
        if not self._is_new and not isinstance(subject, of.target):
            raise wrong_instance(subject, of.target)
        self._adapter, self._of, self._given = adapter, of, given
        self._subject = None if self._is_new else subject
        self._accounts: list[Any] = []
        self._removed: list[Any] = []
        self._removed_with_subject: list[Any] = []
        self._displaced: list[Any] = []
        self._outdated: set[str] = set()
        self._is_changing = self._is_removing = False
        # Whether a new transaction has begun since, in which a lock would stay.
        self._is_undone = False
        # Whether a savepoint keeps what the transaction holds besides, though the adapter commits.
        self._is_rest_kept = False
        self._oauth: Any = of.oauth
        self._has_collection = isinstance(of, UserEntity) and of.has_collection
        self._collection = of.collection if isinstance(of, UserEntity) else OAUTH_ACCOUNTS
        self._session, self._inside = sessions(adapter.session)
        self._where: dict[str, Any] = {"mapper": of.mapper}
        if self._inside is not None and is_sharded(self._inside):
            # Others' own get_bind() need take no instance: a sharded session's has to have one.
            self._where["instance"] = self._subject
        self._savepoint: Any = None

    async def __aenter__(self) -> SessionUnit:
        inside, subject = self._inside, self._subject
        self._release = claim(inside)
        try:
            if inside is not None and subject is not None and self._given is not NOTHING:
                state: Any = instance_state(subject)
                if state.modified and state.key is not None and state.session is not inside:
                    # What the app has changed while it was detached is the app's own, too.
                    self._attach_stored(subject)
                # A savepoint flushes, and so does a query: after that nobody knows.
                self._outdated = outdated_by_flush(state, entity(state.class_))
            # With commit=False it is a savepoint anyway.
            self.is_apart = (
                inside is None
                or not self._adapter._commits
                or (is_clean(inside) and not inside.in_transaction())
            )
            if inside is not None and not is_clean(inside):
                key = None if subject is None else instance_state(subject).key
                changed = (*inside.new, *inside.dirty, *inside.deleted)
                others = (i for i in changed if i is not subject)
                if any(key is None or instance_state(i).key != key for i in others):
                    # What the app has changed besides is not to be explained by what was given.
                    await self._session.flush()
            if not self._adapter._commits:
                self._savepoint = await begin_savepoint(self._session, inside, self._where)
        except BaseException as error:
            try:
                raise await self._undo(error, is_given=False) from error.__cause__
            finally:
                self._release()
        return self

    async def set_apart(self) -> None:
        self.is_apart = self.is_apart or self._adapter._may_begin_anew()
        if not self.is_apart:
            self._savepoint = await begin_savepoint(self._session, self._inside, self._where)
            self.is_apart = self._is_rest_kept = self._savepoint is not None

    async def give_up(self, error: BaseException) -> None:
        if self._is_rest_kept:
            await roll_back(self._session, error)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        inside = self._inside
        held = Held(inside)
        try:
            if error is None:
                try:
                    for instance in self._removed:
                        with as_in_flush(inside):
                            await self._session.delete(instance)
                    has_result = self._subject is not None and not self._is_removing
                    if inside is not None and has_result:
                        await self._session.run_sync(self._flush)
                    elif inside is not None and (self._oauth or not self._adapter._commits):
                        # Without accounts the commit may flush it.
                        await self._session.run_sync(self._flush_removal)
                    if has_result:
                        self.result = await self._adapter._made(self._subject)
                    savepoint, self._savepoint = self._savepoint, None
                    if savepoint is not None:
                        await savepoint.__aexit__(None, None, None)
                    if self._adapter._commits:
                        await commit(self._session, inside)
                    if inside is None and has_result:
                        # Nobody else knows what the commit has left it with.
                        await self._session.refresh(self._subject)
                    return
                except BaseException as failure:
                    error = failure
            first = first_error(error)
            raised = await self._undo(first, held)
        finally:
            self._release()
        if raised is not first:
            raise raised from first
        if kind is None or first is not error:
            raise raised

    def add(self, values: Mapping[str, Any]) -> Any:
        self._is_changing = True
        self._subject = user = self._of.build(values)
        is_loaded = self._has_collection or self._collection in self._of.eager
        if is_loaded and self._collection not in instance_state(user).dict:
            set_committed_value(user, self._collection, [])
        self._displaced = attach(self._session, self._inside, user)
        if "instance" in self._where:
            self._where["instance"] = user
        return user

    def set(self, instance: Any, values: Mapping[str, Any]) -> None:
        self._is_changing = True
        if instance is self._subject:
            self._attach_stored(instance)
        else:
            self._accounts.append(instance)
        for attribute, value in values.items():
            setattr(instance, attribute, value)

    def link(self, user: Any, values: Mapping[str, Any]) -> None:
        self._is_changing = True
        if not self._is_new:
            self._attach_stored(user)
        account = self._oauth.build(values)
        self._accounts.append(account)
        attach(self._session, self._inside, account)  # the relationship's cascade may not do it
        accounts = user.oauth_accounts
        (accounts.append if hasattr(accounts, "append") else accounts.add)(account)

    def unlink(self, user: Any, account: Any) -> None:
        self._is_changing = True
        if self._has_collection:
            _remove(user.oauth_accounts, account)
        self._removed.append(account)

    async def remove(self, instance: Any) -> None:
        state: Any = instance_state(instance)
        if state.key is None and self._inside is not None:
            # It stands for the row with its primary key, as it does over `databases`.
            if state.session is not None:
                state.session.expunge(instance)
            is_given = None not in state.mapper.primary_key_from_instance(instance)
            if is_given and await self.exists(instance):
                make_transient_to_detached(instance)
        if state.was_deleted or (state.key is None and self._inside is not None):
            self._subject = None  # there is no row
            return
        if state.mapper.version_id_col is not None and not await self.exists(instance):
            # SQLAlchemy would refuse to delete it, as one of another version.
            self._subject = None
            return
        self._is_changing = self._is_removing = True
        self._removed.append(instance)
        if self._inside is None:
            return
        if state.session is not self._inside:
            attach(self._session, self._inside, instance)
        if self._oauth is not None:
            accounts = state.dict.get(self._collection) if self._has_collection else None
            if accounts is None:
                accounts = [account for _, account in await self.accounts(instance, ())]
            self._removed_with_subject = members(accounts)

    async def accounts(
        self, user: Any, external: Iterable[ExternalAccount], *, newest: bool = False
    ) -> list[tuple[bool, Any]]:
        users, session = self._of, self._inside
        assert isinstance(users, UserEntity)
        if session is None:
            # A mock, or a session of which nothing more is known than that it executes.
            found = None if user is None else getattr(user, OAUTH_ACCOUNTS, None)
            return [(True, account) for account in members(found)]
        owner = {} if user is None else users.owner_values(user)
        if None in owner.values():
            lacking = {k for k in users.owner_attributes.values() if is_expired(user, k)}
            if lacking:
                self._attach_stored(user)
                await self._session.run_sync(self._reload, user, lacking)
                owner = users.owner_values(user)
        statement, parameters = select_accounts(users, owner, external, instances=True)
        if not is_clean(session):
            await self._session.flush()  # what is not written yet would be lost
        # Otherwise the app wants to know that another has changed what it holds.
        is_forced = newest or self._oauth.mapper.version_id_col is None
        options = {"populate_existing": True} if is_forced else {}
        if newest and not self._is_undone:
            statement = statement.with_for_update(read=True, of=self._oauth.table)
        held, mapper = Held(session, self._oauth.target), self._oauth.mapper
        # Not options of the statement's own: it would be another one, and worked out anew.
        result = await self.execute(statement, parameters, mapper=mapper, options=options)
        marked = [
            (bool(owner) and all(read(account, key) == owner[key] for key in owner), account)
            for account in result.unique().scalars()
        ]
        held.restore(whole_transaction=False)  # what is loaded lazily, of what the app holds
        if user is not None and self._has_collection:
            set_committed_value(user, self._collection, [a for is_own, a in marked if is_own])
            if users.arranges_accounts:
                self._outdated.add(self._collection)
        return marked

    async def exists(self, instance: Any) -> bool:
        if self._inside is None:
            return True
        lock = not self._is_undone
        return bool(await self._session.run_sync(self._is_there, instance, lock=lock))

    async def column(self, statement: Any, *, newest: bool = False) -> Sequence[Any]:
        if newest and not self._is_undone:
            statement = statement.with_for_update(read=True)
        result = await self.execute(statement)
        return result.scalars().all()  # type: ignore[no-any-return]

    async def execute(
        self, statement: Any, *parameters: Any, mapper: Any = None, options: Any = NO_VALUES
    ) -> Any:
        """Execute a statement where the session writes a class, the subject's if no other."""
        where = self._where if mapper is None else {**self._where, "mapper": mapper}
        release = claim(self._inside)
        try:
            with as_in_flush(self._inside):
                return await self._session.execute(
                    statement, *parameters, execution_options=options, bind_arguments=where
                )
        except StatementError as error:
            hide_parameters(error)
            raise
        finally:
            release()

    def _attach_stored(self, instance: Any) -> None:
        """Attach what is to be changed, and refuse it if it was never written, or is deleted."""
        state, session = instance_state(instance), self._inside
        is_new = state.key is None and session is not None and state.session is not session
        if state.was_deleted or is_new:
            raise self._adapter._not_found()
        if session is None or state.session is not session:
            attach(self._session, session, instance)

    def _flush(self, session: Session) -> None:
        """Flush, and load what the flush has left the subject without."""
        subject, dialect = self._subject, session.get_bind(**self._where).dialect.name
        state: Any = instance_state(subject)
        of: Entity = entity(state.class_)
        outdated = outdated_by_flush(state, of) | self._outdated
        if self._given.values and not self._is_new:
            write_whatever_was_read(state, of, self._given.values)
        is_writing = not is_clean(session)
        states = [(i, instance_state(i)) for i in (subject, *self._accounts)]
        written = [(i, set(s.committed_state), dict(s.dict)) for i, s in states]
        session.flush()
        if self._given.accounts is not None and not self._is_new:
            # Elsewhere the foreign key refuses accounts of a user who is gone.
            is_unsure = dialect == "sqlite" or not is_writing
            if is_unsure and not self._is_there(session, subject, lock=False):
                raise self._adapter._not_found()
            outdated |= of.expressions
        for instance, changed, before in written:
            kind: Any = type(instance)
            of_instance, held = entity(kind), instance_state(instance).dict
            now = {k: v for k, v in held.items() if k in changed or v is not before.get(k)}
            names = of_instance.changed_by_storing(now, dialect)
            names |= instance_state(instance).unloaded & of_instance.loaded
            if instance is subject:
                outdated |= names
            elif names and self._has_collection:
                session.expire(instance, names)
                outdated.add(self._collection)
            elif names:
                self._reload(session, instance, names)
        if self._has_collection and self._collection not in state.dict:
            outdated.add(self._collection)
        if self.owner is not None:
            self._check_owner(session, subject, self.owner)
        if outdated:
            self._reload(session, subject, outdated)

    def _flush_removal(self, session: Session) -> None:
        """Flush where the subject is removed, with all OAuth accounts that refer to it."""
        subject: Any = self._subject
        if self._removed_with_subject:
            event.listen(session, "before_flush", self._remove_accounts)
        try:
            session.flush()
        finally:
            if self._removed_with_subject:
                event.remove(session, "before_flush", self._remove_accounts)
        is_gone = subject is not None and instance_state(subject).deleted
        if is_gone and self._oauth and session.get_bind(**self._where).dialect.name == "sqlite":
            # Those that another has linked meanwhile: nothing else may remove them.
            users: Any = self._of
            where = {**self._where, "mapper": self._oauth.mapper}
            owner = users.owner_values(subject).items()
            parameters = {f"owner_{key}": value for key, value in owner}
            with as_in_flush(session):  # not the app's listeners, which may refuse such statements
                connection = session.connection(bind_arguments=where)
                connection.execute(delete_accounts(users), parameters)

    def _remove_accounts(self, session: Session, *_: Any) -> None:
        """Remove the user's accounts, after the app's listeners, unless one has kept the user."""
        if self._subject in session.deleted:
            for account in self._removed_with_subject:
                session.delete(account)

    def _check_owner(self, session: Session, token: Any, owner: Owner) -> None:
        """Refuse a token of a user who is gone, once it is written and none can go any more."""
        user_id = token.user_id
        with as_in_flush(session):
            connection = session.connection(bind_arguments={"mapper": owner.mapper})
            found = connection.execute(select_owner(owner, user_id)).first()
        if found is None and user_id is not None:
            raise UserNotFoundError()

    def _is_there(self, session: Session, instance: Any, *, lock: bool) -> bool:
        """Tell it of an object's row: with a lock, past the snapshot of the app's transaction."""
        state: Any = instance_state(instance)
        columns = state.mapper.primary_key
        key = state.identity or state.mapper.primary_key_from_instance(instance)
        is_row = and_(*(c == value for c, value in zip(columns, key, strict=True)))
        statement = select(*columns).where(is_row)
        if lock:
            statement = statement.with_for_update(read=True)
        # Through the connection: the session would tell listeners of the app's, which may filter.
        with as_in_flush(session):
            connection = session.connection(bind_arguments={**self._where, "mapper": state.mapper})
            found = connection.execute(statement).first()
        # A collation takes other texts for the same.
        return found is not None and all(
            is_same_text(value, given) or not is_verbatim(column)
            for column, value, given in zip(columns, found, key, strict=True)
        )

    def _reload(self, session: Session, instance: Any, names: Set[str]) -> None:
        """Load attributes of an object where it was written, unless a filter of the app's hides
        it."""
        state: Any = instance_state(instance)
        before = {name: state.dict[name] for name in names if name in state.dict}
        try:
            with as_in_flush(session):
                if names & entity(state.class_).columns.keys():
                    session.refresh(instance, names)
                else:
                    session.expire(instance, names)  # 1.4 refreshes nothing but columns
                for name in names:
                    getattr(instance, name)  # SQLAlchemy 1.4 leaves relationships to be loaded
        except InvalidRequestError:
            if not self._is_there(session, self._subject, lock=False):
                raise self._adapter._not_found() from None
            for name in before.keys() & state.unloaded:
                set_committed_value(instance, name, before[name])

    async def _undo(
        self, error: BaseException, held: Held | None = None, *, is_given: bool = True
    ) -> BaseException:
        """Undo what was written, and return the error to raise.

        Parameters:
            error: what has failed.
            held: what the objects of the session had loaded before.
            is_given: whether it may be explained by what the write was given.
        """
        oauth_tables = [] if self._oauth is None else [self._oauth.table]
        violated = violation(error, *self._of.tables, *oauth_tables)
        hide_parameters(error)
        savepoint, self._savepoint = self._savepoint, None
        if isinstance(error, FastAPIUsersDBError) and not self._is_changing and savepoint is None:
            return error  # nothing was written, and what the app has written is not to be undone
        held = held or Held(self._inside)
        try:
            if savepoint is not None:
                await savepoint.__aexit__(type(error), error, error.__traceback__)
            elif self._adapter._commits:
                await self._session.rollback()
                self._is_undone = True
        except Exception:  # the connection is gone, and the first error says why
            return error
        finally:
            held.restore(whole_transaction=savepoint is None)
            for instance in self._displaced:
                with suppress(InvalidRequestError):  # another has taken its place again
                    self._session.add(instance)
        if not isinstance(error, Exception) or getattr(error, "connection_invalidated", False):
            return error
        meant = error
        with suppress(Exception):
            await self._session.run_sync(held.reload)
            if is_given and isinstance(error, _EXPLAINABLE):
                subject = None if self._is_new else self._subject
                meant = await self._adapter._explain(error, violated, self, subject, self._given)
        return meant


def _remove(collection: Any, instance: Any) -> None:
    """Remove an object itself, whatever its class says is equal to it."""
    if isinstance(collection, list):
        del collection[next(n for n, other in enumerate(collection) if other is instance)]
    else:
        collection.remove(instance)
