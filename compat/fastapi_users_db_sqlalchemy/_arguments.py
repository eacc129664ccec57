"""Which of the three forms of construction a call is, by the shape of its arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import Table

from fastapi_users_db.adapters.session import check_session
from fastapi_users_db.exceptions import kind_of
from fastapi_users_db.mapping import has_attributes, is_mapped_class
from fastapi_users_db_sqlalchemy import _pydantic

__all__ = ["Arguments", "Names", "arguments"]


@dataclass(frozen=True)
class Names:
    """How the forms of an adapter name their parameters.

    Attributes:
        model: the model of the legacy forms.
        tables: the tables of the `databases` form.
        classes: the mapped classes of the ORM forms.
        example: how the right calls name the model and the classes.
    """

    model: str
    tables: tuple[str, ...]
    classes: tuple[str, ...]
    example: tuple[str, ...]

    @cached_property
    def current(self) -> list[tuple[str, ...]]:
        """The names of each parameter of the current form."""
        return [("session", "database"), *zip(self.classes, self.tables, strict=True)]

    @cached_property
    def legacy(self) -> list[tuple[str, ...]]:
        """The names of each parameter of the legacy forms."""
        return [(self.model,), *self.current]


class Arguments(NamedTuple):
    """A call in its parts.

    Attributes:
        model: the model of the legacy forms, or `None`.
        connection: the session, or the `databases.Database`.
        tables: the mapped classes, or the tables.
        is_databases: whether it is the `databases` form.
    """

    model: Any
    connection: Any
    tables: list[Any]
    is_databases: bool


# Adapters are built on every request: what was right once is not looked at again.
MAX_KNOWN = 1000
_known: set[Any] = set()


def arguments(
    adapter: str, names: Names, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Arguments:
    """Take a call apart.

    Parameters:
        adapter: the name of the adapter's class, for the messages.
        names: its parameters.
        args: the positional arguments.
        kwargs: the keyword arguments.

    Raises:
        TypeError: it is none of the forms. The message shows the right call.
    """
    legacy = names.model in kwargs or (bool(args) and isinstance(args[0], type))
    slots = names.legacy if legacy else names.current
    bound = _bind(adapter, names, slots, args, kwargs)
    model = bound.pop(0) if legacy else None
    connection, *tables = bound
    shape = (model, type(connection), *tables)
    try:
        is_known = shape in _known
    except TypeError:  # one of them has no hash
        is_known = False
    if not is_known:
        if legacy:
            _check_legacy(adapter, names, model, connection, tables)
        else:
            _check_current(adapter, names, connection, tables)
        if len(_known) < MAX_KNOWN:
            _known.add(shape)
    return Arguments(model, connection, tables, legacy and isinstance(tables[0], Table))


def _bind(
    adapter: str,
    names: Names,
    slots: Sequence[tuple[str, ...]],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> list[Any]:
    if len(args) > len(slots):
        raise _wrong(adapter, names, f"takes at most {len(slots)} arguments, not {len(args)}")
    values = [*args, *[None] * (len(slots) - len(args))]
    for name, value in kwargs.items():
        index = next((i for i, aliases in enumerate(slots) if name in aliases), None)
        if index is None:
            raise _wrong(adapter, names, f"has no parameter {name!r} in this form")
        if index < len(args):
            raise _wrong(adapter, names, f"was given {name!r} twice")
        values[index] = value
    return values


def _check_current(adapter: str, names: Names, session: Any, tables: Sequence[Any]) -> None:
    if _is_database(session):
        raise _wrong(
            adapter, names, "was given a databases.Database without a model", _databases(names)
        )
    if any(_is_database(table) for table in tables):
        raise _wrong(adapter, names, "was not given a class first", _databases(names))
    if tables[0] is None:
        raise _wrong(adapter, names, f"was not given {names.classes[0]}", _current(names))
    for name, table in zip(names.classes, tables, strict=True):
        # A class that nothing maps will do as far as the tests of an app need it.
        if table is not None and not (isinstance(table, type) and not _pydantic.is_model(table)):
            # A model in the last place: the legacy form, in another order.
            right = [_current(names)] if table is tables[0] else [_current(names), _orm(names)]
            reason = f"{name} must be a mapped class, not {kind_of(table)}"
            raise _wrong(adapter, names, reason, *right)
    check_session(session, adapter + _current(names))


def _check_legacy(
    adapter: str, names: Names, model: Any, connection: Any, tables: Sequence[Any]
) -> None:
    first = tables[0]
    if isinstance(connection, type) and _pydantic.has_fields(model):
        reason = f"was given {kind_of(connection)} in the second place"
        raise _wrong(
            adapter, names, reason, _databases(names) if isinstance(first, Table) else _orm(names)
        )
    if isinstance(connection, type) or (is_mapped_class(model) and not _pydantic.has_fields(model)):
        raise _wrong(adapter, names, f"was given {kind_of(model)} first", _current(names))
    if first is None:
        right = (
            [_databases(names)] if _is_database(connection) else [_orm(names), _databases(names)]
        )
        raise _wrong(adapter, names, "was not given a table", *right)
    if isinstance(first, Table):
        if not has_attributes(connection, "fetch_one"):
            reason = f"was given a Table with {kind_of(connection)}"
            raise _wrong(adapter, names, reason, _orm(names), _databases(names))
    elif not is_mapped_class(first):
        reason = f"was given {kind_of(first)} where a table belongs"
        raise _wrong(adapter, names, reason, _orm(names), _databases(names))
    elif _is_database(connection):
        reason = "was given a databases.Database with a mapped class"
        raise _wrong(adapter, names, reason, _databases(names))
    else:
        check_session(connection, adapter + _orm(names))
    for table in tables[1:]:
        is_right = isinstance(table, Table) if isinstance(first, Table) else is_mapped_class(table)
        if table is not None and not is_right:
            reason = f"was given {kind_of(table)} where a table of OAuth accounts belongs"
            raise _wrong(adapter, names, reason, _orm(names), _databases(names))


def _is_database(connection: Any) -> bool:
    # A mock or an unbound proxy has the attributes of both.
    return has_attributes(connection, "fetch_one") and not has_attributes(connection, "add")


def _current(names: Names) -> str:
    return f"(session, {', '.join(names.example[1:])})"


def _orm(names: Names) -> str:
    return f"({names.example[0]}, session, {', '.join(names.example[1:])})"


def _databases(names: Names) -> str:
    tables = ", ".join(f"{example}.__table__" for example in names.example[1:])
    return f"({names.example[0]}, database, {tables})"


def _wrong(adapter: str, names: Names, reason: str, *right: str) -> TypeError:
    calls = right or (_current(names), _orm(names), _databases(names))
    return TypeError(f"{adapter} {reason}. Call {' or '.join(adapter + call for call in calls)}.")
