"""The application: where its users are stored, and its routes."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers
from fastapi_users.schemas import BaseUserCreate, BaseUserUpdate
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

import fastapi_users_db

from .database import DATABASE_URL, create_tables
from .models import OAuthAccount, User
from .users import SECRET, UserManager, UserRead, acme, auth_backend

engine = create_async_engine(DATABASE_URL)
session_maker = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await create_tables()
    yield
    await engine.dispose()


UserDatabase = fastapi_users_db.UserDatabase[User, uuid.UUID]


async def get_user_db() -> AsyncIterator[UserDatabase]:
    async with session_maker() as session:
        yield fastapi_users_db.SQLAlchemyUserDatabase(session, User, OAuthAccount)


async def get_user_manager(
    user_db: Annotated[UserDatabase, Depends(get_user_db)],
) -> AsyncIterator[UserManager]:
    yield UserManager(user_db)


fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])

app = FastAPI(title="fastapi-users-db example", lifespan=lifespan)
app.include_router(
    fastapi_users.get_register_router(UserRead, BaseUserCreate), prefix="/auth", tags=["auth"]
)
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth", tags=["auth"])
app.include_router(
    # The cookie is "secure" wherever there is HTTPS: on 127.0.0.1 there is not.
    fastapi_users.get_oauth_router(acme, auth_backend, SECRET, csrf_token_cookie_secure=False),
    prefix="/auth/acme",
    tags=["auth"],
)
app.include_router(
    fastapi_users.get_oauth_associate_router(
        acme, UserRead, SECRET, csrf_token_cookie_secure=False
    ),
    prefix="/link/acme",
    tags=["auth"],
)
app.include_router(
    fastapi_users.get_users_router(UserRead, BaseUserUpdate), prefix="/users", tags=["users"]
)
