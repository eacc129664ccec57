"""What several rules share: the names of upstream's package, and where they are now."""

from __future__ import annotations

from fastapi_users_db_cli.facts import FU, MIXINS, SHIM
from fastapi_users_db_cli.project import is_of

__all__ = ["exposed", "is_upstream", "ours"]

_OURS = {
    "GUID",
    "SQLAlchemyAccessTokenDatabase",
    "SQLAlchemyUserDatabase",
    "TIMESTAMPAware",
    *(mixin + suffix for mixin in MIXINS for suffix in ("", "UUID")),
}
# Names that upstream's modules merely happened to import.
_EXPOSED = {
    "datetime": "datetime timezone",
    "fastapi_users.db.base": "BaseUserDatabase",
    "fastapi_users.models": "ID OAP UP",
    "pydantic": "UUID4",
    "sqlalchemy": (
        "CHAR Boolean Column DateTime ForeignKey Integer String TIMESTAMP Table delete func select "
        "update"
    ),
    "sqlalchemy.ext.asyncio": "AsyncSession",
    "sqlalchemy.orm": "Mapped declarative_mixin declared_attr joinedload mapped_column",
    "sqlalchemy.sql": "Select",
    "sqlalchemy.types": "TypeDecorator",
    "typing": "TYPE_CHECKING Any Dict Generic List Mapping Optional Type",
    "uuid": "UUID",
}
_HOME = {name: module for module, names in _EXPOSED.items() for name in names.split()}


def is_upstream(name: str) -> bool:
    """Tell whether a name is one of upstream's package, or of `fastapi_users.db` for it."""
    return is_of(name, SHIM) or (is_of(name, FU, *_OURS) and name.split(".")[1] == "db")


def ours(name: str) -> str | None:
    """Return the new name of one of upstream's."""
    last = name.rpartition(".")[2]
    return f"fastapi_users_db.{last}" if is_upstream(name) and last in _OURS else None


def exposed(name: str) -> str | None:
    """Return the home of a name that upstream's package merely happened to expose."""
    last = name.rpartition(".")[2]
    return f"{_HOME[last]}.{last}" if is_of(name, SHIM) and last in _HOME else None
