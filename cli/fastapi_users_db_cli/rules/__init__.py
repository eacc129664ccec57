"""The table of rules: a rule is a file, and a file that is added here is in the table."""

from importlib import import_module
from pkgutil import iter_modules

from fastapi_users_db_cli.rule import Rule

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = tuple(
    import_module(f"{__name__}.{module.name}").RULE
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    if module.name.startswith("fud")
)
