"""The deprecation warnings of this package: one category, one class of facts, one function.

A warning is raised once for each place in the app's code that it points at.
"""

import sys
import warnings
from dataclasses import dataclass
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

__all__ = [
    "DATABASES_ACCESS_TOKEN_ADAPTER",
    "DATABASES_ADAPTER",
    "NOT_THE_APP",
    "Deprecation",
    "FastAPIUsersDBDeprecationWarning",
    "warn",
]

# The pages of this minor release, which stay where they are when the next has its own.
DOCUMENTATION = "https://fastapi-users-db.readthedocs.io/1.0"


@dataclass(frozen=True)
class Deprecation:
    """What is deprecated, and what to write instead.

    Attributes:
        code: stable name; also the anchor of its section in the documentation.
        rule: the rule of the command line that finds the same in the app's code.
        used: what the app used; what differs from app to app in braces, as in the next.
        instead: the code to write in its place.
        since: the release that deprecated it.
        removal: the release that removes it.
    """

    code: str
    rule: str
    used: str
    instead: str
    since: str
    removal: str

    @property
    def address(self) -> str:
        """Where the documentation explains it."""
        return f"{DOCUMENTATION}/deprecations/#{self.code}"


class FastAPIUsersDBDeprecationWarning(UserWarning):
    """The app uses something that a later release removes.

    A `UserWarning`, as FastAPI's and Starlette's own are: Python hides a `DeprecationWarning`
    that is raised outside `__main__`.

    Attributes:
        code: see `Deprecation`, as for the others.
        rule: the rule of the command line: `fastapi-users-db rule FUD501` explains that one.
        since: the release that deprecated it.
        removal: the release that removes it.
        instead: the code to write in its place.
    """

    def __init__(self, deprecation: Deprecation, **names: str) -> None:
        used, instead = (t.format(**names) for t in (deprecation.used, deprecation.instead))
        super().__init__(
            f"{used} is deprecated since fastapi-users-db {deprecation.since} and "
            f"goes away in {deprecation.removal}. Write instead: {instead} "
            f"[{deprecation.code}: rule {deprecation.rule}, {deprecation.address}]"
        )
        self.code = deprecation.code
        self.rule = deprecation.rule
        self.since = deprecation.since
        self.removal = deprecation.removal
        self.instead = instead


DATABASES_ADAPTER = Deprecation(
    code="databases-adapter",
    rule="FUD401",
    used="The `databases` backend",
    instead="SQLAlchemyUserDatabase(session, {tables}), with an AsyncSession as `session`",
    since="1.0",
    removal="2.0",
)
DATABASES_ACCESS_TOKEN_ADAPTER = Deprecation(
    code="databases-access-token-adapter",
    rule="FUD401",
    used="The `databases` backend for access tokens",
    instead=("SQLAlchemyAccessTokenDatabase(session, {tables}), with an AsyncSession as `session`"),
    since="1.0",
    removal="2.0",
)

class_names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
"""By table, the name of the class that one of our mixins has brought to it."""

# Code of these packages runs between the app's line and ours, but is not the app's.
NOT_THE_APP = {
    "abc",
    "anyio",
    "asyncio",
    "concurrent",
    "contextlib",
    "fastapi",
    "fastapi_users",
    "fastapi_users_db",
    "functools",
    "importlib",
    "pydantic",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "threading",
    "typing",
}
_warned: set[tuple[str, str, int]] = set()


def warn(deprecation: Deprecation, instance: object, *tables: Any, **names: str) -> None:
    """Warn once for the line of the app that built `instance`.

    Parameters:
        deprecation: what was used.
        instance: the object whose constructor calls this; constructors of the app's own
            subclasses are passed over, the line that calls them is the one to change.
        tables: the classes or tables that the line to write instead names, or names.
        names: what else the texts of the deprecation have in braces.
    """
    frame = _frame_of_the_app(instance)
    site = (deprecation.code, frame.f_code.co_filename, frame.f_lineno)
    if site in _warned:
        return
    warnings.warn_explicit(
        FastAPIUsersDBDeprecationWarning(deprecation, tables=_names(tables), **names),
        category=FastAPIUsersDBDeprecationWarning,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=frame.f_globals.get("__name__", "<unknown>"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )
    # Only now: under `-W error` the line above raises, and should raise again next time.
    _warned.add(site)


def _names(tables: tuple[Any, ...]) -> str:
    return ", ".join(_name(table) for table in tables if table is not None)


def _name(table: Any) -> str:
    if isinstance(table, str):
        return table
    name = getattr(table, "__name__", None) or class_names.get(table)
    return name or f"<a class mapped to the table {str(table.name)!r}>"


def _frame_of_the_app(instance: object) -> FrameType:
    frame: FrameType | None = sys._getframe(2)
    # FastAPI calls a class that is itself a dependency from its own code, or from a thread:
    # then the constructor is all that the app has on the stack.
    constructor = sys._getframe(2)
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in NOT_THE_APP:
            if not _is_constructor(frame, instance):
                return frame
            constructor = frame
        frame = frame.f_back
    return constructor


def _is_constructor(frame: FrameType, instance: object) -> bool:
    code = frame.f_code
    if code.co_name != "__init__" or not code.co_argcount:
        return False
    caller: Any = frame.f_locals.get(code.co_varnames[0])
    return caller is instance
