import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated

from databases import Database
from fastapi import Depends, FastAPI, Request, Response
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from fastapi_users_db.authentication import DatabaseStrategy

DATABASE_URL = "postgresql://app@primary/app"
STANDBY_URL = "postgresql://app@standby/app"
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


LAG_SECONDS = 10  # longer than the standby is ever behind
WROTE = "wrote"


def is_writing(request: Request) -> bool:
    # The callback of an OAuth provider is a GET, and registers users.
    return request.method not in ("GET", "HEAD") or request.url.path.endswith("/callback")


# --8<-- [start:databases]
primary = Database(DATABASE_URL)
standby = Database(STANDBY_URL)


def get_database(request: Request) -> Database:
    return primary if is_writing(request) or WROTE in request.cookies else standby


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with primary, standby:
        yield


Users = DatabasesUserDatabase[User, uuid.UUID]
Tokens = DatabasesAccessTokenDatabase[AccessToken]


async def get_access_token_db() -> Tokens:
    return DatabasesAccessTokenDatabase(primary, AccessToken)


async def get_user_db() -> Users:
    return DatabasesUserDatabase(primary, User)


async def get_directory(database: Annotated[Database, Depends(get_database)]) -> Users:
    return DatabasesUserDatabase(database, User)


DirectoryDb = Annotated[Users, Depends(get_directory)]


# --8<-- [end:databases]
app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def remember_writing(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    if is_writing(request):
        response.set_cookie(WROTE, "1", max_age=LAG_SECONDS, secure=True, httponly=True)
    return response


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
