"""The same application with its access tokens in a table, hashed."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.schemas import BaseUserUpdate
from sqlalchemy.ext.asyncio import AsyncSession

import fastapi_users_db
from fastapi_users_db.authentication import DatabaseStrategy

from .models import Base, OAuthAccount, User
from .on_orm import async_session_maker, lifespan
from .users import UserManager, UserRead


class AccessToken(fastapi_users_db.SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


AccessTokenDatabase = fastapi_users_db.SQLAlchemyAccessTokenDatabase[AccessToken]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with async_session_maker() as session:
        yield session


# Both adapters have the same session, so one statement reads a token and its user.
Session = Annotated[AsyncSession, Depends(get_session)]


async def get_user_manager(session: Session) -> AsyncIterator[UserManager]:
    yield UserManager(fastapi_users_db.SQLAlchemyUserDatabase(session, User, OAuthAccount))


async def get_access_token_db(session: Session) -> AsyncIterator[AccessTokenDatabase]:
    yield AccessTokenDatabase(session, AccessToken)


def get_strategy(
    access_token_db: Annotated[AccessTokenDatabase, Depends(get_access_token_db)],
) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
    return DatabaseStrategy(access_token_db, lifetime_seconds=3600, hash_tokens=True)


auth_backend = AuthenticationBackend(
    name="database",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_strategy,
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])

app = FastAPI(title="fastapi-users-db example", lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth", tags=["auth"])
app.include_router(
    fastapi_users.get_users_router(UserRead, BaseUserUpdate), prefix="/users", tags=["users"]
)
