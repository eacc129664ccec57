"""An app of upstream 4.x to 7.x: the current convention over the ORM."""

from contextlib import asynccontextmanager

from current import Current
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from protocol import serve
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name = Column(String(100))
    oauth_accounts = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


@asynccontextmanager
async def opened(addresses):
    engine = create_async_engine(addresses["orm"])
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield Current(
            addresses,
            Base.metadata,
            SQLAlchemyUserDatabase(session, User, OAuthAccount),
            SQLAlchemyAccessTokenDatabase(session, AccessToken),
        )
    await engine.dispose()


if __name__ == "__main__":
    serve(opened)
