import secrets
from typing import Any

from fastapi_users import BaseUserManager
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
)


class Base(DeclarativeBase):
    pass


# --8<-- [start:tables]
def new_id() -> str:
    return secrets.token_urlsafe(12)


class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[str], Base):
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="cascade"), index=True)


class User(SQLAlchemyBaseUserTable[str], Base):
    id: Mapped[str] = mapped_column(String(16), primary_key=True, default=new_id)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTable[str], Base):
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="cascade"), index=True)


class UserManager(BaseUserManager[User, str]):
    def parse_id(self, value: Any) -> str:
        return str(value)


# --8<-- [end:tables]
