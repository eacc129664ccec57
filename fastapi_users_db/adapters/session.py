"""What the ORM backend needs of a session, whatever stands in for one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import inspect
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper, Session, scoped_session
from sqlalchemy.orm.attributes import flag_modified, instance_state, set_committed_value
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.sql import Select
from sqlalchemy.util import ScopedRegistry

from fastapi_users_db.adapters.history import has_only_read, watch
from fastapi_users_db.adapters.retries import is_changed
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.exceptions import (
    SessionInUseError,
    UnsuitableServerError,
    hide_values,
    kind_of,
)
from fastapi_users_db.mapping import (
    ALWAYS_WRITTEN,
    Entity,
    entity,
    has_attributes,
    is_mapped_class,
    is_statement,
    members,
)
from fastapi_users_db.versions.sqlalchemy import (
    as_in_flush,
    is_autocommit,
    is_clean,
    is_in_block,
    written_states,
)

__all__ = [
    "OUTDATED",
    "Held",
    "attach",
    "begin_savepoint",
    "check_mapped_class",
    "check_session",
    "claim",
    "commit",
    "execute",
    "hide_parameters",
    "is_sharded",
    "is_watched",
    "live_tables",
    "load_rest",
    "loading",
    "may_begin_anew",
    "outdated_by_flush",
    "read_first",
    "roll_back",
    "sessions",
    "write_whatever_was_read",
]

_T = TypeVar("_T")
_TASK = "fastapi_users_db.task"

OUTDATED = "fastapi_users_db.outdated"
"""Of a session's `info`: what a commit would have expired, but for `commit`."""


is_sharded: Callable[[Session], Any] = attrgetter("connection_callable")
"""Tells whether only an instance says where it is stored, as with a `ShardedSession`."""


def check_session(session: Any, usage: str) -> None:
    """Raise `TypeError` if this is no `AsyncSession`, with the right call."""
    if isinstance(session, AsyncSession):
        return  # or whatever else has its methods
    if not has_attributes(session, "execute", "add"):
        raise TypeError(f"session must be an AsyncSession, not {kind_of(session)}. Call {usage}.")
    if issubclass(type(session), Session | scoped_session):
        raise TypeError(
            f"session must be an AsyncSession, not a synchronous {type(session).__name__}: make it "
            f"with sqlalchemy.ext.asyncio.async_sessionmaker. Call {usage}."
        )


def check_mapped_class(name: str, value: Any, usage: str) -> None:
    """Raise `TypeError` if this is no mapped class, with the right call."""
    if not is_mapped_class(value):
        raise TypeError(f"{name} must be a mapped class, not {kind_of(value)}. Call {usage}.")


def sessions(session: Any) -> tuple[Any, Session | None]:
    """Return the `AsyncSession` that a scoped session stands for now, and the session inside it.

    A mock has none inside.
    """
    # By the registry's type: a mock has every attribute.
    is_scoped = isinstance(getattr(session, "registry", None), ScopedRegistry)
    current = session.registry() if is_scoped else session
    inside = getattr(current, "sync_session", None)
    return current, inside if isinstance(inside, Session) else None


def claim(session: Session | None) -> Callable[[], Any]:
    """Claim a session for this task: of two that use it, SQLAlchemy would lose what both write.

    Returns:
        What to call when it is no longer used.

    Raises:
        SessionInUseError: another task is using it.
    """
    if session is None:
        return lambda: None
    task, before = asyncio.current_task(), session.info.get(_TASK)
    if before not in (None, task):
        raise SessionInUseError()
    session.info[_TASK] = task
    return partial(session.info.__setitem__, _TASK, before)


async def execute(session: Any, statement: Any, *parameters: Any) -> Any:
    """Execute a statement; if it fails, the error does not show its parameters."""
    current, inside = sessions(session)
    release = claim(inside)
    try:
        return await current.execute(statement, *parameters)
    except StatementError as error:
        hide_parameters(error)
        if (unsuitable := UnsuitableServerError.from_backend_error(error)) is not None:
            raise unsuitable from error
        raise
    finally:
        release()


def is_watched(session: Any, mapper: Any) -> bool:
    """Tell whether more has to happen when an object is deleted than that its row goes: in other
    tables, by a cascade, or by a listener."""
    _, inside = sessions(session)
    of_session = getattr(inside, "dispatch", None)
    return bool(
        mapper.inherits
        or mapper.polymorphic_on is not None
        or any(r.cascade.delete or (r.uselist and not r.viewonly) for r in mapper.relationships)
        or mapper.dispatch.before_delete
        or mapper.dispatch.after_delete
        or getattr(of_session, "before_flush", ())
        or getattr(of_session, "after_flush", ())
    )


def loading(statement: Any, target: Any, options: Sequence[Any], beside: Sequence[Any]) -> Any:
    """Let a statement load more of a class, if it selects that: the app's own may select anything.

    Parameters:
        statement: the statement.
        target: the class.
        options: what loads more, with a join too.
        beside: the same in statements of its own.
    """
    selected = statement.column_descriptions if isinstance(statement, Select) else ()
    if not selected or selected[0]["expr"] is not target:
        return statement
    takes_no_join = (
        statement._for_update_arg is not None or statement._group_by_clauses or statement._distinct
    )
    return statement.options(*(beside if takes_no_join else options))


async def load_rest(session: Any, instance: Any, wanted: Iterable[str]) -> None:
    """Load what an instance of a subclass has besides, as the columns of a table of its own, and
    what a statement of the app's own has left out.

    Parameters:
        session: the session.
        instance: what the statement has found.
        wanted: what to load of it, if it has that, besides what its class says.
    """
    kind: Any = type(instance)
    if is_mapped_class(kind):
        lacking = instance_state(instance).unloaded & entity(kind).loaded.union(wanted)
        if lacking:
            await session.refresh(instance, lacking)
        if lacking & instance_state(instance).unloaded:  # pragma: no cover  only before 2.0
            await session.run_sync(lambda _: [getattr(instance, name) for name in lacking])


def hide_parameters(error: BaseException) -> None:
    """Take out of an error what it shows of values: password hashes and tokens are among them."""
    if isinstance(error, StatementError):
        error.hide_parameters = True  # SQLAlchemy prints them
    if isinstance(error, StatementError | UnicodeEncodeError):
        hide_values(error)


async def read_first(session: Any, is_committing: bool, reading: Awaitable[_T]) -> _T:
    """Read what a write has to know before it begins; if it fails, undo as the write would."""
    current, _ = sessions(session)
    try:
        return await reading
    except SessionInUseError:
        raise  # another task's write is not to be undone
    except (SQLAlchemyError, asyncio.CancelledError) as error:
        if is_committing:
            await roll_back(current, error)
        raise


def may_begin_anew(session: Any, mapped: Any, given: Iterable[Any], *, beside_others: bool) -> bool:
    """Tell whether nothing of the app's own would be lost if the transaction were undone.

    Parameters:
        session: the session.
        mapped: the class that is to be read or written, or its mapper.
        given: what the app has given for it.
        beside_others: whether account is to be kept also where others listen.
    """
    _, inside = sessions(session)
    if inside is None or inside.in_nested_transaction() or is_in_block(inside):
        return False
    if is_sharded(inside) or not getattr(inside, "autobegin", True):
        return False  # of several shards, or begun by the app alone
    engine = inside.get_bind(inspect(mapped))
    if not isinstance(engine, Engine):
        return False  # a connection of the app's own, which may have begun before
    watch(engine, beside_others=beside_others)
    return is_clean(inside) and not any(map(is_changed, given)) and has_only_read(inside)


async def roll_back(session: Any, error: BaseException | None = None) -> None:
    """Roll a transaction back, and leave the app's objects as they were.

    Parameters:
        session: the session.
        error: what has failed, if anything. Unless the connection is lost, or the task cancelled,
            what the transaction had written is read again: it is as it was before that.
    """
    current, inside = sessions(session)
    held = Held(inside)
    try:
        await current.rollback()
    finally:
        held.restore(whole_transaction=True)
    if isinstance(error, Exception) and not getattr(error, "connection_invalidated", False):
        with suppress(Exception):  # the first error says why
            await current.run_sync(held.reload)


async def begin_savepoint(
    session: AsyncSession, inside: Session | None, where: Mapping[str, Any]
) -> Any:
    """Begin a savepoint where the session writes, in a transaction on SQLite too.

    There is none, `None`, where each statement is a transaction of its own, and in shards.

    Parameters:
        session: the session.
        inside: the session inside it.
        where: the arguments by which it knows the connection.
    """
    if "instance" in where:
        return None  # SQLAlchemy begins none in a shard
    with as_in_flush(inside):
        connection = await session.connection(bind_arguments=dict(where))
    if connection.dialect.name != "sqlite":
        if is_autocommit(connection):
            return None  # there is no transaction of which it could be a part
    else:
        # Its driver begins none for a SAVEPOINT, so that releasing it would commit. Two that had
        # read could not both write: the lock is taken before.
        raw: Any = await connection.get_raw_connection()
        if not raw.driver_connection.in_transaction:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
    savepoint = session.begin_nested()
    await savepoint.__aenter__()
    return savepoint


async def commit(session: Any, inside: Session | None) -> None:
    """Commit without expiring what the app holds: users that it was given stay readable."""
    if inside is None or not inside.expire_on_commit:
        await session.commit()
        return
    inside.expire_on_commit = False
    try:
        await session.commit()
    finally:
        inside.expire_on_commit = True
    inside.info.setdefault(OUTDATED, WeakSet()).update(inside.identity_map.all_states())


def attach(session: Any, inside: Session | None, instance: Any) -> list[Any]:
    """Add an instance to a session, in place of another, unchanged instance of the same row.

    SQLAlchemy would refuse or warn of the two, and show the key: of an access token, the token.

    Returns:
        Those whose place was taken.

    Raises:
        sqlalchemy.exc.InvalidRequestError: the other one is changed.
    """
    displaced = []
    loaded = instance_state(instance).dict
    kind: Any = type(instance)
    found = (loaded.get(name) for name in entity(kind).eager)
    related = (members(value) for value in found if value)
    for arriving in (instance, *chain.from_iterable(related)):
        if inside is None:
            break  # a mock holds nothing else
        state: Any = instance_state(arriving)
        key = state.key or state.mapper.identity_key_from_instance(arriving)
        other = inside.identity_map.get(key)
        if other is None or other is arriving:
            continue
        if instance_state(other).modified:
            raise InvalidRequestError(
                f"The session holds another, changed instance of this {type(arriving).__name__}: "
                f"flush or expunge it first."
            )
        inside.expunge(other)
        displaced.append(other)
    session.add(instance)
    return displaced


def write_whatever_was_read(state: Any, of: Entity, given: Mapping[str, Any]) -> None:
    """Have the framework's own columns written, also where they seem not to have changed."""
    for name in ALWAYS_WRITTEN:
        attribute = of.synonyms.get(name, name)
        is_there = attribute in of.columns and attribute in state.dict
        if name in given and is_there and state.committed_state.get(attribute) == given[name]:
            flag_modified(state.obj(), attribute)


def outdated_by_flush(state: Any, of: Entity) -> set[str]:
    """Return the loaded relationships that the database would give otherwise after the flush."""
    changed, session = state.committed_state, state.session
    deleted = () if session is None else session.deleted
    if not changed and not deleted:
        return set()
    columns = {of.columns[name] for name in changed if name in of.columns}
    return {
        r.key
        for r in of.relationships
        if r.key in state.dict
        and (
            (r.key in changed and r.order_by)
            or (r.key not in changed and not r.uselist and columns & r.local_columns)
            or (deleted and any(member in deleted for member in members(state.dict[r.key])))
        )
    }


class Held:
    """What the objects of a session have loaded, to give it back to those that have lost it.

    Parameters:
        session: the session.
        kind: of which class, if not of every one.
    """

    def __init__(self, session: Session | None, kind: type[Any] = object) -> None:
        held = () if session is None else session.identity_map.values()
        self._written = set() if session is None else written_states(session)
        self._unknown: list[tuple[Any, str]] = []
        self._held = [
            # What was changed and not written is not loaded: the database has the old value.
            (instance, {**state.dict, **state.committed_state})
            for instance, state in [(i, instance_state(i)) for i in held if isinstance(i, kind)]
        ]

    def restore(self, *, whole_transaction: bool) -> None:
        """Set every attribute that is not loaded any more to what it was.

        Parameters:
            whole_transaction: whether all of it was undone, and not a savepoint: what it had
                written before is no more then.
        """
        for instance, values in self._held:
            state: Any = instance_state(instance)
            if whole_transaction and state in self._written:
                continue
            for name in values.keys() & state.unloaded:
                if values[name] is NO_VALUE:
                    self._unknown.append((instance, name))
                else:
                    _restore(instance, state.mapper, name, values[name])

    def reload(self, session: Session) -> None:
        """Read again what the transaction had written, and has not any more, and what was changed
        in place, of which nobody knows the value before."""
        for state in self._written:
            instance = state.obj()
            if instance is not None and state.session is session and state.expired:
                with as_in_flush(session):
                    session.refresh(instance)
        for instance, name in self._unknown:
            with as_in_flush(session):
                session.refresh(instance, [name])


def _restore(instance: Any, mapper: Mapper[Any], name: str, value: Any) -> None:
    relationship = mapper.relationships.get(name)
    if relationship is not None and is_statement(relationship):
        return
    is_collection = relationship is not None and relationship.uselist
    set_committed_value(instance, name, members(value) if is_collection else value)


def live_tables(session: Any, mapped: Any) -> LiveTables:
    """Return the tables that there are, read where a class is stored.

    Parameters:
        session: the session.
        mapped: the class, or its mapper.
    """
    mapper = inspect(mapped)
    current, inside = sessions(session)

    async def connect() -> Any:
        # The catalogue's own tables are bound nowhere.
        return await current.connection(bind_arguments={"mapper": mapper})

    async def fetch(statement: Any) -> Sequence[Mapping[str, Any]]:
        release = claim(inside)
        try:
            result = await (await connect()).execute(statement)
        finally:
            release()
        return result.mappings().all()  # type: ignore[no-any-return]

    async def fetch_schemas() -> Mapping[str | None, str | None]:
        release = claim(inside)
        try:
            options = (await connect()).sync_connection.get_execution_options()
        finally:
            release()
        return options.get("schema_translate_map") or {}

    # An app's own get_bind() need take no other arguments.
    engine = (current if inside is None else inside).get_bind(mapper).engine
    return LiveTables(engine.dialect, fetch, fetch_schemas, engine)
