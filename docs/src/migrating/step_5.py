import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship

from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)

DATABASE_URL = "sqlite:///./app.db"
SECRET = "change me: this signs tokens, so use a long random value"

engine = create_async_engine(make_url(DATABASE_URL).set(drivername="sqlite+aiosqlite"))
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship()

    def greeting(self) -> str:
        return f"Hello, {self.email}!"


class UserRead(schemas.BaseUser[uuid.UUID], schemas.BaseOAuthAccountMixin):
    pass


UserDatabase = SQLAlchemyUserDatabase[User, uuid.UUID]


async def get_user_db() -> AsyncIterator[UserDatabase]:
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


class Bcrypt(BcryptHasher):
    """bcrypt as FastAPI Users 12 and older use it: it ignores what follows the 72nd byte."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        return super().hash(first_72_bytes(password), salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        return super().verify(first_72_bytes(password), hash)


def first_72_bytes(password: str | bytes) -> bytes:
    return (password.encode() if isinstance(password, str) else password)[:72]


# The first one hashes; both verify. What is not the first one's is hashed again at login.
password_helper = PasswordHelper(PasswordHash((Argon2Hasher(), Bcrypt())))


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(
    user_db: Annotated[UserDatabase, Depends(get_user_db)],
) -> AsyncIterator[UserManager]:
    yield UserManager(user_db, password_helper)


def get_jwt_strategy() -> JWTStrategy[User, uuid.UUID]:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


auth_backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_jwt_strategy,
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])


class UserCreate(schemas.BaseUserCreate):
    pass


class UserUpdate(schemas.BaseUserUpdate):
    pass


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth")
app.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(fastapi_users.get_users_router(UserRead, UserUpdate), prefix="/users")


@app.get("/hello")
async def hello(
    user: Annotated[User, Depends(fastapi_users.current_user(active=True))],
) -> str:
    return user.greeting()
