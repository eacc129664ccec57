"""What the adapters know of the app's classes: which attribute is which column.

Nothing here talks to a database. Everything is worked out once per class and cached.
"""

from __future__ import annotations

import inspect as python_inspect
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any, cast

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Enum,
    Integer,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    inspect,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import (
    Mapper,
    RelationshipProperty,
    joinedload,
    make_transient_to_detached,
    undefer,
)
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.functions import FunctionElement

from fastapi_users_db.exceptions import InvalidIDError, InvalidValueError
from fastapi_users_db.types import GUID, TIMESTAMPAware
from fastapi_users_db.values import checked_value, is_storable
from fastapi_users_db.versions.sqlalchemy import ExternalType, InstanceState, python_type

__all__ = ["Entity", "Snapshot", "UserEntity", "entity", "user_entity"]

OAUTH_ACCOUNTS = "oauth_accounts"


class Entity:
    """A mapped class, or a bare `Table`, as attributes that are columns.

    Attributes:
        name: what messages call it.
        table: the table behind it.
        columns: the columns by attribute name, which need not be the column's own name.
        mapper: the mapper, or `None` for a bare `Table`.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self.mapper: Mapper[Any] | None = None
        self.synonyms: dict[str, str] = {}
        self.name: str
        self.table: Table
        if isinstance(target, Table):
            self.name = target.name
            self.table = target
            self.columns: dict[str, Column[Any]] = dict(target.columns.items())
            return
        mapper: Mapper[Any] | None = inspect(target, raiseerr=False)
        if mapper is None:
            raise TypeError(f"{target!r} is not mapped to a table.")
        self.mapper = mapper
        self.name = target.__name__
        self.table = cast("Table", mapper.local_table)
        self.columns = {
            attribute.key: attribute.columns[0]
            for attribute in mapper.column_attrs
            if isinstance(attribute.columns[0], Column)
        }
        self.synonyms = {synonym.key: synonym.name for synonym in mapper.synonyms}
        # Deleting what is gone already is a success; SQLAlchemy would warn.
        mapper.confirm_deleted_rows = False
        self._init_parameters, self._init_takes_any = _init_parameters(target)

    @cached_property
    def _kept_types(self) -> dict[str, type[Any]]:
        return {key: _kept_type(column) for key, column in self.columns.items()}

    @cached_property
    def has_cache_key(self) -> bool:
        """Whether SQLAlchemy can tell statements for this table apart, and asks nothing first.

        It warns of a type of the app's own that does not say whether it may.
        """
        types = (type(column.type) for column in self.columns.values())
        return all(
            vars(t).get("cache_ok") is not None for t in types if issubclass(t, ExternalType)
        )

    @cached_property
    def _null_at_first(self) -> list[str]:
        """The attributes that are NULL in a new row unless they are given a value."""
        assert self.mapper is not None
        return [
            attribute
            for attribute, column in self.columns.items()
            if column.default is None
            and column.server_default is None
            and not column.primary_key
            and not column.type.should_evaluate_none
            and column is not self.mapper.version_id_col
        ]

    @property
    def id(self) -> str:
        """The attribute behind `id`."""
        return self.synonyms.get("id", "id")

    def column(self, attribute: str) -> Column[Any]:
        """Return the column behind an attribute, also behind a synonym of one."""
        column = self.find_column(attribute)
        if column is None:
            raise TypeError(f"{self.name} has no column attribute {attribute!r}.")
        return column

    def find_column(self, attribute: str) -> Column[Any] | None:
        """Return the column behind an attribute or a synonym, or `None` if there is none."""
        return self.columns.get(self.synonyms.get(attribute, attribute))

    def attribute(self, column: Column[Any]) -> str:
        """Return the attribute that is a column."""
        return next(key for key, value in self.columns.items() if value is column)

    @cached_property
    def primary_key(self) -> list[str]:
        """The attributes that make up the primary key, in the table's order."""
        return [self.attribute(column) for column in self.table.primary_key.columns]

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, and refuse what the class does not know or a column cannot hold.

        Raises:
            TypeError: an unknown attribute, or an e-mail address that is not a string.
            InvalidValueError: a value that one of the databases cannot store in its column.
        """
        checked = {}
        for attribute, value in checked_mapping(values).items():
            if not self.knows(attribute):
                raise TypeError(f"{attribute!r} is not an attribute of {self.name}.")
            column = self.find_column(attribute)
            if column is None:
                self._check_settable(attribute, value)
                checked[attribute] = value
            else:
                checked[attribute] = self._value(attribute, column, value)
        return checked

    def _value(self, attribute: str, column: Column[Any], value: Any) -> Any:
        if attribute == "email" and not isinstance(value, str | ClauseElement):
            raise TypeError(f"{self.name}.email must be a str, not {type(value).__name__}.")
        return checked_value(f"{self.name}.{attribute}", column, value)

    def _check_settable(self, attribute: str, value: Any) -> None:
        """Raise `TypeError` if setting an attribute that is no column would fail, or be lost."""
        assert self.mapper is not None
        relationship = self.mapper.relationships.get(attribute)
        if relationship is not None:
            self._check_related(relationship, value)
            return
        found = python_inspect.getattr_static(self.target, attribute, None)
        is_private = attribute.startswith("_") and attribute not in self._init_parameters
        is_method = callable(found) or isinstance(found, classmethod)
        # A property or a hybrid without a setter; an expression in place of a column.
        is_read_only = getattr(found, "fset", found) is None and found is not None
        if is_private or is_method or is_read_only or attribute in self.mapper.column_attrs:
            raise TypeError(f"{self.name}.{attribute} cannot be set.")

    def _check_related(self, relationship: RelationshipProperty[Any], value: Any) -> None:
        is_collection = isinstance(value, list | set | tuple | Mapping)
        given = value.values() if isinstance(value, Mapping) else members(value)
        target = relationship.mapper.class_
        if is_collection is not relationship.uselist or not all(
            isinstance(instance, target) for instance in given
        ):
            several = "a collection of " if relationship.uselist else ""
            raise TypeError(
                f"{self.name}.{relationship.key} must be {several}{target.__name__}, "
                f"not {type(value).__name__}."
            )

    def knows(self, attribute: str) -> bool:
        """Tell whether the class, or the table, has this attribute."""
        if self.mapper is None or not isinstance(attribute, str):
            return attribute in self.columns
        return hasattr(self.target, attribute) or attribute in self._init_parameters

    def build(self, values: Mapping[str, Any]) -> Any:
        """Return a new instance: through the class's own constructor, as far as it takes them."""
        if self._init_takes_any:
            instance = self.target(**values)
        else:
            taken = {k: v for k, v in values.items() if k in self._init_parameters}
            instance = self.target(**taken)
            assign(instance, {k: v for k, v in values.items() if k not in taken})
        loaded = instance_state(instance).dict
        for attribute in self._null_at_first:
            if attribute not in loaded:
                # It need not be read after the flush.
                set_committed_value(instance, attribute, None)
        return instance

    def load(self, values: Mapping[str, Any]) -> Any:
        """Return an instance as the ORM would after its session was closed: loaded and detached."""
        assert self.mapper is not None
        instance = self.mapper.class_manager.new_instance()
        for attribute, value in values.items():
            set_committed_value(instance, attribute, value)
        make_transient_to_detached(instance)
        state: InstanceState[Any] = inspect(instance)
        # `@reconstructor`, mutable types and the app's own listeners wait for this event.
        state.manager.dispatch.load(state, None)
        return instance

    def error_about_key(self, values: Mapping[str, Any]) -> InvalidValueError | None:
        """Return the error that says that a new row lacks its primary key, if it does.

        MySQL and MariaDB would tell it of the column's default, the others of its NULL.
        """
        for attribute in self.primary_key:
            column = self.columns[attribute]
            by_database = column.server_default is not None or isinstance(column.type, Integer)
            if values.get(attribute) is None and column.default is None and not by_database:
                return InvalidValueError(f"{self.name}.{attribute} is missing: it has no default.")
        return None

    def values_of_new(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a new row: those that an instance has once it is built."""
        if self.mapper is None:
            return dict(values)
        # As the ORM does: `None` that was not asked for by the type gives way to the default.
        return {
            attribute: value
            for attribute, value in self.values(self.build(values)).items()
            if value is not None or self.columns[attribute].type.should_evaluate_none
        }

    def values_of_changed(
        self, row: Mapping[str, Any], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the values of a row after these were set on its instance."""
        if self.mapper is None:
            return {**row, **values}
        instance = self.load(row)
        assign(instance, values)
        return self.values(instance)

    def values(self, instance: Any) -> dict[str, Any]:
        """Return the values of an instance's columns, as far as they are loaded."""
        if self.mapper is None:
            return {k: getattr(instance, k) for k in self.columns if hasattr(instance, k)}
        loaded = inspect(instance).dict
        return {key: loaded[key] for key in self.columns if key in loaded}

    def loaded_values(self, instance: Any) -> dict[str, Any]:
        """Return the values as they were loaded, without changes that are not written yet."""
        if self.mapper is None:
            return self.values(instance)
        loaded = _loaded_values(instance, _held_values(instance))
        return {key: loaded[key] for key in self.columns if key in loaded}

    def changed_by_storing(self, values: Mapping[str, Any], dialect: str) -> set[str]:
        """Return the attributes whose value the database may hand back in another form."""
        return {
            attribute
            for attribute, value in values.items()
            if attribute in self.columns
            and type(value) is not self._kept_types[attribute]
            and not _is_stored_as_is(self.columns[attribute], value, dialect)
        }


class UserEntity(Entity):
    """The user's class or table, with what the adapters ask for: id, e-mail, OAuth accounts.

    Attributes:
        oauth: the OAuth account's class or table, or `None`.
        oauth_user: the column of the OAuth account that refers to the user.
        oauth_user_key: its attribute.
        oauth_owner: the relationships of the OAuth account that lead to its user.
        user_oauth: the column of the user that it refers to.
        oauth_onclause: the criterion that the one refers to the other.
        options: loader options that make a loaded user complete.
        complete: the attributes that a complete user has loaded.
        eager: those of them that are relationships.
    """

    def __init__(self, target: Any, oauth_target: Any = None) -> None:
        super().__init__(target)
        self.id_column = self.column("id")
        self.email_column = self.column("email")
        self.oauth = None if oauth_target is None else entity(oauth_target)
        self.options: list[Any] = []
        self.complete: set[str] = set(self.columns)
        self.eager: list[str] = []
        self.relationships: list[RelationshipProperty[Any]] = []
        if self.oauth is not None:
            self.oauth_user, self.user_oauth = self._oauth_reference(self.oauth)
            self.oauth_onclause = self.oauth_user == self.user_oauth
            self.oauth_user_key = self.oauth.attribute(self.oauth_user)
            mapper = self.oauth.mapper
            related: Iterable[Any] = () if mapper is None else mapper.relationships
            self.oauth_owner = {r.key for r in related if self.oauth_user in r.local_columns}
        if self.mapper is not None:
            self._describe_mapper(self.mapper)

    def _describe_mapper(self, mapper: Mapper[Any]) -> None:
        self.options += [
            undefer(getattr(self.target, attribute.key))
            for attribute in mapper.column_attrs
            if attribute.deferred and not attribute.raiseload
        ]
        self.relationships = list(mapper.relationships)
        self.eager = [r.key for r in self.relationships if _is_eager(r)]
        if self.oauth is not None and OAUTH_ACCOUNTS not in self.eager:
            self.eager.append(OAUTH_ACCOUNTS)
            self.options.append(joinedload(getattr(self.target, OAUTH_ACCOUNTS)))
        self.complete.update(self.eager)

    def _oauth_reference(self, oauth: Entity) -> tuple[Column[Any], Column[Any]]:
        if self.mapper is not None:
            relationship = self.mapper.relationships.get(OAUTH_ACCOUNTS)
            if relationship is None or relationship.mapper.local_table is not oauth.table:
                raise TypeError(
                    f"{self.name} needs a relationship to {oauth.name}: oauth_accounts: "
                    f'Mapped[list[{oauth.name}]] = relationship("{oauth.name}", lazy="joined")'
                )
            pairs: Any = relationship.local_remote_pairs
            [(user_column, oauth_column)] = pairs
            return oauth_column, user_column
        references = [fk for fk in oauth.table.foreign_keys if fk.column.table is self.table]
        if references:
            reference = min(references, key=lambda foreign_key: foreign_key.parent.name)
            return reference.parent, reference.column
        return oauth.column("user_id"), self.id_column

    @cached_property
    def has_cache_key(self) -> bool:
        """Whether SQLAlchemy asks nothing first, neither of the OAuth account's table."""
        return super().has_cache_key and (self.oauth is None or self.oauth.has_cache_key)

    @cached_property
    def has_versions(self) -> bool:
        """Whether SQLAlchemy counts the changes of a user, to refuse one of an older version."""
        return self.mapper is not None and self.mapper.version_id_col is not None

    @cached_property
    def has_lower_email_index(self) -> bool:
        """Whether the table declares a unique index on the e-mail address in lower case."""
        return any(
            _is_lower(key, self.email_column)
            for keys in _unique_keys(self.email_column.table)
            for key in keys
            if len(keys) == 1
        )

    @cached_property
    def account_columns(self) -> tuple[Column[Any], Column[Any]]:
        """The columns of the OAuth account that name the external account: client, and id there."""
        assert self.oauth is not None
        return self.oauth.column("oauth_name"), self.oauth.column("account_id")

    @cached_property
    def has_unique_accounts(self) -> bool:
        """Whether the OAuth account's table declares that an external account is there once."""
        if self.oauth is None:
            return False
        account = set(self.account_columns)
        return any(unique <= account for unique in _unique_keys(self.oauth.table))

    def relationships_through(self, attributes: Iterable[str]) -> list[str]:
        """Return the relationships that lead elsewhere once these attributes have changed."""
        columns = {self.find_column(attribute) for attribute in attributes}
        return [r.key for r in self.relationships if not columns.isdisjoint(r.local_columns)]

    def id_value(self, value: Any) -> Any:
        """Return what to compare the id column with, or `None` if no row can have this id.

        Raises:
            InvalidIDError: `value` is of a type that is no id of this table.
        """
        id_type = python_type(self.id_column)
        if id_type is uuid.UUID and isinstance(value, str):
            try:
                return uuid.UUID(value)
            except ValueError:
                raise InvalidIDError(f"{self.name}.id: this string is no UUID.") from None
        if id_type in (uuid.UUID, int, str) and (
            not isinstance(value, id_type) or isinstance(value, bool)
        ):
            raise InvalidIDError(
                f"{self.name}.id is {id_type.__name__}, not {type(value).__name__}."
            )
        if isinstance(value, int):
            return _integer_operand(value)
        if isinstance(value, str) and not is_storable(value):
            return None
        return value

    def identity(self, user: Any) -> Any:
        """Return the id of `user` without touching a database, even where it is expired."""
        if self.mapper is None:
            return getattr(user, self.id)
        state: InstanceState[Any] = inspect(user)
        if self.id in state.dict:
            return state.dict[self.id]
        if state.identity is not None and self.primary_key == [self.id]:
            return state.identity[0]
        return None


class Snapshot:
    """What objects have loaded, to give it back after a commit or a rollback has expired it."""

    def __init__(self, objects: Iterable[Any]) -> None:
        # There may be many, and they are seldom given back: what is left out is left out then.
        self._held = [(instance, _held_values(instance)) for instance in objects]

    def restore(self) -> None:
        """Set every attribute to what it was, as a value that was loaded."""
        for instance, held in self._held:
            for key, value in _loaded_values(instance, held).items():
                set_committed_value(instance, key, value)


def _held_values(instance: Any) -> dict[str, Any]:
    state: InstanceState[Any] = instance_state(instance)
    if state.key is None:
        return {}
    # What was changed but not written is not loaded: the database has the old value.
    held = {**state.dict, **state.committed_state}
    for key in _collections(state.mapper):
        if held.get(key, NO_VALUE) is not NO_VALUE:
            held[key] = members(held[key])
    return held


def _loaded_values(instance: Any, held: Mapping[str, Any]) -> dict[str, Any]:
    attributes = _loadable(inspect(instance).mapper)
    return {k: held[k] for k in attributes if held.get(k, NO_VALUE) is not NO_VALUE}


@lru_cache(maxsize=256)
def _collections(mapper: Mapper[Any]) -> frozenset[str]:
    return _loadable(mapper).intersection(r.key for r in mapper.relationships if r.uselist)


@lru_cache(maxsize=256)
def _loadable(mapper: Mapper[Any]) -> frozenset[str]:
    # A dynamic relationship is a statement: it holds what is new in it, and nothing loaded.
    dynamic = {r.key for r in mapper.relationships if r.lazy in ("dynamic", "write_only")}
    return frozenset(mapper.class_manager).difference(dynamic)


def members(value: Any) -> list[Any]:
    """Return the objects that the value of a relationship consists of."""
    if value is None:
        return []
    adapter = getattr(value, "_sa_adapter", None)
    if adapter is not None:
        return list(adapter)
    return list(value) if isinstance(value, list | set | tuple) else [value]


@lru_cache(maxsize=256)
def entity(target: Any) -> Entity:
    """Return the description of a mapped class or a `Table`."""
    return Entity(target)


@lru_cache(maxsize=256)
def user_entity(user_table: Any, oauth_account_table: Any = None) -> UserEntity:
    """Return the description of a user table and the OAuth account table that goes with it."""
    return UserEntity(user_table, oauth_account_table)


def assign(instance: Any, values: Mapping[str, Any]) -> None:
    """Set attributes of an instance."""
    for attribute, value in values.items():
        setattr(instance, attribute, value)


def read(instance: Any, attribute: str) -> Any:
    """Return an attribute of an instance, or an item of a mapping; `None` if it has none."""
    if isinstance(instance, Mapping):
        return instance.get(attribute)
    return getattr(instance, attribute, None)


def checked_mapping(values: Any) -> Mapping[str, Any]:
    """Return `values`, or raise `TypeError` if it is no dict."""
    if not isinstance(values, Mapping):
        raise TypeError(f"Expected a dict of values by attribute, not {type(values).__name__}.")
    return values


def checked_instance(instance: Any, of: Any) -> Any:
    """Return `instance`, or raise `TypeError` if it is none of this class."""
    if not isinstance(instance, of):
        kind = instance if isinstance(instance, type) else type(instance)
        raise TypeError(f"Expected an instance of {of.__name__}, not {kind.__name__}.")
    return instance


def has_attributes(value: Any, *names: str) -> bool:
    """Tell by its attributes whether `value`, no class, is of some kind.

    Never by its type: apps pass mocks, and proxies that nothing may be behind yet.
    """
    try:
        return not isinstance(value, type) and all(hasattr(value, name) for name in names)
    except (LookupError, RuntimeError):
        return True


def is_mapped_class(value: Any) -> bool:
    """Tell whether `value` is a class that SQLAlchemy maps."""
    return isinstance(value, type) and inspect(value, raiseerr=False) is not None


def _init_parameters(target: type[Any]) -> tuple[frozenset[str], bool]:
    parameters = python_inspect.signature(target).parameters.values()
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return frozenset(p.name for p in parameters), takes_any


def _integer_operand(value: int) -> Any:
    if not -(2**63) <= value < 2**63:
        return None
    # asyncpg refuses what is out of the column's range; a wider operand is simply not found.
    return value if -(2**31) <= value < 2**31 else sql_cast(value, BigInteger)


def _unique_keys(table: Table) -> Iterator[set[Any]]:
    """Yield what a table declares to be unique together in all of its rows: columns, mostly."""
    for index in table.indexes:
        is_partial = any(option.endswith("_where") for option in index.dialect_kwargs)
        if index.unique and not is_partial:
            yield set(index.expressions)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and not (
            constraint.deferrable or constraint.initially
        ):
            yield set(constraint.columns)


def _is_lower(key: Any, column: Column[Any]) -> bool:
    """Tell whether this part of an index is `lower()` of a column."""
    if not isinstance(key, FunctionElement) or getattr(key, "name", None) != "lower":
        return False
    return [getattr(argument, "key", None) for argument in key.clauses] == [column.key]


class _NoType:
    """The type of no value."""


def _kept_type(column: Column[Any]) -> type[Any]:
    """Return the type whose values every database hands back as they were given."""
    if isinstance(column.type, CHAR | Enum):
        return _NoType
    if isinstance(column.type, String | Boolean | Integer):
        return python_type(column)
    return uuid.UUID if python_type(column) is uuid.UUID else _NoType


def _is_stored_as_is(column: Column[Any], value: Any, dialect: str) -> bool:
    """Tell it of a value whose type is not the one that the column keeps."""
    if value is None:
        # A decorator of the app's own may make something of it.
        return isinstance(column.type, GUID | TIMESTAMPAware) or not isinstance(
            column.type, TypeDecorator
        )
    if isinstance(column.type, TIMESTAMPAware):
        # MySQL keeps whole seconds.
        is_utc = isinstance(value, datetime) and value.utcoffset() == timedelta(0)
        return is_utc and dialect not in ("mysql", "mariadb")
    # asyncpg reads ids as a subclass of its own.
    return isinstance(value, uuid.UUID) and _kept_type(column) is uuid.UUID


def _is_eager(relationship: RelationshipProperty[Any]) -> bool:
    return relationship.lazy in (False, "joined", "selectin", "subquery", "immediate")
