"""An app on FastAPI Users 9 and `databases`. It has never heard of our packages."""

import asyncio
import sys
from typing import Optional

from databases import Database
from fastapi import FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, models
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy.db import BaseAccessToken, DatabaseStrategy
from fastapi_users.password import PasswordHelper
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
)
from passlib.context import CryptContext
from sqlalchemy import Column, Integer
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.ext.declarative import declarative_base
from worker import Worker, serve

ADDRESS = sys.argv[1]
Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    first = Column(Integer, nullable=False)
    second = Column(Integer, nullable=False)


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, Base):
    pass


class User(models.BaseUser):
    first: int
    second: int


class UserCreate(models.BaseUserCreate):
    first: int
    second: int


class UserUpdate(models.BaseUserUpdate):
    first: Optional[int]  # noqa: UP045
    second: Optional[int]  # noqa: UP045


class UserDB(User, models.BaseOAuthAccountMixin, models.BaseUserDB):
    pass


class AccessToken(BaseAccessToken):
    pass


database = Database(ADDRESS)
user_db = SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__, OAuthAccountTable.__table__)
access_token_db = SQLAlchemyAccessTokenDatabase(AccessToken, database, AccessTokenTable.__table__)
# Few rounds: the generations share cheap hashes.
password_helper = PasswordHelper(
    CryptContext(schemes=["bcrypt"], deprecated="auto", bcrypt__rounds=4)
)


class UserManager(BaseUserManager[UserCreate, UserDB]):
    user_db_model = UserDB
    reset_password_token_secret = "secret"
    verification_token_secret = "secret"


def get_user_manager():
    yield UserManager(user_db, password_helper)


def get_strategy():
    return DatabaseStrategy(access_token_db, lifetime_seconds=3600)


backend = AuthenticationBackend("database", BearerTransport("login"), get_strategy)
fastapi_users = FastAPIUsers(get_user_manager, [backend], User, UserCreate, UserUpdate, UserDB)

app = FastAPI()
app.include_router(fastapi_users.get_register_router())
app.include_router(fastapi_users.get_auth_router(backend))
app.include_router(fastapi_users.get_users_router(), prefix="/users")


class Accounts:
    async def link(self, email, account_id, access_token):
        account = models.BaseOAuthAccount(
            oauth_name="provider",
            access_token=access_token,
            account_id=account_id,
            account_email=email,
        )
        return await UserManager(user_db, password_helper).oauth_callback(account)

    async def find(self, account_id):
        return await user_db.get_by_oauth_account("provider", account_id)


class CreatesTables(Worker):
    async def create_tables(self):
        engine = create_async_engine(ADDRESS.replace("postgresql", "postgresql+asyncpg", 1))
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()
        return {"status": 200}


async def main():
    async with database:
        await serve(CreatesTables(app, Accounts()))


if __name__ == "__main__":
    asyncio.run(main())
