"""An app on FastAPI Users 15, whatever its adapters."""

import uuid

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    first: Mapped[int]
    second: Mapped[int]

    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID]):
    first: int
    second: int


class UserCreate(schemas.BaseUserCreate):
    first: int
    second: int


class UserUpdate(schemas.BaseUserUpdate):
    first: int | None = None
    second: int | None = None


# bcrypt first, for as long as there are older generations: they know nothing else.
password_helper = PasswordHelper(PasswordHash((BcryptHasher(rounds=4), Argon2Hasher())))


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = "secret"
    verification_token_secret = "secret"


def build_app(get_user_db, get_access_token_db):
    """Build the application on dependencies that give the adapters."""

    def get_user_manager(user_db=Depends(get_user_db)):  # noqa: B008
        yield UserManager(user_db, password_helper)

    def get_strategy(access_token_db=Depends(get_access_token_db)):  # noqa: B008
        return DatabaseStrategy(access_token_db, lifetime_seconds=3600)

    backend = AuthenticationBackend("database", BearerTransport("login"), get_strategy)
    fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
    app = FastAPI()
    app.include_router(fastapi_users.get_register_router(UserRead, UserCreate))
    app.include_router(fastapi_users.get_auth_router(backend))
    app.include_router(fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users")
    return app


class Accounts:
    """OAuth without a provider.

    Parameters:
        user_db: gives an adapter for as long as a block lasts.
    """

    def __init__(self, user_db):
        self._user_db = user_db

    async def link(self, email, account_id, access_token):
        async with self._user_db() as user_db:
            return await UserManager(user_db, password_helper).oauth_callback(
                "provider", access_token, account_id, email, associate_by_email=True
            )

    async def find(self, account_id):
        async with self._user_db() as user_db:
            return await user_db.get_by_oauth_account("provider", account_id)
