"""The application: where its users are stored, and its routes."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers
from fastapi_users.schemas import BaseUserCreate, BaseUserUpdate
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from fastapi_users_db import SQLAlchemyUserDatabase

from .database import DATABASE_URL, create_tables
from .models import OAuthAccount, User
from .users import SECRET, UserManager, UserRead, acme, auth_backend

async_engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(async_engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await create_tables()
    try:
        yield
    finally:
        await async_engine.dispose()


UserDatabase = SQLAlchemyUserDatabase[User, uuid.UUID]


async def get_user_db() -> AsyncIterator[UserDatabase]:
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


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
