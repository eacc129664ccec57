"""What `databases` executes: it compiles every statement anew, an engine remembers the last ones.

Here they are remembered for `databases`, by the same keys as an engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import Label
from sqlalchemy.util import LRUCache

__all__ = ["CompiledOnce"]

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

    def compile(self, bind: Any = None, dialect: Any = None, **options: Any) -> Any:
        """Return the compiled statement with its values, as `databases` reads it."""
        cache_key = self._statement._generate_cache_key() if self._remember else None
        if cache_key is None:
            return _WithValues(self._compile(dialect, **options), self._parameters)
        key = (dialect, cache_key.key, self._build, *self._parameters)
        compiled = _remembered.get(key)
        if compiled is None:
            compiled = self._compile(dialect, cache_key=cache_key)
            compiled._result_columns = [*map(_without_label, compiled._result_columns)]
            _remembered[key] = compiled
        if compiled.post_compile_params or compiled.literal_execute_params:
            # Its text depends on its values, as with the length of a list.
            return self._compile(dialect, **options)
        return _WithValues(compiled, self._parameters, cache_key.bindparams)

    def _built(self) -> Any:
        return self._statement if self._build is None else self._build(self._statement)

    def _compile(self, dialect: Any, **options: Any) -> Any:
        column_keys = [*self._parameters] or None
        return self._built().compile(dialect=dialect, column_keys=column_keys, **options)


class _WithValues:
    """A compiled statement with values of its own."""

    def __init__(self, compiled: Any, parameters: Mapping[str, Any], extracted: Any = None) -> None:
        self._compiled = compiled
        self._parameters = parameters
        self._extracted = extracted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled, name)

    @property
    def params(self) -> Any:
        return self.construct_params()

    def construct_params(self) -> Any:
        return self._compiled.construct_params(
            self._parameters, extracted_parameters=self._extracted
        )


def _without_label(entry: Any) -> Any:
    """Return a result column as text where it is a label: `databases` makes it that each time."""
    name, key, objects, type_ = entry
    return (name, key, tuple(str(o) if isinstance(o, Label) else o for o in objects), type_)
