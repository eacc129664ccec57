"""The operations of the `databases` adapter: upstream 1.1.0 and ours, on the stack of 2021."""

from __future__ import annotations

import uuid
import warnings
from types import SimpleNamespace
from typing import Any

from databases import Database
from fastapi_users import models
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase as UpstreamUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as UpstreamAccessTokenDatabase,
)
from sqlalchemy.orm import declarative_base, relationship

import fastapi_users_db as ours
from benchmarks import data

Base: Any = declarative_base()


class OAuthAccount(ours.SQLAlchemyBaseOAuthAccountTableUUID, Base):
    """An OAuth account, for both sides."""


class User(ours.SQLAlchemyBaseUserTableUUID, Base):
    """A user, for both sides."""

    oauth_accounts = relationship("OAuthAccount")


class AccessToken(ours.SQLAlchemyBaseAccessTokenTableUUID, Base):
    """An access token, for both sides."""


class UserDB(models.BaseUserDB):
    """What upstream builds from a row."""


class UserDBWithOAuth(models.BaseOAuthAccountMixin, models.BaseUserDB):
    """The same with OAuth accounts."""


def upstream_side(database: Database) -> SimpleNamespace:
    """Return upstream's adapters."""
    from fastapi_users.authentication.strategy.db import BaseAccessToken

    users, accounts = User.__table__, OAuthAccount.__table__
    return SimpleNamespace(
        name="upstream",
        users=UpstreamUserDatabase(UserDB, database, users),
        users_with_oauth=UpstreamUserDatabase(UserDBWithOAuth, database, users, accounts),
        tokens=UpstreamAccessTokenDatabase(BaseAccessToken, database, AccessToken.__table__),
        user=lambda values: UserDB(**values),
        token=lambda values: BaseAccessToken(**values),
    )


def our_side(database: Database, *, email_index: bool) -> SimpleNamespace:
    """Return our adapters.

    Parameters:
        database: the database.
        email_index: whether the class declares the index.
    """
    if email_index:
        ours.unique_email_index(User)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SimpleNamespace(
            name="ours",
            users=ours.DatabasesUserDatabase(database, User),
            users_with_oauth=ours.DatabasesUserDatabase(database, User, OAuthAccount),
            tokens=ours.DatabasesAccessTokenDatabase(database, AccessToken),
            user=dict,
            token=dict,
        )


class Operations:
    """What is measured: each method prepares a round on one side and returns what to time."""

    def __init__(self, users: int) -> None:
        self._sample = data.Sample(users)

    async def get(self, side: Any, number: int) -> Any:
        user_id = data.user_id(self._sample.number(number))
        return lambda: side.users.get(user_id)

    async def get_with_accounts(self, side: Any, number: int) -> Any:
        user_id = data.user_id(self._sample.number(number))
        return lambda: side.users_with_oauth.get(user_id)

    async def get_by_email(self, side: Any, number: int) -> Any:
        email = data.email(self._sample.number(number))
        return lambda: side.users.get_by_email(email)

    async def get_by_email_in_another_case(self, side: Any, number: int) -> Any:
        email = data.email(self._sample.number(number)).upper()
        return lambda: side.users.get_by_email(email)

    async def get_by_email_unknown(self, side: Any, number: int) -> Any:
        return lambda: side.users.get_by_email(f"nobody{number}@example.com")

    async def get_by_oauth_account(self, side: Any, number: int) -> Any:
        account_id = data.account_id(self._sample.number(number))
        return lambda: side.users_with_oauth.get_by_oauth_account("provider", account_id)

    async def create(self, side: Any, number: int) -> Any:
        user = side.user({"id": uuid.uuid4(), **data.new_user()})
        return lambda: side.users.create(user)

    async def update(self, side: Any, number: int) -> Any:
        user = await side.users.get(data.user_id(self._sample.number(number)))
        changes = {"is_verified": not user.is_verified, "hashed_password": uuid.uuid4().hex}
        if side.name == "ours":
            return lambda: side.users.update(user, changes)
        changed = user.copy(update=changes)
        return lambda: side.users.update(changed)

    async def delete(self, side: Any, number: int) -> Any:
        user = await side.users.create(side.user({"id": uuid.uuid4(), **data.new_user()}))
        return lambda: side.users.delete(user)

    async def token_get(self, side: Any, number: int) -> Any:
        token = data.token(self._sample.number(number))
        return lambda: side.tokens.get_by_token(token)

    async def token_create(self, side: Any, number: int) -> Any:
        token = side.token(self._new_token(number))
        return lambda: side.tokens.create(token)

    async def token_delete(self, side: Any, number: int) -> Any:
        token = await side.tokens.create(side.token(self._new_token(number)))
        return lambda: side.tokens.delete(token)

    def _new_token(self, number: int) -> dict[str, Any]:
        return {"token": uuid.uuid4().hex, "user_id": data.user_id(self._sample.number(number))}
