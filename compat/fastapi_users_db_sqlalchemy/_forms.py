"""What the adapters of this package have in common: each is three forms in one class."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

# From the modules: the package may be the one that is importing us.
from fastapi_users_db.adapters.rows import Rows, check_installed
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.deprecation import Deprecation, warn
from fastapi_users_db_sqlalchemy import _contracts
from fastapi_users_db_sqlalchemy._arguments import Names, arguments

__all__ = ["Deprecations", "Forms", "either", "read_one"]


def either(create_dict: Any, first: Any, usage: str) -> Any:
    """Return what `create` is given, by today's name or by that of upstream's first releases.

    Parameters:
        create_dict: the argument by today's name, or `None`.
        first: the same by the first name.
        usage: the right call, for the message.

    Raises:
        TypeError: both are given. Neither is for `_pydantic.dump` to refuse.
    """
    if create_dict is not None and first is not None:
        raise TypeError(f"Expected one argument, not two. Call {usage}.")
    return first if create_dict is None else create_dict


async def read_one(rows: Rows, statement: Any) -> Any:
    """Return the first row that a statement finds as an object, or `None`.

    It asks what upstream's look-ups ask, so that a mock in an app's tests answers it.

    Parameters:
        rows: the rows that are read.
        statement: the statement.
    """
    row = await rows.fetch_one(statement)
    return None if row is None else SimpleNamespace(**rows.read(row))


class Deprecations(NamedTuple):
    """What to warn of, for each form."""

    current: Deprecation
    legacy_orm: Deprecation
    legacy_databases: Deprecation


class Forms:
    """An adapter whose form is that of the call that built it.

    Attributes:
        _names: how the forms name their parameters, and the attributes that keep them.
        _deprecations: what to warn of.
        _over_orm: the adapter behind the forms with a session.
        _over_databases: the adapter behind the form with a `databases.Database`.
    """

    _names: ClassVar[Names]
    _deprecations: ClassVar[Deprecations]
    _over_orm: ClassVar[type[Any]]
    _over_databases: ClassVar[type[Any]]

    def __init__(self, *args: Any, commit: bool = True, **kwargs: Any) -> None:
        names, deprecations = self._names, self._deprecations
        call = arguments(type(self).__name__, names, args, kwargs)
        if call.model is not None:
            setattr(self, names.model, call.model)
        if call.is_databases:
            check_installed()
            self.database = call.connection
            attributes, deprecation = names.tables, deprecations.legacy_databases
            contract = _contracts.LEGACY_DATABASES
        else:
            self.session = call.connection
            self._commits = commit
            attributes = names.classes
            if call.model is None:
                contract, deprecation = _contracts.CURRENT, deprecations.current
            else:
                contract, deprecation = _contracts.LEGACY_ORM, deprecations.legacy_orm
        self._contract = contract
        for attribute, table in zip(attributes, call.tables, strict=True):
            setattr(self, attribute, table)
        warn(deprecation, self, *call.tables)

    @property
    def _model(self) -> Any:
        """The pydantic model of the legacy forms, or `None`."""
        is_current = self._contract == _contracts.CURRENT
        return None if is_current else getattr(self, self._names.model, None)

    @property
    def _is_databases(self) -> bool:
        return self._contract == _contracts.LEGACY_DATABASES

    @cached_property
    def _contract(self) -> _contracts.Contract:
        """What this form promises where the forms disagree: it says which form this is.

        The constructor sets it, but apps make instances without calling that.
        """
        has_classes = hasattr(self, self._names.classes[0])
        if not has_classes and getattr(self, "database", None) is not None:
            return _contracts.LEGACY_DATABASES
        model = getattr(self, self._names.model, None)
        return _contracts.CURRENT if model is None else _contracts.LEGACY_ORM

    @property
    def _backend(self) -> Any:
        """The adapter that does the work of this form, and returns what the form promises."""
        return (self._over_databases if self._is_databases else self._over_orm)(self)

    def _live_tables(self, mapper: Any = None) -> LiveTables:
        tables: LiveTables = self._backend._live_tables(mapper)
        return tables
