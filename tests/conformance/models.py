"""The tables that the conformance suite runs on, and models to build from their rows."""

import uuid
from typing import Any, Optional

from pydantic import BaseModel
from sqlalchemy import JSON, Column, Integer, String, text
from sqlalchemy.orm import declarative_base, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)

# With `Column`, not `mapped_column`: the suite runs on SQLAlchemy 1.4 too.
Base: Any = declarative_base()


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name = Column(String(20))
    preferences = Column(JSON)
    greeting = Column(String(20), nullable=False, server_default=text("'hello'"))
    changes = Column(Integer, nullable=False, default=0, onupdate=1)

    oauth_accounts = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class OAuthAccountModel(BaseModel):
    id: uuid.UUID
    oauth_name: str
    access_token: str
    expires_at: Optional[int] = None
    refresh_token: Optional[str] = None
    account_id: str
    account_email: str


class UserModel(BaseModel):
    id: uuid.UUID
    email: str
    hashed_password: str
    is_active: bool
    is_superuser: bool
    is_verified: bool
    name: Optional[str]
    preferences: Optional[dict[str, Any]]
    greeting: str
    changes: int
    oauth_accounts: list[OAuthAccountModel] = []
