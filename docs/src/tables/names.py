from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)


class Base(DeclarativeBase):
    pass


# --8<-- [start:tables]
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    __tablename__ = "member_oauth_account"


class User(SQLAlchemyBaseUserTableUUID, Base):
    __tablename__ = "member"

    email: Mapped[str] = mapped_column("mail", String(320), unique=True, index=True)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    __tablename__ = "member_token"


# --8<-- [end:tables]
