import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    AccessTokenSession,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db.authentication import DatabaseStrategy

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


# --8<-- [start:table]
class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


# --8<-- [end:table]
engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


# --8<-- [start:delete-expired]
LIFETIME = timedelta(days=30)
logger = logging.getLogger(__name__)


async def delete_expired_tokens() -> int:
    async with async_session_maker() as session:
        access_token_db = SQLAlchemyAccessTokenDatabase(session, AccessToken)
        return await access_token_db.delete_expired(datetime.now(timezone.utc) - LIFETIME)


async def delete_expired_tokens_every(seconds: float) -> None:
    while True:
        try:
            logger.info("%d expired access tokens deleted", await delete_expired_tokens())
        except Exception:
            logger.exception("Expired access tokens could not be deleted")
        await asyncio.sleep(seconds)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    task = asyncio.create_task(delete_expired_tokens_every(seconds=3600))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await engine.dispose()


# --8<-- [end:delete-expired]
async def get_session() -> AsyncIterator[AsyncSession]:
    async with async_session_maker() as session:
        yield session


async def get_user_db(
    session: Annotated[AsyncSession, Depends(get_session)],
) -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
    yield SQLAlchemyUserDatabase(session, User)


# --8<-- [start:adapter]
AccessTokenDB = SQLAlchemyAccessTokenDatabase[AccessToken]


async def get_access_token_db(
    session: Annotated[AsyncSession, Depends(get_session)],
) -> AsyncIterator[AccessTokenDB]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


def get_database_strategy(
    access_token_db: Annotated[AccessTokenDB, Depends(get_access_token_db)],
) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
    lifetime = int(LIFETIME.total_seconds())
    return DatabaseStrategy(access_token_db, lifetime_seconds=lifetime, hash_tokens=True)


auth_backend = AuthenticationBackend(
    name="database",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_database_strategy,
)


# --8<-- [end:adapter]
SECRET = "change me: this signs tokens, so use a long random value"


# --8<-- [start:manager]
class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET

    def __init__(
        self, user_db: SQLAlchemyUserDatabase[User, uuid.UUID], access_token_db: AccessTokenDB
    ) -> None:
        super().__init__(user_db)
        self.access_token_db = access_token_db

    async def on_after_update(
        self, user: User, update_dict: dict[str, Any], request: Request | None = None
    ) -> None:
        if update_dict.get("password"):
            await self.access_token_db.end_sessions(user.id)

    async def on_after_reset_password(self, user: User, request: Request | None = None) -> None:
        await self.access_token_db.end_sessions(user.id)


async def get_user_manager(
    user_db: Annotated[SQLAlchemyUserDatabase[User, uuid.UUID], Depends(get_user_db)],
    access_token_db: Annotated[AccessTokenDB, Depends(get_access_token_db)],
) -> AsyncIterator[UserManager]:
    yield UserManager(user_db, access_token_db)


# --8<-- [end:manager]
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])


# --8<-- [start:sessions]
current_user_token = fastapi_users.authenticator.current_user_token(active=True)
CurrentUserToken = Annotated[tuple[User, str], Depends(current_user_token)]
SessionsOf = Annotated[AccessTokenDB, Depends(get_access_token_db)]

sessions = APIRouter(prefix="/users/me/sessions")


@sessions.get("")
async def list_sessions(
    user_token: CurrentUserToken, tokens: SessionsOf
) -> list[AccessTokenSession]:
    user, _ = user_token
    return await tokens.list_sessions(user.id, max_age=datetime.now(timezone.utc) - LIFETIME)


@sessions.delete("/{session_id}", status_code=204)
async def end_session(session_id: str, user_token: CurrentUserToken, tokens: SessionsOf) -> None:
    user, _ = user_token
    if not await tokens.end_session(user.id, session_id):
        raise HTTPException(404)


@sessions.delete("", status_code=204)
async def end_other_sessions(user_token: CurrentUserToken, tokens: SessionsOf) -> None:
    user, token = user_token
    await tokens.end_sessions(user.id, but=token)


# --8<-- [end:sessions]
class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


app = FastAPI(lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth")
app.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(sessions)
app.include_router(fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users")
