from fastapi_users import BaseUserManager, IntegerIDMixin
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseUserTableInt,
)


class Base(DeclarativeBase):
    pass


# --8<-- [start:tables]
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableInt, Base):
    pass


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    pass


# --8<-- [end:tables]
