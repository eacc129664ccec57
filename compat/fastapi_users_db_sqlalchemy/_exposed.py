"""Names that this import package never meant to offer, but that apps import from it.

They are what its modules happened to import over the years.
"""

from importlib import import_module
from typing import Any

__all__ = ["get"]

_NAMES = {
    "datetime": "datetime timezone",
    "databases": "Database",
    "fastapi_users.authentication.strategy.db": "A AP AccessTokenDatabase",
    "fastapi_users.db.base": "BaseUserDatabase",
    "fastapi_users.models": "UD",
    "fastapi_users_db.versions.fastapi_users": "ID OAP UP",
    "pydantic": "UUID4",
    "sqlalchemy": (
        "CHAR Boolean Column DateTime ForeignKey Integer String TIMESTAMP Table delete func select "
        "update"
    ),
    "sqlalchemy.dialects.postgresql": "UUID",
    "sqlalchemy.ext.asyncio": "AsyncSession",
    "sqlalchemy.orm": "Mapped declarative_mixin declared_attr joinedload mapped_column",
    "sqlalchemy.sql": "Select",
    "sqlalchemy.types": "TypeDecorator",
    "typing": "TYPE_CHECKING Any Dict Generic List Mapping Optional Type",
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}
_MODULES = {
    "access_token": "fastapi_users_db_sqlalchemy.access_token",
    "guid": "fastapi_users_db_sqlalchemy.guid",
    "uuid": "uuid",
}


def get(module: str, name: str) -> Any:
    """Return what a module of this package exposed under a name.

    Parameters:
        module: the module that is asked.
        name: the name.

    Raises:
        AttributeError: nothing, or the package that it came from is not installed.
    """
    try:
        if name in _MODULES:
            return import_module(_MODULES[name])
        if name == "UUID_ID":
            return import_module("uuid").UUID
        return getattr(import_module(_MODULE_OF[name]), name)
    except (AttributeError, ImportError, KeyError):
        raise AttributeError(f"module {module!r} has no attribute {name!r}") from None
