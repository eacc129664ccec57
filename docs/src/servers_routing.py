import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db.authentication import DatabaseStrategy

DATABASE_URL = "postgresql+asyncpg://app@primary/app"
STANDBY_URL = "postgresql+asyncpg://app@standby/app"
SECRET = "a secret of sufficient length, from the environment"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


# --8<-- [start:sessions]
primary = create_async_engine(DATABASE_URL, pool_pre_ping=True)
standby = create_async_engine(STANDBY_URL, pool_pre_ping=True)
primary_sessions = async_sessionmaker(primary, expire_on_commit=False)
standby_sessions = async_sessionmaker(standby, expire_on_commit=False)

LAG_SECONDS = 10  # longer than the standby is ever behind
WROTE = "wrote"


def is_writing(request: Request) -> bool:
    # The callback of an OAuth provider is a GET, and registers users.
    return request.method not in ("GET", "HEAD") or request.url.path.endswith("/callback")


async def get_primary_session() -> AsyncIterator[AsyncSession]:
    async with primary_sessions() as session:
        yield session


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    on_primary = is_writing(request) or WROTE in request.cookies
    async with (primary_sessions if on_primary else standby_sessions)() as session:
        yield session


app = FastAPI()


@app.middleware("http")
async def remember_writing(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    if is_writing(request):
        response.set_cookie(WROTE, "1", max_age=LAG_SECONDS, secure=True, httponly=True)
    return response


# --8<-- [end:sessions]
# --8<-- [start:adapters]
PrimarySession = Annotated[AsyncSession, Depends(get_primary_session)]
Users = SQLAlchemyUserDatabase[User, uuid.UUID]
Tokens = SQLAlchemyAccessTokenDatabase[AccessToken]


async def get_access_token_db(session: PrimarySession) -> Tokens:
    return SQLAlchemyAccessTokenDatabase(session, AccessToken)


async def get_user_db(session: PrimarySession) -> Users:
    return SQLAlchemyUserDatabase(session, User)


async def get_directory(session: Annotated[AsyncSession, Depends(get_session)]) -> Users:
    return SQLAlchemyUserDatabase(session, User)


DirectoryDb = Annotated[Users, Depends(get_directory)]


# --8<-- [end:adapters]
def get_strategy(
    tokens: Annotated[Tokens, Depends(get_access_token_db)],
) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
    return DatabaseStrategy(tokens, lifetime_seconds=3600)


def get_user_manager(user_db: Annotated[Users, Depends(get_user_db)]) -> UserManager:
    return UserManager(user_db)


backend = AuthenticationBackend("database", BearerTransport("auth/login"), get_strategy)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
app.include_router(fastapi_users.get_auth_router(backend), prefix="/auth")
app.include_router(
    fastapi_users.get_register_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserCreate),
    prefix="/auth",
)
CurrentUser = Annotated[User, Depends(fastapi_users.current_user())]


@app.get("/exists")
async def exists(email: str, user: CurrentUser, directory: DirectoryDb) -> bool:
    return await directory.get_by_email(email) is not None
