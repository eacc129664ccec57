"""The access token adapter and tables under their old names."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import MultipleResultsFound

# From the modules: the package may be the one that is importing us.
from fastapi_users_db.adapters.base import NOTHING, AccessTokenSession
from fastapi_users_db.adapters.databases import DatabasesAccessTokenDatabase, RowsUnit
from fastapi_users_db.adapters.orm import (
    SQLAlchemyAccessTokenDatabase as ORMAccessTokenDatabase,
)
from fastapi_users_db.adapters.rows import Rows
from fastapi_users_db.adapters.session import read_first
from fastapi_users_db.adapters.unit import Given
from fastapi_users_db.comparison import same_text
from fastapi_users_db.exceptions import AccessTokenNotFoundError
from fastapi_users_db.mapping import Entity, wrong_instance
from fastapi_users_db.types import now_utc
from fastapi_users_db.versions.fastapi_users import AP
from fastapi_users_db_sqlalchemy import _exposed, _pydantic
from fastapi_users_db_sqlalchemy._arguments import Names
from fastapi_users_db_sqlalchemy._deprecations import (
    CURRENT_ACCESS_TOKEN_ADAPTER,
    LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER,
    LEGACY_ORM_ACCESS_TOKEN_ADAPTER,
)
from fastapi_users_db_sqlalchemy._forms import Deprecations, Forms, either, read_one
from fastapi_users_db_sqlalchemy.generics import GUID, TIMESTAMPAware
from fastapi_users_db_sqlalchemy.tables import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableUUID,
)

__all__ = [
    "GUID",
    "SQLAlchemyAccessTokenDatabase",
    "SQLAlchemyBaseAccessTokenTable",
    "SQLAlchemyBaseAccessTokenTableUUID",
    "TIMESTAMPAware",
    "now_utc",
]


class _OverORM(ORMAccessTokenDatabase[AP]):
    """The adapter over the ORM, on behalf of one of those below."""

    def __init__(self, of: SQLAlchemyAccessTokenDatabase[AP]) -> None:
        # Not the constructor of the base class: the arguments are checked already.
        self._of = of
        self.session = of.session
        self.access_token_table = of.access_token_table
        self._commits = of._commits
        self._model = of._model

    async def update(self, access_token: Any, update_dict: dict[str, Any]) -> AP:
        return await super().update(await self._stored(access_token), update_dict)

    async def delete(self, access_token: Any) -> None:
        try:
            stored = await self._stored(access_token)
        except AccessTokenNotFoundError:
            return
        await super().delete(stored)

    async def _get_token(self, statement: Any) -> AP | None:
        mapped = await super()._get_token(statement)
        return None if mapped is None else self._build(mapped)

    async def _made(self, access_token: Any) -> Any:
        return self._build(access_token)

    @property
    def _tokens(self) -> Entity:
        return self._of._contract.entity(self.access_token_table)

    async def _stored(self, access_token: Any) -> Any:
        """Return the mapped object of an access token that is given as a model."""
        is_one = isinstance(access_token, (self.access_token_table, type))
        if is_one or not hasattr(access_token, "token"):
            return access_token
        is_token = same_text(self._tokens.expression("token"), access_token.token)
        reading = super()._get_token(self._select_token().where(is_token))
        stored = await read_first(self.session, self._commits, reading)
        if stored is None:
            raise AccessTokenNotFoundError()
        return stored

    def _build(self, mapped: Any) -> AP:
        """Return the access token in the form that this adapter promises."""
        if self._model is None:
            return mapped  # type: ignore[no-any-return]
        values = self._tokens.values(mapped)
        return _pydantic.build(self._model, mapped, values)  # type: ignore[no-any-return]


class _OverDatabases(DatabasesAccessTokenDatabase[AP]):
    """The adapter over `databases`, on behalf of one of those below."""

    def __init__(self, of: SQLAlchemyAccessTokenDatabase[AP]) -> None:
        # Not the constructor of the base class: the arguments are checked, the warning is given.
        self._of = of
        self.database = of.database
        self.access_token_table = of.access_tokens
        self.access_token_model = of.access_token_model

    async def update(self, access_token: Any, update_dict: dict[str, Any]) -> AP:
        return await super().update(await self._stored(access_token), update_dict)

    async def _stored(self, access_token: Any) -> Any:
        # The row as it is: the model may have changed since it was read.
        if isinstance(access_token, type) or not hasattr(access_token, "token"):
            raise wrong_instance(access_token, self.access_token_model)
        is_token = same_text(self._tokens.expression("token"), access_token.token)
        stored = await self._get_token(self._select_token().where(is_token))
        if stored is None:
            raise AccessTokenNotFoundError()
        return stored

    async def _get_token(self, statement: Any) -> AP | None:
        rows = Rows(self.database, self._tokens)
        row = await rows.fetch_one(statement)
        return None if row is None else self._make_token(rows.named(row))

    def _unit(self, access_token: Any, given: Given = NOTHING) -> RowsUnit:
        # Whatever has a token stands for its row.
        is_one = hasattr(access_token, "token") and not isinstance(access_token, type)
        model = type(access_token) if is_one else self.access_token_model
        return RowsUnit(self, self._tokens, model, access_token, given)

    @property
    def _tokens(self) -> Entity:
        return self._of._contract.entity(self.access_token_table)


class _Given(_OverDatabases[AP]):
    """The same, for what the app has given as a whole: no model is built, and none has a say."""

    def __init__(self, of: SQLAlchemyAccessTokenDatabase[AP]) -> None:
        super().__init__(of)
        self.access_token_model: Any = SimpleNamespace

    async def update_whole(self, access_token: Any, values: dict[str, Any]) -> Any:
        """Write all values of an access token, and return the object that was given."""
        stored = await self._stored(access_token)
        await DatabasesAccessTokenDatabase.update(self, stored, values)
        return access_token

    async def _get_token(self, statement: Any) -> Any:
        return await read_one(Rows(self.database, self._tokens), statement)


class SQLAlchemyAccessTokenDatabase(Forms, ORMAccessTokenDatabase[AP]):
    """Access tokens through an `AsyncSession` or a `databases.Database`, as models if wanted.

    The forms are `(session, AccessTokenTable)`, `(AccessToken, session, AccessTokenTable)` and
    `(AccessToken, database, access_tokens)`.

    Parameters:
        args: the arguments of one of the forms.
        commit: see `fastapi_users_db.SQLAlchemyAccessTokenDatabase`.
        kwargs: the same by name: `access_token_model`, `session`, `access_token_table`,
            `database`, `access_tokens`.

    Raises:
        TypeError: the arguments are none of the forms.
    """

    _names = Names(
        model="access_token_model",
        tables=("access_tokens",),
        classes=("access_token_table",),
        example=("AccessToken", "AccessTokenTable"),
    )
    _deprecations = Deprecations(
        CURRENT_ACCESS_TOKEN_ADAPTER,
        LEGACY_ORM_ACCESS_TOKEN_ADAPTER,
        LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER,
    )
    _over_orm = _OverORM
    _over_databases = _OverDatabases

    if TYPE_CHECKING:  # as far as the form has them
        access_token_model: Any
        database: Any
        access_tokens: Any

    async def create(self, create_dict: Any = None, *, access_token: Any = None) -> AP:
        """Create an access token from a dict or from a model."""
        usage = "create(create_dict) or create(access_token)"
        given = either(create_dict, access_token, usage)
        values = _pydantic.dump(given, usage)
        created: AP
        if isinstance(given, Mapping):
            if self._model is not None:
                values = {**_pydantic.missing(self._model, self._tokens, values), **values}
        elif self._contract.returns_given_token:
            created, whole = given, self._whole
            whole._model = None  # nothing is built of it
            await whole.create(values)
            return created
        created = await self._backend.create(values)
        return created

    async def update(self, access_token: Any, update_dict: Any = None) -> AP:
        """Change an access token by a dict; or, without one, write all of what is given."""
        updated: AP
        if update_dict is None:
            usage = "update(access_token, update_dict) or update(access_token)"
            is_mapped = not self._is_databases and isinstance(access_token, self.access_token_table)
            values = {} if is_mapped else _pydantic.dump(access_token, usage)
            if self._is_databases:
                updated = await _Given(self).update_whole(access_token, values)
                return updated
            whole = self._whole
            if self._contract.returns_given_token:
                whole._model = None  # nothing is built of it
            updated = await whole.update(access_token, values)
            return access_token if self._contract.returns_given_token else updated
        updated = await self._backend.update(access_token, update_dict)
        return updated

    async def delete(self, access_token: Any) -> None:
        """Delete an access token. One that is gone already is no error."""
        await self._backend.delete(access_token)

    async def delete_expired(self, *args: Any, **kwargs: Any) -> int:
        """See `fastapi_users_db.AccessTokenDatabase.delete_expired`."""
        deleted: int = await self._backend.delete_expired(*args, **kwargs)
        return deleted

    async def list_sessions(self, *args: Any, **kwargs: Any) -> list[AccessTokenSession]:
        """See `fastapi_users_db.AccessTokenDatabase.list_sessions`."""
        listed: list[AccessTokenSession] = await self._backend.list_sessions(*args, **kwargs)
        return listed

    async def end_session(self, *args: Any, **kwargs: Any) -> bool:
        """See `fastapi_users_db.AccessTokenDatabase.end_session`."""
        is_ended: bool = await self._backend.end_session(*args, **kwargs)
        return is_ended

    async def end_sessions(self, *args: Any, **kwargs: Any) -> int:
        """See `fastapi_users_db.AccessTokenDatabase.end_sessions`."""
        ended: int = await self._backend.end_sessions(*args, **kwargs)
        return ended

    async def _get_token(self, statement: Any) -> AP | None:
        access_token: AP | None
        try:
            access_token = await self._backend._get_token(statement)
        except MultipleResultsFound:
            if not self._contract.takes_first:
                raise
            access_token = await self._backend._get_token(statement.limit(1))
        return access_token

    @property
    def _whole(self) -> Any:
        """The adapter that writes what is given as a whole."""
        return _Given(self) if self._is_databases else self._backend

    def _select_token(self) -> Any:
        return self._backend._select_token()

    @property
    def _tokens(self) -> Entity:
        tokens: Entity = self._backend._tokens
        return tokens


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)
