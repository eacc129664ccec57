"""FastAPI Users' database strategy, with one statement for each request, and with hashed tokens.

Nothing else of the package imports it: FastAPI Users' own strategies need no adapter of ours.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Generic

from fastapi_users.authentication.strategy import db
from fastapi_users.manager import BaseUserManager

from fastapi_users_db.adapters.base import AccessTokenDatabase, as_text, has_methods_of, is_ours
from fastapi_users_db.hashing import hashed, is_hash, stored_as
from fastapi_users_db.types import now_utc
from fastapi_users_db.values import is_storable
from fastapi_users_db.versions.fastapi_users import AP, ID, UP

__all__ = ["DatabaseStrategy"]


class DatabaseStrategy(db.DatabaseStrategy[UP, ID, AP], Generic[UP, ID, AP]):
    """A replacement for FastAPI Users' `DatabaseStrategy`: only the import changes.

    A token and its user are read in one statement, through the user adapter's hook. There are two
    statements if one could give another answer: if the adapters have different sessions or
    databases, or are not of this package, or the app has a `get` of its own.

    Tokens that are stored hashed are always accepted. A hash itself never is.

    Parameters:
        database: the access token adapter.
        lifetime_seconds: how old a token may be; `None` or 0 is any age.
        hash_tokens: whether new tokens are stored hashed. Those that are stored in clear text
            are not accepted any more.
        accept_clear: accept these too, until all of them have expired.
    """

    def __init__(
        self,
        database: db.AccessTokenDatabase[AP],
        lifetime_seconds: int | None = None,
        *,
        hash_tokens: bool = False,
        accept_clear: bool = False,
    ) -> None:
        super().__init__(database, lifetime_seconds)
        self.hash_tokens = hash_tokens
        self.accept_clear = accept_clear

    async def read_token(
        self, token: str | None, user_manager: BaseUserManager[UP, ID]
    ) -> UP | None:
        """Return the user whose token this is.

        Parameters:
            token: the token, as the client has it; `None` is nobody's.
            user_manager: the user manager.

        Returns:
            The user, or `None`: the token is unknown or too old, or the user is gone.

        Raises:
            TypeError: `token` is not a string.
        """
        values = self._stored_as(token)
        if values and self._is_joined(user_manager):
            users: Any = user_manager.user_db
            owner: UP | None = await users._get_by_access_token(
                self.database, values, self._max_age()
            )
            return owner
        for value in values:
            user: UP | None = await super().read_token(value, user_manager)
            if user is not None:
                return user
        return None

    async def write_token(self, user: UP) -> str:
        """Create a token for a user. It is committed as the access token adapter commits.

        Parameters:
            user: the user.

        Returns:
            The token. If it is stored hashed, nothing can show it again.

        Raises:
            UserNotFoundError: the user is gone.
        """
        values = self._create_access_token_dict(user)
        token: str = values["token"]
        if not self.hash_tokens and not is_hash(token):
            return (await self.database.create(values)).token
        await self.database.create({**values, "token": hashed(token)})
        return token

    async def destroy_token(self, token: str | None, user: UP) -> None:
        """Delete a token, however it is stored. One that is gone already is no error.

        Parameters:
            token: the token, as the client has it; `None` is none.
            user: the user.

        Raises:
            TypeError: `token` is not a string.
        """
        for value in self._stored_as(token):
            access_token = await self.database.get_by_token(value)
            if access_token is not None:
                await self.database.delete(access_token)
                return

    def _stored_as(self, token: Any) -> list[str]:
        """Return what may be stored of a token, and is accepted."""
        if token is None:
            return []
        if not isinstance(token, str):
            token = as_text("token", token)
        if not is_storable(token):
            return []
        values = stored_as(token, clear=self.accept_clear or not self.hash_tokens)
        # First what this strategy writes: where they are looked for one by one.
        return values[::-1] if self.hash_tokens else values

    def _max_age(self) -> datetime | None:
        if not self.lifetime_seconds:
            return None
        return now_utc() - timedelta(seconds=self.lifetime_seconds)

    def _is_joined(self, user_manager: Any) -> bool:
        """Tell whether one statement does it."""
        database: Any = self.database
        return (
            has_methods_of(BaseUserManager, user_manager, "get")
            # An app's own may refuse an id.
            and is_ours(getattr(type(user_manager), "parse_id", None))
            and "parse_id" not in vars(user_manager)
            # By its type: a mock is an instance of what it stands for.
            and issubclass(type(database), AccessTokenDatabase)
            and database.is_beside(user_manager.user_db)
        )
