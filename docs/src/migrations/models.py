from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
    unique_oauth_account_index,
)


class Base(DeclarativeBase):
    pass


# --8<-- [start:unique-oauth-account-index]
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


unique_oauth_account_index(OAuthAccount)
# --8<-- [end:unique-oauth-account-index]


# --8<-- [start:unique-email-index]
class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


unique_email_index(User)


# --8<-- [end:unique-email-index]
class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass
