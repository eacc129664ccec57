"""The rows of one table, for `databases`: what the ORM's mapper and unit of work do elsewhere.

`databases` applies no defaults of Python's, returns no defaults of the server's, does not tell how
many rows a statement has found, and compiles every statement anew.
"""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import lru_cache, partial
from importlib.util import find_spec
from inspect import iscoroutinefunction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Column,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import make_url
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import QueryableAttribute, instance_state, set_committed_value
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import Label
from sqlalchemy.util import LRUCache

from fastapi_users_db.adapters.unit import NO_VALUES
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.comparison import same_text
from fastapi_users_db.exceptions import (
    DatabaseNotConnectedError,
    InvalidValueError,
    MissingDependencyError,
    UnsuitableServerError,
    kind_of,
)
from fastapi_users_db.mapping import Entity, UserEntity, entity, has_attributes, is_mapped_class
from fastapi_users_db.statements import is_owned
from fastapi_users_db.versions.sqlalchemy import (
    ExternalType,
    InstanceState,
    autoincrement_column,
    python_type,
)

if TYPE_CHECKING:
    from databases import Database

__all__ = [
    "CompiledOnce",
    "Rows",
    "UserRow",
    "check_database",
    "check_installed",
    "check_table",
    "give",
    "give_model",
    "is_in_transaction",
    "joined_accounts",
    "live_tables",
    "load",
    "loaded_values",
    "refuse_relationships",
    "select_columns",
    "table_of",
    "transaction",
    "values_after",
    "values_of_new",
    "with_accounts",
]

ACCOUNT = "oauth_account_of_user_"

# What is no value, but gives one in a statement.
_EXPRESSIONS = (ClauseElement, QueryableAttribute)

# The other spelling of a scheme.
DIALECTS = {"postgres": "postgresql"}
# Of a wrapper of the app's own, which need have no more than what executes.
NO_URL = SimpleNamespace(dialect="", driver="")


class UserRow(dict[str, Any]):
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

    @property
    def _mapping(self) -> UserRow:
        """The row as a mapping, as the records of `databases` have it."""
        return self


# Whose records have values that SQLAlchemy has not processed; those of other drivers' it has.
_ASYNCPG = "asyncpg"


class Rows:
    """The rows of one table, by attribute.

    Parameters:
        database: the database.
        of: the class or table.

    Raises:
        TypeError: the rows of this class are spread over tables, or shared with other classes.
        DatabaseNotConnectedError: the database is not connected, and not SQLite.
    """

    def __init__(self, database: Database, of: Entity) -> None:
        _check_has_table_of_its_own(of)
        self._database = database
        self._entity = of
        url: Any = getattr(database, "url", NO_URL)
        self.dialect = DIALECTS.get(url.dialect, str(url.dialect))
        # SQLite has no pool, so it works also without: tests of apps leave the start out.
        if self.dialect != "sqlite" and not getattr(database, "is_connected", True):
            raise DatabaseNotConnectedError()
        self._remember = has_cache_key(of)
        self.statements = (1, 1) if self.dialect == "postgresql" else (1, 2)
        """How many statements a write takes after which nothing, or something, is unknown."""

    def read(
        self, record: Any, prefix: str = "", attributes: Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Return the values of a record whose columns are named with `prefix`."""
        columns = self._entity.columns
        wanted = [(key, columns[key]) for key in attributes or columns]
        raw = getattr(record, "_mapping", None)
        if raw is None:
            # A mapping of the app's own, as of a mock: its values are what they should be.
            names = {key: prefix + column.name for key, column in wanted}
            return {key: record[name] for key, name in names.items() if name in record}
        values = {key: raw[prefix + column.name] for key, column in wanted}
        if type(raw).__module__.startswith(_ASYNCPG):
            # Of its own, `databases` leaves out the type's processing of all but str and numbers.
            for key, column in wanted:
                if (process := _result_processor(column)) is not None:
                    values[key] = process(values[key])
        return values

    def named(self, record: Any) -> dict[str, Any]:
        """Return all values of a record by name, whichever it has: it may be of a join."""
        raw = getattr(record, "_mapping", record)
        values = record if type(raw).__module__.startswith(_ASYNCPG) else raw
        return {name: values[name] for name in raw.keys()}  # noqa: SIM118  a record of asyncpg's iterates over values

    def changes(
        self, row: Mapping[str, Any], values: Mapping[str, Any], given: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Return those of `values` that are not in `row` yet, with `onupdate` where there are.

        Parameters:
            row: the row as it was read.
            values: what it is to be.
            given: the attributes that are written also where they seem to be the same.
        """
        columns = self._entity.columns
        changed = {
            key: value
            for key, value in values.items()
            if key in columns
            and (
                key in given
                or key not in row
                or not _is_same(row[key], value, columns[key].type.compare_values)
            )
        }
        return self.filled(changed, "onupdate") if changed else {}

    def unknown(self, values: Mapping[str, Any], *, new: bool = False) -> set[str]:
        """Return the attributes whose value only the database knows once these were written.

        Raises:
            InvalidValueError: the primary key of a new row is one that it will not tell.
        """
        unknown = self._entity.changed_by_storing(values, self.dialect)
        is_bare = self._entity.mapper is None
        for attribute, column in self._entity.columns.items():
            by_server = (
                (column.server_default, column.default)
                if new
                else (column.server_onupdate, column.onupdate)
            )
            if isinstance(values.get(attribute), _EXPRESSIONS) or (
                attribute not in values
                and (by_server != (None, None) or (new and (column.primary_key or is_bare)))
            ):
                unknown.add(attribute)
        is_told = not new or self.dialect == "postgresql"
        for key in () if is_told else _keys_made(self._entity).untold:
            if values.get(key) is None:
                raise InvalidValueError(
                    f"{self._entity.name}.{key} is missing: over databases, {self.dialect} does "
                    f"not tell which value it makes. Give it one, or the column a default of "
                    f"Python's."
                )
        return unknown

    def may_be_refused(self, model: Any, values: Mapping[str, Any], unknown: set[str]) -> bool:
        """Tell whether the app's model may refuse a row with these values.

        Then the write takes a transaction, in which the model, or the app's hook, has the say.
        """
        if unknown:
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
        query = CompiledOnce(statement, parameters, build, remember=self._remember)
        try:
            return await self._database.fetch_all(query)
        except Exception as error:
            if (unsuitable := UnsuitableServerError.from_backend_error(error)) is not None:
                raise unsuitable from error
            raise

    async def fetch_one(self, statement: Any) -> Any:
        """Return the first record that a statement finds, or `None`."""
        query = CompiledOnce(statement, NO_VALUES, remember=self._remember)
        return await self._database.fetch_one(query)

    async def execute(self, statement: Any, parameters: Mapping[str, Any] = NO_VALUES) -> Any:
        """Execute a statement, and return what `databases` does: ids and numbers, for some."""
        query = CompiledOnce(statement, parameters, remember=self._remember)
        return await self._database.execute(query)

    async def insert(self, values: Mapping[str, Any], unknown: set[str]) -> dict[str, Any]:
        """Insert a row and return it, with the values that were unknown before."""
        row = {key: values.get(key) for key in self._entity.columns}
        if self.dialect == "postgresql" and unknown:
            statement = insert_row(self._entity, tuple(sorted(unknown)))
            [record] = await self.fetch_all(*self._writing(statement, values))
            return {**row, **self.read(record, attributes=unknown)}
        made = {k: v for k, v in _keys_made(self._entity).expressions.items() if row[k] is None}
        keys = self._entity.primary_key
        made.update((k, row[k]) for k in keys if isinstance(row[k], _EXPRESSIONS))
        for key, expression in made.items():
            column = self._entity.columns[key]
            [record] = await self.fetch_all(
                select(type_coerce(expression, column.type).label(column.name))
            )
            row.update(self.read(record, attributes=[key]))
        written = {**values, **{key: row[key] for key in made}}
        row_id = await self.execute(*self._writing(insert_row(self._entity), written))
        for key in self._entity.primary_key:
            if row[key] is None:
                row[key] = row_id
        unknown = {
            key for key in unknown if key not in self._entity.primary_key or row[key] is None
        }
        return {**row, **await self.again(row, unknown)} if unknown else row

    async def update(
        self, row: Mapping[str, Any], changes: Mapping[str, Any], unknown: set[str]
    ) -> dict[str, Any] | None:
        """Change a row and return it, or `None` if it is gone."""
        of, updated = self._entity, {**row, **changes}
        # Something has to come back in any case: it shows that the row was there.
        wanted = unknown or {*of.primary_key}
        if self.dialect == "postgresql":
            statement = update_row(of, tuple(sorted(wanted)))
            records = await self.fetch_all(*self._writing(statement, changes, row))
            return {**updated, **self.read(records[0], attributes=wanted)} if records else None
        number = await self._affected(*self._writing(update_row(of), changes, row))
        if number and not unknown:
            return updated
        # MySQL does not count a row that had these values already.
        again = await self.again(updated, wanted)
        return {**updated, **again} if again else None

    async def delete(self, row: Mapping[str, Any]) -> None:
        """Delete a row."""
        await self.execute(delete_row(self._entity), row_parameters(self._entity, row))

    async def delete_where(self, criterion: Any) -> int:
        """Delete rows and return how many."""
        # What a statement returns is counted.
        counted = tuple(self._entity.primary_key) if self.dialect == "postgresql" else ()
        return await self._affected(delete_rows(self._entity, counted).where(criterion), NO_VALUES)

    async def again(self, row: Mapping[str, Any], attributes: Iterable[str]) -> dict[str, Any]:
        """Read attributes of a row, past the snapshot of the app's transaction; `{}` if it is
        gone."""
        wanted = tuple(sorted(attributes))
        statement = select_row(self._entity, wanted).with_for_update(read=True)
        records = await self.fetch_all(statement, row_parameters(self._entity, row))
        return self.read(records[0], attributes=wanted) if records else {}

    async def _affected(self, statement: Any, parameters: Mapping[str, Any]) -> int:
        if self.dialect == "postgresql":
            return len(await self.fetch_all(statement, parameters))
        if self.dialect == "sqlite":
            query = CompiledOnce(statement, parameters, remember=self._remember)
            async with self._database.connection() as connection:
                await connection.execute(query)
                return int(await connection.fetch_val("SELECT changes()"))
        # A wrapper of the app's own may return nothing.
        return int(await self.execute(statement, parameters) or 0)

    def _writing(
        self, statement: Any, values: Mapping[str, Any], row: Mapping[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Return a statement that writes values, and its parameters."""
        columns = self._entity.columns
        parameters = {} if row is None else row_parameters(self._entity, row)
        expressions = {}
        for attribute, value in values.items():
            if isinstance(value, _EXPRESSIONS):
                expressions[columns[attribute]] = value
            else:
                parameters[columns[attribute].key] = value
        return (statement.values(expressions) if expressions else statement), parameters

    def filled(self, values: Mapping[str, Any], which: str = "default") -> dict[str, Any]:
        """Return values with Python's defaults; NULL in a new row of a mapped class where there is
        none, as the ORM does. What a bare table is not given is left to the database."""
        columns, filled = self._entity.columns, {**values}
        if which == "default" and self._entity.mapper is not None:
            for attribute, column in columns.items():
                if not (column.default or column.server_default or column.primary_key):
                    filled.setdefault(attribute, None)
        context = _DefaultContext()
        for attribute, column in columns.items():
            default = getattr(column, which)
            if attribute in values or default is None:
                continue
            if default.is_callable:
                # As the ORM has them: other defaults too, `None` until their turn; no expressions.
                context.current_parameters = {
                    other.key: filled.get(key)
                    for key, other in columns.items()
                    if (key in filled or getattr(other, which) is not None)
                    and not isinstance(filled.get(key), _EXPRESSIONS)
                }
                filled[attribute] = default.arg(context)
            elif default.is_scalar:
                filled[attribute] = default.arg
        return filled


class _DefaultContext:
    """What SQLAlchemy gives to a default that is a function of the other values."""

    current_parameters: dict[str, Any]

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> dict[str, Any]:
        return self.current_parameters


def _is_same(one: Any, other: Any, compare: Callable[[Any, Any], Any] = operator.eq) -> bool:
    """Tell whether two values are the same to a database. In JSON, 1 and True are not.

    Parameters:
        one: a value.
        other: another one.
        compare: how the column's type compares them.
    """
    if type(one) is not type(other) or isinstance(other, _EXPRESSIONS) or not compare(one, other):
        return False
    if isinstance(one, dict):
        return all(_is_same(value, other[key]) for key, value in one.items())
    return not isinstance(one, list) or all(map(_is_same, one, other))


class _Keys(NamedTuple):
    """How a database without RETURNING makes a primary key.

    Attributes:
        expressions: those that are defaults, by attribute. They are asked for their value before.
        untold: the attributes of which it does not tell what it has made.
    """

    expressions: dict[str, Any]
    untold: list[str]


@lru_cache(maxsize=256)
def _keys_made(of: Entity) -> _Keys:
    defaults: dict[str, Any] = {key: of.columns[key].default for key in of.primary_key}
    made = {k: d.arg for k, d in defaults.items() if d is not None and d.is_clause_element}
    counted = autoincrement_column(of.table)
    return _Keys(made, [k for k in defaults if k not in made and of.columns[k] is not counted])


# What each statement is, built once for each class or table.


@lru_cache(maxsize=256)
def select_columns(of: Entity) -> Any:
    """Return the statement for all rows of a table, to be narrowed down."""
    return select(*of.columns.values())


@lru_cache(maxsize=256)
def insert_row(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that inserts a row, given values by column key.

    Parameters:
        of: the class or table.
        returning: the attributes that the statement returns.
    """
    return _returning(insert(of.table), of, returning)


@lru_cache(maxsize=256)
def update_row(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that changes a row, given `row_parameters` and values by column key."""
    return _returning(update(of.table).where(_is_row(of)), of, returning)


@lru_cache(maxsize=256)
def delete_row(of: Entity) -> Any:
    """Return the statement that deletes a row, given `row_parameters`."""
    return delete(of.table).where(_is_row(of))


@lru_cache(maxsize=256)
def delete_rows(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that deletes all rows, to be narrowed down."""
    return _returning(delete(of.table), of, returning)


@lru_cache(maxsize=256)
def select_row(of: Entity, attributes: tuple[str, ...]) -> Any:
    """Return the statement that reads a row, given `row_parameters`."""
    return select(*(of.columns[attribute] for attribute in attributes)).where(_is_row(of))


def row_parameters(of: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that say which row it is: the one with the primary key in `values`."""
    return {name: values[attribute] for attribute, name in _row_names(of).items()}


@lru_cache(maxsize=256)
def _row_names(of: Entity) -> dict[str, str]:
    """Return the parameters for the primary key by attribute: none has the name of a column."""
    prefix = "row_"
    while any(column.key.startswith(prefix) for column in of.table.columns):
        prefix = f"a_{prefix}"
    return {attribute: f"{prefix}{n}" for n, attribute in enumerate(of.primary_key)}


def _is_row(of: Entity) -> Any:
    return and_(*(_is_value(of.columns[key], name) for key, name in _row_names(of).items()))


def _is_value(column: Column[Any], name: str) -> Any:
    parameter = bindparam(name, type_=column.type)
    return same_text(column, parameter) if python_type(column) is str else column == parameter


def _returning(statement: Any, of: Entity, attributes: tuple[str, ...]) -> Any:
    columns = [of.columns[attribute] for attribute in attributes]
    return statement.returning(*columns) if columns else statement


@lru_cache(maxsize=256)
def has_cache_key(of: Entity) -> bool:
    """Tell whether SQLAlchemy can tell statements for a table apart, and asks nothing first.

    It warns of a type of the app's own that does not say whether it may.
    """
    columns = [*of.columns.values(), *(() if of.oauth is None else of.oauth.columns.values())]
    types = [type(column.type) for column in columns]
    return all(vars(t).get("cache_ok") is not None for t in types if issubclass(t, ExternalType))


@lru_cache(maxsize=256)
def _check_has_table_of_its_own(of: Entity) -> None:
    mapper = of.mapper
    if mapper is not None and (mapper.inherits is not None or mapper.polymorphic_on is not None):
        # Its rows are spread over tables, or shared with other classes: one of another user's
        # would be read, or an object of the wrong class.
        raise TypeError(
            f"{of.name} inherits from another mapped class, or others inherit from it, which the "
            f"databases adapter cannot read. Use the ORM adapter."
        )


# Instances of mapped classes, of which the ORM knows nothing.


def load(of: Entity, values: Mapping[str, Any]) -> Any:
    """Return an instance as the ORM would after its session was closed: loaded and detached."""
    assert of.mapper is not None
    instance = of.mapper.class_manager.new_instance()
    for attribute, value in values.items():
        set_committed_value(instance, attribute, value)
    make_transient_to_detached(instance)
    state: InstanceState[Any] = inspect(instance)
    # `@reconstructor`, mutable types and the app's own listeners wait for this event.
    state.manager.dispatch.load(state, None)
    return instance


def give(instance: Any, values: Mapping[str, Any]) -> None:
    """Give an instance values as if they were loaded."""
    for attribute, value in values.items():
        set_committed_value(instance, attribute, value)
    state: Any = instance_state(instance)
    # Mutable types, composites and the app's own listeners wait for this event.
    state.manager.dispatch.refresh(state, None, values.keys())


def give_model(instance: Any, values: Mapping[str, Any]) -> None:
    """Give an object of the app's own class what was written, whatever it lets others set."""
    for attribute, value in values.items():
        if not hasattr(instance, attribute) or getattr(instance, attribute) is value:
            continue
        try:
            setattr(instance, attribute, value)
        except Exception:  # it is frozen, or checks what is half-way
            held = getattr(instance, "__dict__", {})
            if attribute in held:
                held[attribute] = value


def values_of_new(of: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a new row: those that an instance has once it is built."""
    if of.mapper is None:
        return dict(values)
    # As the ORM does: `None` that was not asked for by the type gives way to the default.
    return {
        attribute: value
        for attribute, value in of.values(of.build(values)).items()
        if value is not None or of.columns[attribute].type.should_evaluate_none
    }


def values_after(of: Entity, row: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row after these changes were set on its instance."""
    if of.mapper is None:
        return {**row, **changes}
    instance = load(of, row)
    for attribute, value in changes.items():
        setattr(instance, attribute, value)
    return of.values(instance)


def loaded_values(of: Entity, instance: Any) -> dict[str, Any]:
    """Return the values as they were loaded, without changes that are not written yet.

    Nothing, if the instance was never written.
    """
    if of.mapper is None:
        return of.values(instance)
    state: InstanceState[Any] = instance_state(instance)
    if state.key is None:
        return {}
    held = {**state.dict, **state.committed_state}
    return {key: held[key] for key in of.columns if held.get(key, NO_VALUE) is not NO_VALUE}


def joined_accounts(
    database: Database, users: UserEntity, records: Sequence[Any]
) -> list[dict[str, Any]] | None:
    """Return the OAuth accounts in the records of one user, or `None` if there is no table."""
    if users.oauth is None:
        return None
    rows = Rows(database, users.oauth)
    read = [rows.read(record, ACCOUNT) for record in records]
    # Once each, if the user was found through several.
    by_key = {tuple(account[key] for key in users.oauth.primary_key): account for account in read}
    return [account for key, account in by_key.items() if None not in key]


# Not a driver's dialect: asyncpg's values are to be processed as `databases` would.
_POSTGRESQL: Any = PGDialect()  # type: ignore[no-untyped-call]
_POSTGRESQL.supports_native_decimal = True


@lru_cache(maxsize=1024)
def _result_processor(column: Column[Any]) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(_POSTGRESQL).result_processor(_POSTGRESQL, None)


def is_in_transaction(database: Database) -> bool:
    """Tell whether there is a transaction of the app's own; of a mock, nobody knows."""
    connection = getattr(database, "connection", lambda: None)()
    return bool(getattr(connection, "_transaction_stack", True))


@asynccontextmanager
async def transaction(database: Database, atomic: bool) -> AsyncIterator[None]:
    """Open a transaction, and give its connection back to the pool whatever happens.

    A single statement needs none, unless the app has one: on PostgreSQL an error would end it, so
    that statement gets a savepoint.

    `databases` keeps the connection for good when BEGIN, COMMIT or ROLLBACK fails, as it does
    when the server is gone; and the error of the ROLLBACK hides that of the statement.
    """
    begun: Any = database.transaction() if hasattr(database, "transaction") else None
    if not iscoroutinefunction(getattr(begun, "start", None)):
        # A wrapper of the app's own, or a mock, which has none.
        yield
        return
    connection: Any = database.connection()
    if not atomic and not getattr(connection, "_transaction_stack", True):
        yield
        return
    held = getattr(connection, "_connection_counter", None)
    is_shared = getattr(database, "_force_rollback", False)
    async with _turn(connection) if is_shared else nullcontext():
        try:
            await begun.start()
            try:
                yield
            except BaseException:
                with suppress(Exception):
                    await begun.rollback()
                raise
            await begun.commit()
        except BaseException:
            while held is not None and connection._connection_counter > held:
                with suppress(Exception):
                    await connection.__aexit__()
            raise


class _Turns(asyncio.Lock):
    """The lock of a connection, and the task that has it."""

    holder: Any = None


# By connection, of those that several tasks share.
_turns: WeakKeyDictionary[Any, _Turns] = WeakKeyDictionary()


@asynccontextmanager
async def _turn(connection: Any) -> AsyncIterator[None]:
    """Wait until no other task is in a savepoint: with `force_rollback` all share a connection, and
    `databases` has to end first what has begun last."""
    turns, task = _turns.setdefault(connection, _Turns()), asyncio.current_task()
    if turns.holder is task:
        yield
        return
    async with turns:
        turns.holder = task
        try:
            yield
        finally:
            turns.holder = None


def live_tables(database: Database) -> LiveTables:
    """Return the tables that there are."""

    async def fetch(statement: Any) -> Sequence[Mapping[str, Any]]:
        records = await database.fetch_all(statement)
        return [dict(getattr(record, "_mapping", record)) for record in records]

    name = DIALECTS.get(database.url.dialect, database.url.dialect)
    dialect = _POSTGRESQL if name == "postgresql" else make_url(f"{name}://").get_dialect()()
    return LiveTables(dialect, fetch, source=database)


@lru_cache(maxsize=256)
def with_accounts(users: UserEntity) -> Callable[[Any], Any]:
    """Return what makes one statement, and one round trip, for users beside their accounts."""
    assert users.oauth is not None
    accounts, references = users.oauth, users.references

    def join(statement: Any) -> Any:
        found = statement.subquery()
        labels = (column.label(ACCOUNT + column.name) for column in accounts.columns.values())
        owned = [account == found.columns[user.key] for account, user in references]
        return select(*found.columns, *labels).select_from(
            found.outerjoin(accounts.table, is_owned(owned))
        )

    return join


# As many as an engine remembers.
_remembered: LRUCache[Any, Any] = LRUCache(500)


class CompiledOnce(ClauseElement):
    """A statement that is compiled only if none like it was, whatever its values.

    Parameters:
        statement: the statement.
        parameters: values by column key and by name of parameter, as in `execute()`.
        build: returns what is to be executed instead of `statement`, with no other values. To be
            the same object each time.
        remember: whether to ask for the statement's cache key at all.
    """

    inherit_cache = False

    def __init__(
        self,
        statement: Any,
        parameters: Mapping[str, Any],
        build: Callable[[Any], Any] | None = None,
        *,
        remember: bool = True,
    ) -> None:
        self._statement = statement
        self._parameters = parameters
        self._build = build
        self._remember = remember

    def __str__(self) -> str:
        return str(self._built())

    def _execute_on_connection(self, connection: Any, *_: Any, **__: Any) -> Any:
        # SQLAlchemy's own connections ask for this: a wrapper of the app's own may have one.
        return connection.execute(self._built(), dict(self._parameters))

    def _built(self) -> Any:
        return self._statement if self._build is None else self._build(self._statement)

    def compile(self, bind: Any = None, dialect: Any = None, **options: Any) -> Any:
        """Return the compiled statement with its values, as `databases` reads it."""
        cache_key = self._statement._generate_cache_key() if self._remember else None
        key = cache_key and (dialect, cache_key.key, self._build, *self._parameters)
        compiled = _remembered.get(key)
        names = [*self._parameters] or None
        if compiled is None:
            compiled = self._built().compile(
                dialect=dialect, column_keys=names, cache_key=cache_key
            )
            compiled._result_columns = [*map(_without_label, compiled._result_columns)]
            compiled._bind_processors  # noqa: B018  worked out once, for all copies
            if key is not None:
                _remembered[key] = compiled
        if compiled.post_compile_params or compiled.literal_execute_params:
            # Its text depends on its values, as with the length of a list.
            return self._built().compile(dialect=dialect, column_keys=names, **options)
        # A copy with values of its own.
        copy = object.__new__(type(compiled))
        copy.__dict__.update(compiled.__dict__)
        copy.construct_params = partial(
            compiled.construct_params,
            self._parameters,
            extracted_parameters=cache_key and cache_key.bindparams,
        )
        return copy


def _without_label(entry: Any) -> Any:
    """Return a result column as text where it is a label: `databases` makes it that each time."""
    name, key, objects, type_ = entry
    return (name, key, tuple(str(o) if isinstance(o, Label) else o for o in objects), type_)


def refuse_relationships(of: Entity, values: Mapping[str, Any]) -> None:
    """Raise `TypeError` if a value is one of a relationship, which no row has."""
    for relationship in of.relationships:
        if relationship.key in values:
            raise TypeError(
                f"{of.name}.{relationship.key} is a relationship: with databases only columns are "
                f"written."
            )


def table_of(table: Any) -> Table | None:
    """Return the table of a mapped class, or the table that it is."""
    return table if table is None or isinstance(table, Table) else entity(table).table


def check_installed() -> None:
    """Raise `MissingDependencyError` if `databases` is not installed."""
    if find_spec("databases") is None:
        raise MissingDependencyError(
            'The databases adapter needs the package databases and a driver: pip install "fastapi-'
            'users-db[databases,aiosqlite]", or asyncpg or aiomysql in place of aiosqlite.'
        )


def check_database(database: Any, usage: str) -> None:
    """Raise `TypeError` if this is no `Database`, with the right call."""
    if not has_attributes(database, "fetch_one"):
        kind = kind_of(database)
        raise TypeError(f"database must be a databases.Database, not {kind}. Call {usage}.")


def check_table(name: str, table: Any, model: Any, usage: str) -> None:
    """Raise `TypeError` if this is nothing that rows can be read of, with the right call."""
    of = "access_token" if name == "access_token_table" else "user"
    if isinstance(table, Table) and model is None:
        raise TypeError(
            f"{name} is a bare Table: pass the mapped class, or say what to build from a row, "
            f"as {usage.partition(')')[0]}, {of}_model=...)."
        )
    if not isinstance(table, Table) and not is_mapped_class(table):
        raise TypeError(f"{name} must be a mapped class, not {kind_of(table)}. Call {usage}.")
