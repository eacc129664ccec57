"""The tables of the users and of their OAuth accounts."""

from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship()


unique_email_index(User)
