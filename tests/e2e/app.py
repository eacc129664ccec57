"""An ordinary FastAPI Users application, on either adapter.

Nothing here is special to tests but the cheap password hashes and the mailbox.
"""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from databases import Database
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    AccessTokenDatabase,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserDatabase,
    unique_email_index,
)
from tests.conftest import Addresses
from tests.e2e.provider import ProviderOAuth2

SECRET = "a secret of the tests, of sufficient length"
TOKEN_LIFETIME_SECONDS = 3600

Backend = Literal["orm", "databases"]
"""What an adapter talks through."""


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


unique_email_index(User)


class UserRead(schemas.BaseUser[uuid.UUID], schemas.BaseOAuthAccountMixin):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET

    async def on_after_forgot_password(
        self, user: User, token: str, request: Request | None = None
    ) -> None:
        assert request is not None
        request.app.state.mailbox[user.email] = token

    async def on_after_request_verify(
        self, user: User, token: str, request: Request | None = None
    ) -> None:
        assert request is not None
        request.app.state.mailbox[user.email] = token


# Hashing is meant to be slow; here it would be most of what the tests do.
password_helper = PasswordHelper(
    PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1), BcryptHasher(rounds=4)))
)


@dataclass(frozen=True)
class Adapters:
    """What differs between the backends: two dependencies, and how long a connection lives."""

    get_user_db: Callable[..., AsyncIterator[UserDatabase[User, uuid.UUID]]]
    get_access_token_db: Callable[..., AsyncIterator[AccessTokenDatabase[AccessToken]]]
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]


def orm_adapters(url: str, retries: int) -> Adapters:
    engine = create_async_engine(url)
    session_maker = async_sessionmaker(engine, expire_on_commit=False)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with session_maker() as session:
            yield session

    async def get_user_db(
        session: AsyncSession = Depends(get_session),  # noqa: B008
    ) -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount, retries=retries)

    async def get_access_token_db(
        session: AsyncSession = Depends(get_session),  # noqa: B008
    ) -> AsyncIterator[SQLAlchemyAccessTokenDatabase[AccessToken]]:
        yield SQLAlchemyAccessTokenDatabase(session, AccessToken, retries=retries)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Adapters(get_user_db, get_access_token_db, lifespan)


def databases_adapters(url: str, retries: int) -> Adapters:
    # Ten connections at once otherwise, of the hundred that PostgreSQL has.
    options = {} if url.startswith("sqlite") else {"min_size": 1}
    database = Database(url, **options)

    async def get_user_db() -> AsyncIterator[DatabasesUserDatabase[User, uuid.UUID]]:
        yield DatabasesUserDatabase(database, User, OAuthAccount, retries=retries)

    async def get_access_token_db() -> AsyncIterator[DatabasesAccessTokenDatabase[AccessToken]]:
        yield DatabasesAccessTokenDatabase(database, AccessToken, retries=retries)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with database:
            yield

    return Adapters(get_user_db, get_access_token_db, lifespan)


def create_app(
    backend: Backend, addresses: Addresses, provider_url: str, *, retries: int = 0
) -> FastAPI:
    """Create the application.

    Parameters:
        backend: what its adapters talk through.
        addresses: its database.
        provider_url: where the OAuth provider is. The app knows it under two names: `provider`,
            and `trusted`, whose e-mail addresses it believes.
        retries: of its adapters.
    """
    if backend == "orm":
        adapters = orm_adapters(addresses.orm, retries)
    else:
        adapters = databases_adapters(addresses.databases, retries)

    async def get_user_manager(
        user_db: UserDatabase[User, uuid.UUID] = Depends(adapters.get_user_db),  # noqa: B008
    ) -> AsyncIterator[UserManager]:
        yield UserManager(user_db, password_helper)

    def get_database_strategy(
        database: AccessTokenDatabase[AccessToken] = Depends(  # noqa: B008
            adapters.get_access_token_db
        ),
    ) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
        return DatabaseStrategy(database, TOKEN_LIFETIME_SECONDS)

    def get_jwt_strategy() -> JWTStrategy[User, uuid.UUID]:
        return JWTStrategy(SECRET, TOKEN_LIFETIME_SECONDS)

    database_backend = AuthenticationBackend("database", CookieTransport(), get_database_strategy)
    jwt_backend = AuthenticationBackend("jwt", BearerTransport("auth/jwt/login"), get_jwt_strategy)
    users = FastAPIUsers[User, uuid.UUID](get_user_manager, [database_backend, jwt_backend])
    provider = ProviderOAuth2(provider_url, name="provider")
    trusted = ProviderOAuth2(provider_url, name="trusted")

    app = FastAPI(lifespan=adapters.lifespan)
    app.state.mailbox = {}
    routers: list[tuple[str, Any]] = [
        ("/auth", users.get_register_router(UserRead, schemas.BaseUserCreate)),
        ("/auth", users.get_verify_router(UserRead)),
        ("/auth", users.get_reset_password_router()),
        ("/auth/database", users.get_auth_router(database_backend)),
        ("/auth/jwt", users.get_auth_router(jwt_backend)),
        ("/auth/provider", users.get_oauth_router(provider, database_backend, SECRET)),
        (
            "/auth/trusted",
            users.get_oauth_router(
                trusted,
                database_backend,
                SECRET,
                associate_by_email=True,
                is_verified_by_default=True,
            ),
        ),
        ("/associate/provider", users.get_oauth_associate_router(provider, UserRead, SECRET)),
        ("/associate/trusted", users.get_oauth_associate_router(trusted, UserRead, SECRET)),
        ("/users", users.get_users_router(UserRead, schemas.BaseUserUpdate)),
    ]
    for prefix, router in routers:
        app.include_router(router, prefix=prefix)

    @app.exception_handler(OAuthAccountAlreadyLinkedError)
    async def refuse_linked_account(
        request: Request, error: OAuthAccountAlreadyLinkedError
    ) -> JSONResponse:
        return JSONResponse({"detail": "OAUTH_ACCOUNT_ALREADY_LINKED"}, status_code=400)

    return app
