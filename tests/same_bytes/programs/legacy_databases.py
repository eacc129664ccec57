"""An app of upstream 1.x: the legacy convention over `databases`."""

from contextlib import asynccontextmanager

from databases import Database
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
from sqlalchemy.ext.declarative import declarative_base

Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    name = Column(String(100))


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, Base):
    pass


@asynccontextmanager
async def opened(addresses):
    users, accounts = UserTable.__table__, OAuthAccountTable.__table__
    async with Database(addresses["databases"]) as database:
        yield Legacy(
            addresses,
            Base.metadata,
            SQLAlchemyUserDatabase(UserDB, database, users, accounts),
            SQLAlchemyAccessTokenDatabase(AccessToken, database, AccessTokenTable.__table__),
        )


if __name__ == "__main__":
    serve(opened)
