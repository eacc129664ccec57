"""What legacy and current apps are made of: models, tables, and what there is to know of versions.

The differences of FastAPI Users, pydantic and of the package under test are bridged here. The same
tests run with upstream's own package, to prove that they ask for what worked with it.
"""

import uuid
from datetime import datetime, timezone
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Optional

import fastapi_users.db  # noqa: F401  # before the next line: upstream depends on this order
import fastapi_users_db_sqlalchemy as package
import pydantic
import pytest
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
)
from pydantic import EmailStr, Field
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base, relationship

FASTAPI_USERS = int(metadata.version("fastapi-users").partition(".")[0])
SQLALCHEMY = tuple(int(number) for number in metadata.version("sqlalchemy").split(".")[:2])


def _upstream() -> int | None:
    try:
        return int(metadata.version("fastapi-users-db-sqlalchemy").partition(".")[0])
    except metadata.PackageNotFoundError:
        return None


UPSTREAM = _upstream()
"""The major version of upstream's package, if it is what is tested."""

ours = pytest.mark.skipif(UPSTREAM is not None, reason="upstream cannot do this")
databases_form = pytest.mark.skipif(
    UPSTREAM not in (None, 1), reason="only upstream 1 has the `databases` form"
)
legacy_orm_form = pytest.mark.skipif(
    UPSTREAM not in (None, 3), reason="only upstream 3 has the ORM form with a model"
)
legacy_form = pytest.mark.skipif(
    UPSTREAM not in (None, 1, 3), reason="upstream dropped the legacy convention"
)
current_form = pytest.mark.skipif(
    UPSTREAM in (1, 3), reason="upstream had the legacy convention only"
)
on_every_database = pytest.mark.parametrize(
    "addresses", ["sqlite", "postgresql", "mariadb-aiomysql"], indirect=True
)


if FASTAPI_USERS < 10:
    from fastapi_users.models import (
        BaseOAuthAccount,
        BaseOAuthAccountMixin,
        BaseUserDB,
    )
else:
    # The framework has no such models any more: they have become the app's own.
    class FromAttributes(pydantic.BaseModel):
        if pydantic.VERSION.startswith("1."):

            class Config:
                orm_mode = True

        else:
            model_config = {"from_attributes": True}

    class BaseUserDB(FromAttributes):
        id: uuid.UUID = Field(default_factory=uuid.uuid4)
        email: EmailStr
        hashed_password: str
        is_active: bool = True
        is_superuser: bool = False
        is_verified: bool = False

    class BaseOAuthAccount(FromAttributes):
        id: uuid.UUID = Field(default_factory=uuid.uuid4)
        oauth_name: str
        access_token: str
        expires_at: Optional[int] = None
        refresh_token: Optional[str] = None
        account_id: str
        account_email: str

    class BaseOAuthAccountMixin(pydantic.BaseModel):
        oauth_accounts: list[BaseOAuthAccount] = []


class UserDB(BaseUserDB):
    """The model of a legacy app without OAuth."""

    username: Optional[str] = None
    tenant: int = 1


class OAuthUserDB(BaseOAuthAccountMixin, UserDB):
    """The model of a legacy app with OAuth."""


if FASTAPI_USERS == 9:
    from fastapi_users.authentication.strategy.db import BaseAccessToken
else:

    class BaseAccessToken(pydantic.BaseModel):
        token: str
        user_id: uuid.UUID
        created_at: datetime = Field(default_factory=lambda: datetime.now(timezone.utc))

        if pydantic.VERSION.startswith("1."):

            class Config:
                orm_mode = True

        else:
            model_config = {"from_attributes": True}


class AccessTokenDB(BaseAccessToken):
    """The model of a legacy app's access token."""


def anne(**values: Any) -> dict[str, Any]:
    """Return what `create` is given."""
    return {"email": "anne@example.com", "hashed_password": "hash", **values}


def account(**values: Any) -> dict[str, Any]:
    """Return what there is to know about an OAuth account."""
    return {
        "oauth_name": "provider",
        "access_token": "token",
        "expires_at": None,
        "refresh_token": None,
        "account_id": "1",
        "account_email": "anne@provider.example",
        **values,
    }


def _access_tokens(base: Any, mixin: str) -> Any:
    """Declare the table of access tokens, which FastAPI Users 9 brought."""
    if FASTAPI_USERS < 9:
        return None
    from fastapi_users_db_sqlalchemy import access_token

    return type("AccessToken", (getattr(access_token, mixin), base), {"scope": Column(String(20))})


def legacy_tables() -> SimpleNamespace:
    """Declare the tables as an app on FastAPI Users 7 to 9 does."""
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        username = Column(String(20))
        tenant = Column(Integer)
        oauth_accounts = relationship("OAuthAccountTable")

    class OAuthAccountTable(base, SQLAlchemyBaseOAuthAccountTable):
        pass

    return SimpleNamespace(
        base=base,
        UserTable=UserTable,
        OAuthAccountTable=OAuthAccountTable,
        AccessToken=_access_tokens(base, "SQLAlchemyBaseAccessTokenTable"),
        users=UserTable.__table__,
        oauth_accounts=OAuthAccountTable.__table__,
    )


def current_tables() -> SimpleNamespace:
    """Declare the tables as an app on FastAPI Users 10 or later does: the same ones."""
    base: Any = declarative_base()

    class OAuthAccount(package.SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    class User(package.SQLAlchemyBaseUserTableUUID, base):
        username = Column(String(20))
        tenant = Column(Integer, default=1)
        oauth_accounts = relationship("OAuthAccount", lazy="joined")

    return SimpleNamespace(
        base=base,
        User=User,
        OAuthAccount=OAuthAccount,
        AccessToken=_access_tokens(base, "SQLAlchemyBaseAccessTokenTableUUID"),
    )
