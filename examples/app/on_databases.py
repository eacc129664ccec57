"""The application: where its users are stored, and its routes."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import databases
from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers
from fastapi_users.schemas import BaseUserCreate, BaseUserUpdate

from fastapi_users_db import DatabasesUserDatabase

from .database import DATABASE_URL, create_tables
from .models import OAuthAccount, User
from .users import SECRET, UserManager, UserRead, acme, auth_backend

database = databases.Database(DATABASE_URL)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await create_tables()
    async with database:
        yield


UserDatabase = DatabasesUserDatabase[User, uuid.UUID]


async def get_user_db() -> AsyncIterator[UserDatabase]:
    yield DatabasesUserDatabase(database, User, OAuthAccount)


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
