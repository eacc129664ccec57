"""A whole app around a `get_user_db`, on whichever FastAPI Users there is."""

import uuid
from typing import Any, Optional

import httpx
from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers

from tests.compat.models import FASTAPI_USERS, OAuthUserDB

SECRET = "a secret that is long enough for HS256"
PASSWORD = "correct horse"

if FASTAPI_USERS < 10:
    from fastapi_users import models as schemas

    class User(schemas.BaseUser):
        username: Optional[str] = None

    class UserDB(User, OAuthUserDB):
        pass

    if FASTAPI_USERS < 8:
        Manager: Any = object  # there are none: routers do everything with the one adapter
    else:
        from fastapi_users import BaseUserManager

        class Manager(BaseUserManager["UserCreate", UserDB]):
            user_db_model = UserDB

else:
    from fastapi_users import BaseUserManager, UUIDIDMixin, schemas

    UserDB = OAuthUserDB

    class User(schemas.BaseUser[uuid.UUID]):
        username: Optional[str] = None

    class Manager(UUIDIDMixin, BaseUserManager[Any, uuid.UUID]):
        pass


class UserCreate(schemas.BaseUserCreate):
    username: Optional[str] = None


class UserUpdate(schemas.BaseUserUpdate):
    username: Optional[str] = None


def cheap_password_helper() -> dict[str, Any]:
    """Return what a manager is given besides its adapter, so that hashes cost nearly nothing.

    Hashing is meant to be slow; here it would be most of what the tests do.
    """
    from fastapi_users import password

    if FASTAPI_USERS >= 13:
        from pwdlib import PasswordHash
        from pwdlib.hashers.argon2 import Argon2Hasher

        hasher = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
        return {"password_helper": password.PasswordHelper(PasswordHash((hasher,)))}
    if FASTAPI_USERS >= 9:
        from passlib.context import CryptContext

        context = CryptContext(schemes=["bcrypt"], deprecated="auto", bcrypt__rounds=4)
        return {"password_helper": password.PasswordHelper(context)}
    # It has one for all managers.
    password.pwd_context.update(bcrypt__rounds=4)
    return {}


CHEAP_PASSWORD_HELPER = cheap_password_helper()


class UserManager(Manager):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET

    def __init__(self, user_db: Any) -> None:
        super().__init__(user_db, **CHEAP_PASSWORD_HELPER)
        self.registered: list[str] = []

    async def on_after_register(self, user: Any, request: Any = None) -> None:
        self.registered.append(user.email)


def jwt_backend() -> Any:
    if FASTAPI_USERS < 9:
        from fastapi_users.authentication import JWTAuthentication

        return JWTAuthentication(secret=SECRET, lifetime_seconds=3600, tokenUrl="auth/jwt/login")
    from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy

    return AuthenticationBackend(
        name="jwt",
        transport=BearerTransport(tokenUrl="auth/jwt/login"),
        get_strategy=lambda: JWTStrategy(secret=SECRET, lifetime_seconds=3600),
    )


def application(get_user_db: Any, user_db: Any) -> FastAPI:
    """Build the app as the documentation of this FastAPI Users does.

    Parameters:
        get_user_db: yields an adapter for each request.
        user_db: the one for all requests, on FastAPI Users 7.
    """

    async def get_user_manager(user_db: Any = Depends(get_user_db)) -> Any:  # noqa: B008
        yield UserManager(user_db)

    backend = jwt_backend()
    app = FastAPI()
    if FASTAPI_USERS < 10:
        adapter = user_db if FASTAPI_USERS < 8 else get_user_manager
        users: Any = FastAPIUsers(adapter, [backend], User, UserCreate, UserUpdate, UserDB)
        register, me = users.get_register_router(), users.get_users_router()
    else:
        users = FastAPIUsers(get_user_manager, [backend])
        register = users.get_register_router(User, UserCreate)
        me = users.get_users_router(User, UserUpdate)
    app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
    app.include_router(register, prefix="/auth")
    app.include_router(me, prefix="/users")
    return app


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://app.example")


async def oauth_callback(manager: Any, account: dict[str, Any], **options: Any) -> Any:
    """Call the manager as the OAuth router of this FastAPI Users does."""
    if FASTAPI_USERS < 10:
        return await manager.oauth_callback(schemas.BaseOAuthAccount(**account))
    return await manager.oauth_callback(**account, **options)
