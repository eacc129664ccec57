import uuid

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
)


class Base(DeclarativeBase):
    pass


# --8<-- [start:tables]
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTable[uuid.UUID], Base):
    user_id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True, default=uuid.uuid4)
    id: Mapped[uuid.UUID] = synonym("user_id")
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


# --8<-- [end:tables]
