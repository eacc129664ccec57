from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


# --8<-- [start:unique-email-index]
class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


unique_email_index(User)


# --8<-- [end:unique-email-index]
class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass
