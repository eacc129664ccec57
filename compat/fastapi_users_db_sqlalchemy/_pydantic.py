"""Pydantic 1 and 2: what the legacy convention needs of a model."""

from collections.abc import Mapping, Set
from typing import Any

from sqlalchemy import inspect

from fastapi_users_db.exceptions import kind_of
from fastapi_users_db.mapping import Entity, is_mapped_class

__all__ = ["build", "dump", "has_fields", "is_model", "is_set", "missing", "own"]


def dump(values: Any, usage: str, **options: Any) -> dict[str, Any]:
    """Return the values of a model, or of a dict.

    Parameters:
        values: the model or the dict.
        usage: the right call, for the message.
        options: what the method of a model is called with.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(values, Mapping):
        return dict(values)
    method = own(values, "dict") or getattr(values, "model_dump", None)
    if method is None or isinstance(values, type):
        raise TypeError(
            f"Expected a dict or a pydantic model, not {kind_of(values)}. Call {usage}."
        )
    dumped: dict[str, Any] = method(**(options if has_fields(type(values)) else {}))
    return dumped


def own(value: Any, name: str) -> Any:
    """Return a method by its name in pydantic 1, which upstream calls, or `None`.

    Pydantic 2 still has them and marks them as deprecated: without the mark it is an app's.
    """
    method = getattr(value, name, None)
    return None if hasattr(method, "__deprecated__") else method


def is_set(values: Any, field: str) -> bool:
    """Tell whether a model was given this field, or anything else has it."""
    is_new = hasattr(values, "model_fields_set")
    given = getattr(values, "model_fields_set" if is_new else "__fields_set__", {field})
    return field in given


def build(model: Any, instance: Any, values: Mapping[str, Any]) -> Any:
    """Build a model from a mapped object.

    It sees the object itself: its validators and getters may ask what that is.

    Parameters:
        model: the class of the model.
        instance: the mapped object.
        values: its columns and OAuth accounts, for a model that does not read attributes.
    """
    unloaded = inspect(instance).unloaded
    loaded = _Loaded(instance, unloaded) if unloaded & _names(model) else instance
    is_new, from_orm = hasattr(model, "model_validate"), own(model, "from_orm")
    if is_new and from_orm is None:
        return model.model_validate(loaded, from_attributes=True)
    if is_new or getattr(getattr(model, "__config__", None), "orm_mode", False):
        return from_orm(loaded)
    return model(**values)


class _Loaded:
    """A mapped object without what is not loaded: reading that would need the database."""

    def __init__(self, instance: Any, unloaded: Set[str]) -> None:
        self._instance = instance
        self._unloaded = unloaded

    def __getattr__(self, name: str) -> Any:
        if name in self._unloaded:
            raise AttributeError(name)
        return getattr(self._instance, name)


def _names(model: Any) -> set[str]:
    """Return what a model reads of an object: its fields, by name and by alias."""
    fields = getattr(model, "model_fields", None) or getattr(model, "__fields__", {})
    aliases = (getattr(field, "alias", None) for field in fields.values())
    return {*fields, *filter(None, aliases)}


def is_model(value: Any) -> bool:
    """Tell whether `value` is a class of pydantic's, and not mapped to a table too."""
    return has_fields(value) and not is_mapped_class(value)


def has_fields(value: Any) -> bool:
    """Tell whether `value` is a class of pydantic's."""
    return hasattr(value, "model_fields") or hasattr(value, "__fields__")


def missing(model: Any, of: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model would have filled in: in the legacy convention users were models first.

    Parameters:
        model: the class of the model.
        of: the table.
        values: what is given.
    """
    is_new = hasattr(model, "model_fields")
    fields = getattr(model, "model_fields" if is_new else "__fields__", {})
    options = {"call_default_factory": True} if is_new else {}
    data: dict[str, Any] = {}  # in the order of the fields: a factory may ask for those before it
    for name, field in fields.items():
        if name in values:
            data[name] = values[name]
        elif not (field.is_required() if is_new else field.required):
            takes_data = getattr(field, "default_factory_takes_validated_data", False)
            asked = {"validated_data": data} if takes_data else {}
            data[name] = field.get_default(**options, **asked)
    return {
        name: value
        for name, value in data.items()
        if name in of.columns and name not in values and value is not None
    }
