"""What `[tool.fastapi-users-db]` in the nearest `pyproject.toml` says: options by their names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi_users_db_cli.errors import UnusableError

__all__ = ["CHOICES", "settings"]

_TABLE = "tool.fastapi-users-db"
CHOICES = {
    "assume": ("8",),
    "format": ("text", "json", "github", "sarif"),
    "step": ("1", "3", "4", "5", "all"),
}
_TYPES: dict[str, type] = {
    "assume": str,
    "driver": str,
    "exclude": list,
    "exit-zero": bool,
    "format": str,
    "id": str,
    "ignore": list,
    "rename": bool,
    "reversible": bool,
    "select": list,
    "step": str,
    "unsafe": bool,
}
_NAMES = {bool: "true or false", list: "a list of strings", str: "a string"}


def settings() -> dict[str, Any]:
    """Return the options that a project has set, by their names in Python.

    Raises:
        UnusableError: the file is no TOML, or there is no such option or value.
    """
    here = Path.cwd()
    files = (folder / "pyproject.toml" for folder in (here, *here.parents))
    file = next((each for each in files if each.is_file()), None)
    given = _table(file) if file else {}
    return {key.replace("-", "_"): _checked(file, key, value) for key, value in given.items()}


def _table(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8", errors="replace")
    if f"[{_TABLE}" not in text:
        return {}
    try:
        tomllib = import_module("tomllib")
    except ImportError as error:
        raise UnusableError(
            f"{file}: [{_TABLE}] is read by Python 3.11 and later: give the options on the line"
        ) from error
    try:
        found: dict[str, Any] = tomllib.loads(text)["tool"]["fastapi-users-db"]
    except ValueError as error:
        raise UnusableError(f"{file} is no TOML: {error}") from error
    return found


def _checked(file: Path | None, key: str, value: Any) -> Any:
    place = f"{file}: [{_TABLE}] {key}"
    if key not in _TYPES:
        raise UnusableError(f"{place}: there is no such option; there are {', '.join(_TYPES)}")
    value = str(value) if type(value) is int and _TYPES[key] is str else value
    is_right = isinstance(value, _TYPES[key])
    if isinstance(value, list):
        is_right = is_right and all(isinstance(each, str) for each in value)
    if not is_right:
        raise UnusableError(f"{place} has to be {_NAMES[_TYPES[key]]}")
    if key in CHOICES and value not in CHOICES[key]:
        raise UnusableError(f"{place} has to be one of {', '.join(CHOICES[key])}")
    return tuple(each.upper() for each in value) if key in ("select", "ignore") else value
