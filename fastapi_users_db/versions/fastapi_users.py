"""FastAPI Users 7 to 15: names that moved, and errors that older versions define too late."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar

__all__ = [
    "AP",
    "ID",
    "OAP",
    "UOAP",
    "UP",
    "USERS_ARE_MODELS",
    "AccessTokenProtocol",
    "BaseAccessTokenDatabase",
    "BaseUserDatabase",
    "InvalidID",
    "OAuthAccountProtocol",
    "UserAlreadyExists",
    "UserNotExists",
    "UserProtocol",
    "class_that_is_also",
]

USERS_ARE_MODELS: bool
"""Whether it knows users as pydantic models with a UUID, as before 10."""

_classes: dict[tuple[type, type], type] = {}


def class_that_is_also(ours: type, theirs: type) -> type:
    """Return a class that is both, and looks like the first."""
    if issubclass(ours, theirs):  # pragma: no cover  the stacks of 7 to 9 run this
        return ours
    if (ours, theirs) not in _classes:
        namespace = {"__module__": ours.__module__, "__doc__": ours.__doc__}
        _classes[ours, theirs] = type(ours.__name__, (ours, theirs), namespace)
    return _classes[ours, theirs]


if TYPE_CHECKING:
    from fastapi_users.authentication.strategy.db import AP, AccessTokenProtocol
    from fastapi_users.authentication.strategy.db import (
        AccessTokenDatabase as BaseAccessTokenDatabase,
    )
    from fastapi_users.db.base import BaseUserDatabase
    from fastapi_users.exceptions import InvalidID, UserAlreadyExists, UserNotExists
    from fastapi_users.models import (
        ID,
        OAP,
        UOAP,
        UP,
        OAuthAccountProtocol,
        UserProtocol,
    )
else:
    # Protocols need no base class at run time, and the package of the first one imports half of
    # FastAPI Users, which may be the one importing us.
    AP = TypeVar("AP")
    BaseAccessTokenDatabase = AccessTokenProtocol = OAuthAccountProtocol = UserProtocol = Generic

    from fastapi_users.db.base import BaseUserDatabase

    try:
        from fastapi_users.exceptions import InvalidID, UserAlreadyExists, UserNotExists
        from fastapi_users.models import ID, OAP, UOAP, UP

        USERS_ARE_MODELS = False
    except ImportError:  # pragma: no cover  the stacks of 7 to 9 run this
        # 7 to 9 know users as pydantic models with a UUID.
        USERS_ARE_MODELS = True
        ID, OAP, UOAP, UP = map(TypeVar, ("ID", "OAP", "UOAP", "UP"))
        _LegacyUserDatabase = BaseUserDatabase
        _HAS_MANAGERS = find_spec("fastapi_users.manager") is not None  # since 8
        _THEIR_MODULE = f"fastapi_users.{'manager' if _HAS_MANAGERS else 'user'}"

        class BaseUserDatabase(_LegacyUserDatabase[Any], Generic[UP, ID]):
            """The base class with today's type parameters."""

        class _DefinedTooLateError(Exception):
            """An error that is also FastAPI Users' own, although that is not defined yet.

            7 to 9 define their errors in a module that imports the adapters.
            """

            name: str

            def __new__(cls, *args: Any) -> Any:
                theirs = getattr(import_module(_THEIR_MODULE), cls.name)
                return super().__new__(class_that_is_also(cls, theirs), *args)

        class UserAlreadyExists(_DefinedTooLateError):  # noqa: N818  their name
            """Stands for FastAPI Users' class of this name."""

            name = "UserAlreadyExists"

        class UserNotExists(_DefinedTooLateError):  # noqa: N818  their name
            """Stands for FastAPI Users' class of this name."""

            name = "UserNotExists"

        class InvalidID(Exception):  # noqa: N818  their name
            """7 to 9 have no such error: they know nothing but UUIDs."""
