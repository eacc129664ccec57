"""What a backend implements: one write, all of it or nothing.

The adapters in `base.py` say what is read and written, and in which order; a unit of work says
how. It also undoes, and asks the adapter what the error means that made it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from fastapi_users_db.accounts import ExternalAccount
from fastapi_users_db.mapping import Owner

__all__ = ["NEW", "NO_VALUES", "Given", "Unit"]

NEW: Any = object()  # the subject of a unit that adds it
NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class Given(NamedTuple):
    """What a write was given: by this its errors are explained.

    Attributes:
        values: of the user, or of the access token.
        accounts: of the user's OAuth accounts, or `None` if they are left as they are.
    """

    values: Mapping[str, Any] = NO_VALUES
    accounts: Sequence[Mapping[str, Any]] | None = None


class Unit(ABC):
    """One write: entered, it begins; left without an error, all of it is done.

    Its *subject* is the user, or the access token, that is written: in `result` once it is, and
    complete, as the app is to see it. OAuth accounts are whatever `accounts` returns.

    Attributes:
        owner: of a new access token where its user is to be looked for, if anywhere.
        is_apart: whether undoing it undoes nothing of the app's own, so that it may be repeated.
    """

    result: Any
    owner: Owner | None = None
    is_apart = True

    @abstractmethod
    async def __aenter__(self) -> Unit:
        """Begin."""

    @abstractmethod
    async def set_apart(self) -> None:
        """Set it apart, unless it is: the rest of the transaction is kept when it is undone."""

    @abstractmethod
    async def give_up(self, error: BaseException) -> None:
        """Undo what was kept, as it is not repeated after an error."""

    @abstractmethod
    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        """Write, complete the subject, and commit; or undo all of it, and raise what it means."""

    @abstractmethod
    def add(self, values: Mapping[str, Any]) -> Any:
        """Add a new subject, and return it."""

    @abstractmethod
    def set(self, instance: Any, values: Mapping[str, Any]) -> None:
        """Change the subject, or one of its OAuth accounts."""

    @abstractmethod
    def link(self, user: Any, values: Mapping[str, Any]) -> None:
        """Add an OAuth account to a user."""

    @abstractmethod
    def unlink(self, user: Any, account: Any) -> None:
        """Remove an OAuth account of a user."""

    @abstractmethod
    async def remove(self, instance: Any) -> None:
        """Remove the subject, with its OAuth accounts."""

    @abstractmethod
    async def accounts(
        self, user: Any, external: Iterable[ExternalAccount], *, newest: bool = False
    ) -> list[tuple[bool, Any]]:
        """Read the OAuth accounts of a user, if any, and those of `external`, where they are
        written; with `newest` past the app's snapshot. Before each is whether it is the user's."""

    @abstractmethod
    async def exists(self, instance: Any) -> bool:
        """Tell whether the subject's row is there, whatever filters of the app's may hide."""

    @abstractmethod
    async def column(self, statement: Any, *, newest: bool = False) -> Sequence[Any]:
        """Return the first column of what a statement finds, read as `accounts` are."""
