"""An app of upstream 2.x or 3.x: the legacy convention over the ORM."""

from contextlib import asynccontextmanager

from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
)
from legacy import AccessToken, Legacy, UserDB
from protocol import serve
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    name = Column(String(100))
    oauth_accounts = relationship("OAuthAccountTable")


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, Base):
    pass


@asynccontextmanager
async def opened(addresses):
    engine = create_async_engine(addresses["orm"])
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield Legacy(
            addresses,
            Base.metadata,
            SQLAlchemyUserDatabase(UserDB, session, UserTable, OAuthAccountTable),
            SQLAlchemyAccessTokenDatabase(AccessToken, session, AccessTokenTable),
        )
    await engine.dispose()


if __name__ == "__main__":
    serve(opened)
