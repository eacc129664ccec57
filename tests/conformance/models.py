"""The tables that the conformance suite runs on, and models to build from their rows."""

import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import JSON, Integer, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(String(20))
    preferences: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    greeting: Mapped[str] = mapped_column(String(20), server_default=text("'hello'"))
    changes: Mapped[int] = mapped_column(Integer, default=0, onupdate=1)

    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class OAuthAccountModel(BaseModel):
    id: uuid.UUID
    oauth_name: str
    access_token: str
    expires_at: int | None
    refresh_token: str | None
    account_id: str
    account_email: str


class UserModel(BaseModel):
    id: uuid.UUID
    email: str
    hashed_password: str
    is_active: bool
    is_superuser: bool
    is_verified: bool
    name: str | None
    preferences: dict[str, Any] | None
    greeting: str
    changes: int
    oauth_accounts: list[OAuthAccountModel] = []
