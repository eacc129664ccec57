"""Every form in which an app can have an adapter, over one database."""

import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import fastapi_users_db_sqlalchemy as shim
from databases import Database
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as ShimAccessTokenDatabase,
)
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import OAuthAccountModel

CURRENT = ("orm", "orm-expire-on-commit", "databases", "shim")
LEGACY = ("shim-legacy-orm", "shim-legacy-databases")
FORMS = (*CURRENT, *LEGACY)


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OAuthAccountDB(OAuthAccountModel, _Model):
    pass


class UserDB(_Model):
    id: UUID
    email: str
    hashed_password: str
    is_active: bool = True
    is_superuser: bool = False
    is_verified: bool = False
    name: str | None = None
    oauth_accounts: list[OAuthAccountDB] = []


class AccessTokenDB(_Model):
    token: str
    user_id: UUID
    created_at: datetime


@asynccontextmanager
async def opened(
    form: str,
    engine: AsyncEngine,
    database: Database,
    tables: SimpleNamespace,
    retries: int = 0,
) -> AsyncIterator[Any]:
    """Give the `users` and `tokens` of a form, for the time of a request.

    Parameters:
        form: one of `FORMS`.
        engine: the database, for the forms of the ORM.
        database: the database, for the others.
        tables: the app's classes.
        retries: those of this package's own adapters.
    """
    user, account, token = tables.User, tables.OAuthAccount, tables.AccessToken
    expire = form == "orm-expire-on-commit"
    async with AsyncSession(engine, expire_on_commit=expire) as session:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
            users: Any
            tokens: Any
            if form == "databases":
                users = DatabasesUserDatabase(database, user, account, retries=retries)
                tokens = DatabasesAccessTokenDatabase(database, token, retries=retries)
            elif form == "shim":
                users = shim.SQLAlchemyUserDatabase(session, user, account)
                tokens = ShimAccessTokenDatabase(session, token)
            elif form == "shim-legacy-orm":
                users = shim.SQLAlchemyUserDatabase(UserDB, session, user, account)
                tokens = ShimAccessTokenDatabase(AccessTokenDB, session, token)
            elif form == "shim-legacy-databases":
                users = shim.SQLAlchemyUserDatabase(
                    UserDB, database, user.__table__, account.__table__
                )
                tokens = ShimAccessTokenDatabase(AccessTokenDB, database, token.__table__)
            else:
                users = SQLAlchemyUserDatabase(session, user, account, retries=retries)
                tokens = SQLAlchemyAccessTokenDatabase(session, token, retries=retries)
        yield SimpleNamespace(users=users, tokens=tokens)
