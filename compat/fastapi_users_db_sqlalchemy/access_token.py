"""The access token adapter and tables under their old names."""

from __future__ import annotations

from typing import Any

# From the modules: the package may be the one that is importing us.
from fastapi_users_db.adapters.databases import DatabasesAccessTokenDatabase, check_installed
from fastapi_users_db.adapters.orm import (
    SQLAlchemyAccessTokenDatabase as ORMAccessTokenDatabase,
)
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.exceptions import AccessTokenNotFoundError
from fastapi_users_db.mapping import Entity, read
from fastapi_users_db.types import now_utc
from fastapi_users_db.versions.fastapi_users import AP
from fastapi_users_db_sqlalchemy import _exposed, _pydantic
from fastapi_users_db_sqlalchemy._arguments import Names, arguments
from fastapi_users_db_sqlalchemy._deprecations import (
    CURRENT_ACCESS_TOKEN_ADAPTER,
    LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER,
    LEGACY_ORM_ACCESS_TOKEN_ADAPTER,
    warn,
)
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

NAMES = Names(
    model="access_token_model",
    tables=("access_tokens",),
    classes=("access_token_table",),
    example=("AccessToken", "AccessTokenTable"),
)


class SQLAlchemyAccessTokenDatabase(ORMAccessTokenDatabase[AP]):
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

    def __init__(self, *args: Any, commit: bool = True, **kwargs: Any) -> None:
        call = arguments(type(self).__name__, NAMES, args, kwargs)
        if call.model is not None:
            self.access_token_model = call.model
        if call.is_databases:
            check_installed()
            self.database = call.connection
            [self.access_tokens] = call.tables
            warn(LEGACY_DATABASES_ACCESS_TOKEN_ADAPTER, self, *call.tables)
            return
        self.session = call.connection
        [self.access_token_table] = call.tables
        self.commit = commit
        current = call.model is None
        warn(
            CURRENT_ACCESS_TOKEN_ADAPTER if current else LEGACY_ORM_ACCESS_TOKEN_ADAPTER,
            self,
            *call.tables,
        )

    async def create(self, create_dict: Any) -> AP:
        """Create an access token from a dict or from a model."""
        values = _pydantic.dump(create_dict, "create(create_dict) or create(access_token)")
        if self._model is not None:
            values = {**_pydantic.missing(self._model, self._tokens, values), **values}
        if self._is_databases:
            return await self._databases.create(values)
        return self._present(await super().create(values))

    async def update(self, access_token: Any, update_dict: Any = None) -> AP:
        """Change an access token by a dict; or, without one, write all of what is given."""
        values = update_dict
        if values is None:
            usage = "update(access_token, update_dict) or update(access_token)"
            is_mapped = not self._is_databases and isinstance(access_token, self.access_token_table)
            values = {} if is_mapped else _pydantic.dump(access_token, usage)
        if self._is_databases:
            # The row as it is: the model may have changed since it was read.
            stored = await self._stored(access_token)
            return await self._databases.update(stored, values)
        return self._present(await super().update(await self._stored(access_token), values))

    async def delete(self, access_token: Any) -> None:
        """Delete an access token. One that is gone already is no error."""
        if self._is_databases:
            await self._databases.delete(access_token)
            return
        try:
            stored = await self._stored(access_token)
        except AccessTokenNotFoundError:
            return
        await super().delete(stored)

    async def delete_expired(self, *args: Any, **kwargs: Any) -> int:
        """See `fastapi_users_db.AccessTokenDatabase.delete_expired`."""
        if self._is_databases:
            return await self._databases.delete_expired(*args, **kwargs)
        return await super().delete_expired(*args, **kwargs)

    async def _get_token(self, statement: Any) -> AP | None:
        if self._is_databases:
            return await self._databases._get_token(statement)
        mapped = await super()._get_token(statement)
        return None if mapped is None else self._present(mapped)

    def _select_token(self) -> Any:
        return self._databases._select_token() if self._is_databases else super()._select_token()

    def _live_tables(self) -> LiveTables:
        return self._databases._live_tables() if self._is_databases else super()._live_tables()

    @property
    def _tokens(self) -> Entity:
        return self._databases._tokens if self._is_databases else super()._tokens

    @property
    def _model(self) -> Any:
        return getattr(self, "access_token_model", None)

    @property
    def _is_databases(self) -> bool:
        return getattr(self, "database", None) is not None

    @property
    def _databases(self) -> _Databases[AP]:
        return _Databases(self)

    async def _stored(self, access_token: Any) -> Any:
        """Return what is stored of an access token that is given as a model."""
        if not self._is_databases and (
            isinstance(access_token, self.access_token_table) or not hasattr(access_token, "token")
        ):
            return access_token
        statement = self._select_token().where(
            self._tokens.column("token") == read(access_token, "token")
        )
        if self._is_databases:
            stored = await self._databases._get_token(statement)
        else:
            stored = await super()._get_token(statement)
        if stored is None:
            raise AccessTokenNotFoundError()
        return stored

    def _present(self, mapped: Any) -> AP:
        """Return the access token in the form that this adapter promises."""
        if self._model is None:
            return mapped  # type: ignore[no-any-return]
        values = self._tokens.values(mapped)
        return _pydantic.build(self._model, mapped, values)  # type: ignore[no-any-return]


class _Databases(DatabasesAccessTokenDatabase[AP]):
    """The adapter over `databases` on behalf of one of the above."""

    def __init__(self, of: SQLAlchemyAccessTokenDatabase[AP]) -> None:
        # Not the constructor of the base class: the arguments are checked, the warning is given.
        self.database = of.database
        self.access_token_table = of.access_tokens
        self.access_token_model = of.access_token_model


def __getattr__(name: str) -> Any:
    return _exposed.get(__name__, name)
