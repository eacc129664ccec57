"""What the mapper says of the app's classes: which attribute is which column, and how users and
their OAuth accounts refer to each other.

Nothing here talks to a database. It is worked out once per class, when a method needs it.
"""

from __future__ import annotations

import inspect as python_inspect
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Column,
    Enum,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    and_,
    inspect,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.exc import NoReferencedColumnError, NoReferencedTableError
from sqlalchemy.orm import Mapper, RelationshipProperty, joinedload, registry, selectinload, undefer
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.exc import UnmappedClassError
from sqlalchemy.sql.functions import FunctionElement

from fastapi_users_db.comparison import same_text
from fastapi_users_db.exceptions import InvalidIDError, InvalidValueError, kind_of
from fastapi_users_db.types import GUID, TIMESTAMPAware
from fastapi_users_db.values import checked_value, is_storable
from fastapi_users_db.versions.sqlalchemy import has_own_constructor, python_type

__all__ = ["Entity", "Owner", "UserEntity", "check_oauth_account_class", "entity", "user_entity"]

OAUTH_ACCOUNTS = "oauth_accounts"

# The framework's own attributes, of users, OAuth accounts and access tokens. All others are the
# app's, and what they take is SQLAlchemy's business.
FRAMEWORK = frozenset(
    (
        *("id", "email", "hashed_password", "is_active", "is_superuser", "is_verified"),
        *("oauth_name", "access_token", "expires_at", "refresh_token"),
        *("account_id", "account_email", "user_id", "token", "created_at"),
    )
)

# Written whenever they are given: another may have changed them since the user was read.
ALWAYS_WRITTEN = ("email", "hashed_password", "is_active", "is_superuser", "is_verified")

# By which a class of users is known.
_OF_USERS = ("id", "email", "hashed_password")


class Owner(NamedTuple):
    """Whose an access token is.

    Attributes:
        column: the column with the users' ids.
        mapper: that of the class for which a session finds it, or `None` for a bare `Table`.
    """

    column: Any
    mapper: Any


class Entity:
    """A mapped class, or a bare `Table`, as attributes that are columns.

    Attributes:
        name: what messages call it.
        table: the table behind it.
        columns: the columns by attribute name, which need not be the column's own name.
        mapper: the mapper, or `None` for a bare `Table`.
        oauth: of users, what holds their OAuth accounts, if anything does.
    """

    oauth: Entity | None = None

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
            raise TypeError(f"This is not mapped to a table: {kind_of(target)}.")
        self.mapper = mapper
        self.name = target.__name__
        self.table = cast("Table", mapper.local_table)
        self.columns = {
            attribute.key: attribute.columns[0]
            for attribute in mapper.column_attrs
            if isinstance(attribute.columns[0], Column)
        }
        self.synonyms = {synonym.key: synonym.name for synonym in mapper.synonyms}
        if mapper.version_id_col is None:
            # Deleting what is gone already is a success; SQLAlchemy would warn.
            mapper.confirm_deleted_rows = False

    @cached_property
    def id(self) -> str:
        """The attribute behind `id`: the column's, also where `id` is a hybrid."""
        name = self.synonyms.get("id", "id")
        if name in self.columns or not hasattr(self.target, name):
            return name
        expression = self.expression(name)
        return next((k for k, c in self.columns.items() if expression.shares_lineage(c)), name)

    def key_of(self, instance: Any) -> dict[str, Any]:
        """Return what tells an instance, or a mapping, from others: its `id`, if that is known."""
        has_id = self.id in self.columns and not is_expired(instance, self.id)
        return {name: read(instance, name) for name in ([self.id] if has_id else self.primary_key)}

    def expression(self, attribute: str) -> Any:
        """Return what stands for an attribute in a statement: a column, or what a hybrid gives."""
        column = self.find_column(attribute)
        if column is not None and self._has_one_table:
            # SQLAlchemy is faster with a plain column than with the attribute of a class.
            return column
        found = getattr(self.target, attribute, None)
        expression = getattr(found, "__clause_element__", lambda: found)()
        if expression is None or not hasattr(expression, "type"):
            raise TypeError(f"{self.name} has no column attribute {attribute!r}.")
        return expression

    @cached_property
    def _has_one_table(self) -> bool:
        mapper = self.mapper
        return mapper is None or not (mapper.inherits or mapper.with_polymorphic)

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
        """Return the attribute that is a column, its own or one that it inherits."""
        if self.mapper is not None:
            return self.mapper.get_property_by_column(column).key
        return next(key for key, value in self.columns.items() if value is column)

    @cached_property
    def tables(self) -> list[Any]:
        """The tables of the class: its own, and those of the classes that it inherits from."""
        return [self.table] if self.mapper is None else list(self.mapper.tables)

    @cached_property
    def primary_key(self) -> list[str]:
        """The attributes that make up the primary key, in the table's order."""
        return [self.attribute(column) for column in self.table.primary_key.columns]

    @cached_property
    def relationships(self) -> list[RelationshipProperty[Any]]:
        """The relationships of the class; a bare `Table` has none."""
        return [] if self.mapper is None else list(self.mapper.relationships)

    @cached_property
    def eager(self) -> list[str]:
        """The relationships that the mapper loads by itself."""
        return [r.key for r in self.relationships if _is_eager(r)]

    @cached_property
    def loaded(self) -> frozenset[str]:
        """What an instance has once it is loaded: columns, expressions, eager relationships.

        Deferred columns are among them, since reading one later would need the session.
        """
        columns = (a.key for a in self._column_attrs if not (a.deferred and a.raiseload))
        return frozenset((*columns, *self.eager))

    @cached_property
    def expressions(self) -> set[str]:
        """What the mapper loads by itself and is no column: what is told may have changed."""
        return {a.key for a in self._column_attrs if not a.deferred} - self.columns.keys()

    @cached_property
    def _column_attrs(self) -> list[Any]:
        assert self.mapper is not None
        # What tells concrete classes apart is in their union only, not on an instance.
        union_only = self.mapper.polymorphic_on if self.mapper.concrete else None
        return [a for a in self.mapper.column_attrs if a.columns[0] is not union_only]

    @cached_property
    def deferred(self) -> list[Any]:
        """The loader options for columns that are loaded nevertheless."""
        return [undefer(getattr(self.target, name)) for name in self.deferred_names]

    @cached_property
    def deferred_names(self) -> list[str]:
        """The deferred columns that are loaded nevertheless."""
        attributes: Iterable[Any] = () if self.mapper is None else self.mapper.column_attrs
        return [a.key for a in attributes if a.deferred and not a.raiseload]

    @cached_property
    def framework_columns(self) -> dict[str, Column[Any]]:
        """The framework's own columns by attribute, as far as the class has them."""
        found = {name: self.find_column(name) for name in FRAMEWORK}
        return {name: column for name, column in found.items() if column is not None}

    @cached_property
    def owner(self) -> Owner | None:
        """What `user_id` refers to, or `None` if it is not known here.

        Without a foreign key it is the id of the only class of users that there is a relationship
        to, or that is declared beside.
        """
        column = self.find_column("user_id")
        for foreign_key in () if column is None else column.foreign_keys:
            # The user table may be declared elsewhere.
            with suppress(NoReferencedTableError, NoReferencedColumnError):
                return Owner(foreign_key.column, self.mapper)
        related = [r.mapper.class_ for r in self.relationships if column in r.local_columns]
        users = _only_users(related) or _only_users(self._beside)
        ids = None if users is None else users.columns.get(users.id)
        return Owner(ids, users and users.mapper) if _hold_the_same(column, ids) else None

    @property
    def _beside(self) -> Iterable[Any]:
        """What is declared beside: classes, or bare tables."""
        if self.mapper is None:
            return self.table.metadata.tables.values()
        # A class that waits for its table to be reflected has no mapper yet.
        with suppress(UnmappedClassError):
            return [mapper.class_ for mapper in self.mapper.registry.mappers]
        return ()

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values, and refuse what the class does not know.

        The framework's own columns are checked, too: the app's are SQLAlchemy's business.

        Raises:
            TypeError: an unknown attribute, or an e-mail address that is not a string.
            InvalidValueError: a value that one of the databases cannot store in its column.
        """
        if not isinstance(values, Mapping):
            raise no_mapping(values)
        checked = {}
        for attribute, value in values.items():
            if attribute not in self.settable and not self._knows(attribute):
                raise self._unknown(attribute)
            column = self.framework_columns.get(attribute)
            name = f"{self.name}.{attribute}"
            checked[attribute] = value if column is None else checked_value(name, column, value)
        return checked

    def _unknown(self, attribute: Any) -> TypeError:
        if isinstance(attribute, str) and hasattr(self.target, attribute):
            return TypeError(f"{self.name}.{attribute} cannot be set.")
        # No attribute has a name as long as what a client may send.
        alike = get_close_matches(str(attribute)[:100], sorted(self.settable), 1)
        advice = "".join(f" Did you mean {name!r}?" for name in alike)
        if attribute == "password" and alike == ["hashed_password"]:
            advice += " It takes a hash, which FastAPI Users' user manager makes of a password."
        return TypeError(f"{attribute!r} is not an attribute of {self.name}.{advice}")

    def knows(self, attribute: str) -> bool:
        """Tell whether the class, or the table, takes this attribute."""
        return attribute in self.settable or self._knows(attribute)

    def _knows(self, attribute: Any) -> bool:
        # A constructor of the app's own may take whatever it likes.
        return (
            self.mapper is not None
            and self._takes_any_keyword
            and has_own_constructor(self.mapper)
            and isinstance(attribute, str)
            and not attribute.startswith("_")
            and not hasattr(self.target, attribute)
        )

    @cached_property
    def settable(self) -> frozenset[str]:
        """What can be set on an instance and means something: columns, relationships, hybrids and
        properties with a setter, and what the class's own constructor names."""
        if self.mapper is None:
            return frozenset(self.columns)
        expressions = {a.key for a in self.mapper.column_attrs} - self.columns.keys()
        names = {n for n in dir(self.target) if not n.startswith("__")} - expressions
        found = ((n, python_inspect.getattr_static(self.target, n)) for n in names)
        settable = {name for name, value in found if _is_settable(name, value)}
        return frozenset(settable | self._constructor_parameters)

    @cached_property
    def _constructor_parameters(self) -> frozenset[str]:
        parameters = python_inspect.signature(self.target).parameters.values()
        return frozenset(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)

    @cached_property
    def _takes_any_keyword(self) -> bool:
        parameters = python_inspect.signature(self.target).parameters.values()
        return any(p.kind is p.VAR_KEYWORD for p in parameters)

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
            and _is_stored_as_is(column, None, "")
            and column is not self.mapper.version_id_col
        ]

    def build(self, values: Mapping[str, Any]) -> Any:
        """Return a new instance: through the class's own constructor, as far as it takes them."""
        if self._takes_any_keyword:
            instance = self.target(**values)
        else:
            taken = {k: v for k, v in values.items() if k in self._constructor_parameters}
            instance = self.target(**taken)
            assign(instance, {k: v for k, v in values.items() if k not in taken})
        loaded = instance_state(instance).dict
        for attribute in self._null_at_first:
            if attribute not in loaded:
                # It need not be read after the flush.
                set_committed_value(instance, attribute, None)
        return instance

    def values(self, instance: Any) -> dict[str, Any]:
        """Return the values of an instance's columns, as far as they are loaded."""
        if self.mapper is None:
            return {k: getattr(instance, k) for k in self.columns if hasattr(instance, k)}
        loaded = instance_state(instance).dict
        return {key: loaded[key] for key in self.columns if key in loaded}

    def compared(self, attribute: str, ids: Any, value: Any) -> Any:
        """Return what to compare ids with, or `None` if no row can have this one.

        Parameters:
            attribute: what holds the ids.
            ids: what stands for it in a statement.
            value: the id.

        Raises:
            InvalidIDError: `value` is of a type that is no such id.
        """
        if value is None:
            return None
        # What a type of the app's own takes is its business.
        is_own = isinstance(ids.type, TypeDecorator) and not isinstance(ids.type, GUID)
        id_type = object if is_own else python_type(ids)
        if id_type is uuid.UUID and isinstance(value, str):
            try:
                return uuid.UUID(value)
            except ValueError:
                raise InvalidIDError(
                    f"{self.name}.{attribute} is a UUID, and this string is not."
                ) from None
        if id_type in (uuid.UUID, int, str) and (
            not isinstance(value, id_type) or isinstance(value, bool)
        ):
            expected = f"{self.name}.{attribute} is {id_type.__name__}"
            raise InvalidIDError(f"{expected}, not {kind_of(value)}.")
        if isinstance(value, int) and not is_own:
            return _integer_operand(value)
        if isinstance(value, str) and not is_storable(value):
            return None
        return value

    def error_about_key(self, values: Mapping[str, Any]) -> InvalidValueError | None:
        """Return the error that says that a new row was given no primary key, if it was not."""
        for attribute in self.primary_key:
            column = self.columns[attribute]
            by_database = column.server_default is not None or isinstance(column.type, Integer)
            if values.get(attribute) is None and column.default is None and not by_database:
                return InvalidValueError(f"{self.name}.{attribute} is missing: it has no default.")
        return None

    @cached_property
    def _kept_types(self) -> dict[str, type[Any]]:
        return {key: _kept_type(column) for key, column in self.columns.items()}

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
        collection: the attribute behind `oauth_accounts`.
    """

    def __init__(self, target: Any, oauth_target: Any = None) -> None:
        super().__init__(target)
        self.oauth = None if oauth_target is None else entity(oauth_target)
        # It may be a synonym of the relationship.
        self.collection = self.synonyms.get(OAUTH_ACCOUNTS, OAUTH_ACCOUNTS)

    @cached_property
    def id_expression(self) -> Any:
        return self.expression("id")

    @cached_property
    def email_expression(self) -> Any:
        return self.expression("email")

    @cached_property
    def references(self) -> list[tuple[Column[Any], Column[Any]]]:
        """The columns of the OAuth account that refer to its user, each with the user's column.

        A class without a relationship and without a foreign key has none.
        """
        assert self.oauth is not None
        accounts = self.oauth
        if self.relationship is not None:
            pairs: Any = self.relationship.local_remote_pairs
            return [(account, user) for user, account in pairs]
        to_users = list(_foreign_keys(accounts.table, self.tables))
        if to_users:
            elements = min(to_users, key=lambda constraint: constraint.column_keys[0]).elements
            return [(element.parent, element.column) for element in elements]
        return [] if self.mapper else [(accounts.column("user_id"), self.column("id"))]

    @cached_property
    def relationship(self) -> RelationshipProperty[Any] | None:
        """The relationship `oauth_accounts`, or `None` if none leads to the OAuth accounts."""
        if self.oauth is None or self.mapper is None:
            return None
        found = self.mapper.relationships.get(self.collection)
        mapper: Any = self.oauth.mapper
        return found if found is not None and found.mapper.common_parent(mapper) else None

    @cached_property
    def relationship_to_accounts(self) -> RelationshipProperty[Any] | None:
        """The relationship `oauth_accounts`, where one has to be: a bare `Table` has none.

        Raises:
            TypeError: the class has none.
        """
        if self.mapper is not None and self.relationship is None:
            raise self._without_relationship()
        return self.relationship

    def _without_relationship(self) -> TypeError:
        assert self.oauth is not None
        name = self.oauth.name
        return TypeError(
            f"{self.name} needs a relationship to {name}: "
            f'oauth_accounts: Mapped[list[{name}]] = relationship("{name}", lazy="joined")'
        )

    @cached_property
    def owner_attributes(self) -> dict[str, str]:
        """The attributes of the OAuth account that refer to its user, each with the user's."""
        assert self.oauth is not None
        return {self.oauth.attribute(a): self.attribute(u) for a, u in self.references}

    def owner_values(self, user: Any) -> dict[str, Any]:
        """Return the values by which an OAuth account refers to a user."""
        return {account: read(user, own) for account, own in self.owner_attributes.items()}

    @cached_property
    def owner_relationships(self) -> set[str]:
        """The relationships of the OAuth account that lead to its user."""
        assert self.oauth is not None
        columns = {account for account, _ in self.references}
        return {r.key for r in self.oauth.relationships if columns & r.local_columns}

    @cached_property
    def is_owner(self) -> Any:
        """The criterion that an OAuth account refers to a user.

        Raises:
            TypeError: nothing of it does.
        """
        if not self.references:
            raise self._without_relationship()
        return and_(*(account == user for account, user in self.references))

    @cached_property
    def has_collection(self) -> bool:
        """Whether `oauth_accounts` holds the OAuth accounts once it is loaded.

        It does not if it is dynamic or write-only, which is a statement.
        """
        return self.relationship is not None and not is_statement(self.relationship)

    @cached_property
    def arranges_accounts(self) -> bool:
        """Whether `oauth_accounts` has an order, or a condition that leaves some of them out."""
        found: Any = self.relationship
        condition = found.primaryjoin
        joined = getattr(condition, "clauses", [condition])
        return bool(found.order_by) or len(joined) > len(found.local_remote_pairs)

    @cached_property
    def options(self) -> list[Any]:
        """The loader options that make a user complete, in one statement."""
        return self._options(joinedload)

    @cached_property
    def options_beside(self) -> list[Any]:
        """The same for a statement that takes no further join: a lock, groups, distinct rows."""
        return self._options(selectinload)

    def _options(self, load: Any) -> list[Any]:
        if not self.has_collection or self.collection in self.eager:
            return self.deferred
        return [*self.deferred, load(getattr(self.target, self.collection))]

    @cached_property
    def wanted(self) -> frozenset[str]:
        """What these options load."""
        collection = [self.collection] if self.has_collection else []
        return frozenset((*self.deferred_names, *collection))

    @cached_property
    def has_versions(self) -> bool:
        """Whether SQLAlchemy counts the changes of a user or an OAuth account, to refuse one of an
        older version."""
        mappers = [self.mapper, self.oauth and self.oauth.mapper]
        return any(mapper and mapper.version_id_col is not None for mapper in mappers)

    @cached_property
    def has_lower_email_index(self) -> bool:
        """Whether the table declares a unique index on the e-mail address in lower case."""
        column = self.find_column("email")
        return column is not None and any(
            _is_lower(key, column)
            for keys in _unique_keys(column.table)
            for key in keys
            if len(keys) == 1
        )

    @cached_property
    def account_columns(self) -> tuple[Column[Any], Column[Any]]:
        """The columns of the OAuth account that name the external account: client, and id there."""
        assert self.oauth is not None
        return self.oauth.column("oauth_name"), self.oauth.column("account_id")

    @cached_property
    def members_by_name(self) -> dict[str, dict[str, Any]]:
        """The members that an external account consists of once it is loaded, by what they are
        stored as, for those of its columns that hold an enumeration."""
        named = zip(("oauth_name", "account_id"), self.account_columns, strict=True)
        types: list[tuple[str, Any]] = [(name, column.type) for name, column in named]
        enums = [(name, of) for name, of in types if getattr(of, "enum_class", None) is not None]
        return {name: dict(zip(of.enums, of.enum_class, strict=False)) for name, of in enums}

    @cached_property
    def has_unique_accounts(self) -> bool:
        """Whether the OAuth account's table declares that an external account is there once."""
        if self.oauth is None:
            return False
        account = set(self.account_columns)
        return any(unique <= account for unique in _unique_keys(self.oauth.table))

    @cached_property
    def may_refuse_accounts(self) -> bool:
        """Whether the OAuth account's table declares what may refuse one that another has added."""
        assert self.oauth is not None
        account = set(self.account_columns)
        return any(unique & account for unique in _unique_keys(self.oauth.table))

    @cached_property
    def deletes_accounts(self) -> bool:
        """Whether the tables declare that a user's OAuth accounts go with the user."""
        keys = [] if self.oauth is None else [k for a, _ in self.references for k in a.foreign_keys]
        return all(str(key.ondelete).upper() == "CASCADE" for key in keys)

    def is_id(self, value: Any) -> Any:
        """Return the criterion that a user has this id, in exactly these letters if it is text."""
        if isinstance(value, str):
            return same_text(self.id_expression, value)
        return self.id_expression == value

    def id_value(self, value: Any) -> Any:
        """Return what to compare the id with, or `None` if no row can have this id.

        Raises:
            InvalidIDError: `value` is of a type that is no id of this table.
        """
        return self.compared("id", self.id_expression, value)


def _only_users(targets: Iterable[Any]) -> Entity | None:
    """Return what holds the users, or `None` if that is nothing or not one alone."""
    found = [t for t in targets if all(_has_column(t, name) for name in _OF_USERS)]
    # Of a class and those that inherit from it, the one that has all of them.
    found = [t for t in found if not any(_inherits(t, other) for other in found)]
    return entity(found[0]) if len(found) == 1 else None


def _has_column(target: Any, name: str) -> bool:
    return name in target.columns if isinstance(target, Table) else hasattr(target, name)


def _inherits(target: Any, other: Any) -> bool:
    are_classes = isinstance(target, type) and isinstance(other, type)
    return target is not other and are_classes and issubclass(target, other)


def _hold_the_same(one: Column[Any] | None, other: Column[Any] | None) -> bool:
    """Tell whether the values of one column can be looked for in the other, if there are both."""
    if one is None or other is None:
        return False
    return object is not python_type(one) is python_type(other)


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
    """Return an attribute of an instance, or an item of a mapping; `None` if it has none.

    It never asks the database: what an instance has not loaded is `None`, but for its primary key.
    """
    loaded: Any = getattr(instance, "__dict__", ())
    if attribute in loaded:
        return loaded[attribute]
    if isinstance(instance, Mapping):
        return instance.get(attribute)
    state: Any = inspect(instance, raiseerr=False)
    attributes = getattr(getattr(state, "mapper", None), "attrs", ())
    if state is None or attribute not in attributes or attribute in state.dict:
        return getattr(instance, attribute, None)
    if state.identity is None:
        return None
    names = [state.mapper.get_property_by_column(c).key for c in state.mapper.primary_key]
    return dict(zip(names, state.identity, strict=True)).get(attribute)


def is_expired(instance: Any, attribute: str) -> bool:
    """Tell whether an instance was stored, and has to ask the database for an attribute."""
    if isinstance(instance, Mapping) or read(instance, attribute) is not None:
        return False
    state: Any = inspect(instance, raiseerr=False)
    return getattr(state, "key", None) is not None and attribute in state.unloaded


def no_mapping(values: Any) -> TypeError:
    """Return the error that says that this is no dict."""
    return TypeError(f"Expected a dict of values by attribute, not {kind_of(values)}.")


def wrong_instance(instance: Any, of: Any) -> TypeError:
    """Return the error that says that this is no instance of a class."""
    return TypeError(f"Expected an instance of {of.__name__}, not {kind_of(instance)}.")


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


def check_oauth_account_class(user_table: Any, oauth_account_table: Any, usage: str) -> None:
    """Raise `TypeError` if this is not the class of the user's OAuth accounts, with the right call.

    What the relationship leads to, if there is one, the first use tells that needs it.
    """
    if hasattr(user_table, "oauth_name") and not hasattr(oauth_account_table, "oauth_name"):
        raise TypeError(
            f"user_table and oauth_account_table are swapped: {user_table.__name__} is the class "
            f"of OAuth accounts. Call {usage}."
        )


def is_statement(relationship: RelationshipProperty[Any]) -> bool:
    """Tell whether a relationship is a statement, which holds nothing that is loaded."""
    return relationship.lazy in ("dynamic", "write_only")


def is_verbatim(column: Column[Any]) -> bool:
    """Tell whether a column holds texts as they are given: a type of the app's own may not."""
    return not isinstance(column.type, TypeDecorator)


def _is_settable(name: str, found: Any) -> bool:
    if hasattr(found, "__set__"):
        # Properties, and hybrids, have `fset` whether there is a setter or not.
        return getattr(found, "fset", found) is not None
    # An attribute that is no column is kept on the instance; a constant of the class would seem so.
    is_constant = name.isupper() or name.startswith("_") or isinstance(found, MetaData | registry)
    return not (is_constant or hasattr(found, "__get__") or callable(found))


def _integer_operand(value: int) -> Any:
    if not -(2**63) <= value < 2**63:
        return None
    # asyncpg refuses what is out of the column's range; a wider operand is simply not found.
    return value if -(2**31) <= value < 2**31 else sql_cast(value, BigInteger)


def _foreign_keys(table: Any, referred: Sequence[Any]) -> Iterator[ForeignKeyConstraint]:
    """Yield the foreign keys of a table to one of others."""
    for constraint in table.foreign_key_constraints:
        # The user table may be declared elsewhere.
        with suppress(NoReferencedTableError):
            if constraint.referred_table in referred:
                yield constraint


def _unique_keys(table: Any) -> Iterator[set[Any]]:
    """Yield what a table declares to be unique together in all of its rows: columns, mostly."""
    if not isinstance(table, Table):
        return  # a class may be mapped to a query, which declares nothing
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
