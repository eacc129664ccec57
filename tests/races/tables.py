"""The tables that race, with and without the indexes that an app may add."""

from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Column, String
from sqlalchemy.orm import declarative_base, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
    unique_oauth_account_index,
)


@lru_cache
def declare(indexed: bool) -> SimpleNamespace:
    """Return the classes of an app: `User`, `OAuthAccount`, `AccessToken`, and their `Base`.

    Parameters:
        indexed: whether the app has added the unique indexes that are opt-in.
    """
    base: Any = declarative_base()

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, base):
        name = Column(String(100))
        oauth_accounts = relationship("OAuthAccount", lazy="joined")

    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, base):
        pass

    if indexed:
        unique_email_index(User)
        unique_oauth_account_index(OAuthAccount)
    return SimpleNamespace(Base=base, User=User, OAuthAccount=OAuthAccount, AccessToken=AccessToken)
