from fastapi import Depends
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)
from fastapi_users.authentication.strategy.db import AccessTokenDatabase, DatabaseStrategy

from app.core.config import settings
from app.schemas.user import UserCreate, UserDB

from .tokens import AccessToken, get_access_token_db

bearer_transport = BearerTransport(tokenUrl=settings.API_V1 + "/auth/jwt/login")
cookie_transport = CookieTransport(
    cookie_name=settings.COOKIE_NAME,
    cookie_max_age=settings.TOKEN_LIFETIME,
    cookie_secure=False,
)


def get_jwt_strategy() -> JWTStrategy[UserCreate, UserDB]:
    return JWTStrategy(secret=settings.SECRET, lifetime_seconds=settings.TOKEN_LIFETIME)


def get_database_strategy(
    access_token_db: AccessTokenDatabase[AccessToken] = Depends(get_access_token_db),
) -> DatabaseStrategy[UserCreate, UserDB, AccessToken]:
    return DatabaseStrategy(access_token_db, lifetime_seconds=settings.TOKEN_LIFETIME)


jwt_backend = AuthenticationBackend(
    name="jwt",
    transport=bearer_transport,
    get_strategy=get_jwt_strategy,
)
cookie_backend = AuthenticationBackend(
    name="cookie",
    transport=cookie_transport,
    get_strategy=get_database_strategy,
)
