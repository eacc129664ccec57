# mypy: disable-error-code="misc, type-arg, valid-type"
# --8<-- [start:app]
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import (
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
)
from fastapi_users.exceptions import InvalidID, UserNotExists
from fastapi_users.jwt import decode_jwt, generate_jwt
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import declarative_base, relationship

DATABASE_URL = "sqlite:///./app.db"
SECRET = "change me: this signs tokens, so use a long random value"

engine = create_async_engine(make_url(DATABASE_URL).set(drivername="sqlite+aiosqlite"))
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)
Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    oauth_accounts = relationship("OAuthAccountTable")


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


class UserRead(schemas.BaseUser[uuid.UUID], schemas.BaseOAuthAccountMixin):
    pass


class UserDB(UserRead):
    hashed_password: str

    def greeting(self) -> str:
        return f"Hello, {self.email}!"


UserDatabase = SQLAlchemyUserDatabase[UserDB, uuid.UUID]


async def get_user_db() -> AsyncIterator[UserDatabase]:
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(UserDB, session, UserTable, OAuthAccountTable)


class Bcrypt(BcryptHasher):
    """bcrypt as FastAPI Users 12 and older use it: it ignores what follows the 72nd byte."""

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        return super().hash(first_72_bytes(password), salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        return super().verify(first_72_bytes(password), hash)


def first_72_bytes(password: str | bytes) -> bytes:
    return (password.encode() if isinstance(password, str) else password)[:72]


# The first one hashes; both verify. What is not the first one's is hashed again at login.
password_helper = PasswordHelper(PasswordHash((Bcrypt(), Argon2Hasher())))


class UserManager(UUIDIDMixin, BaseUserManager[UserDB, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(
    user_db: Annotated[UserDatabase, Depends(get_user_db)],
) -> AsyncIterator[UserManager]:
    yield UserManager(user_db, password_helper)


class BothJWTStrategy(JWTStrategy[UserDB, uuid.UUID]):
    """Write the user's id as FastAPI Users 9 and as 15 expect it, and read either."""

    async def read_token(
        self, token: str | None, user_manager: BaseUserManager[UserDB, uuid.UUID]
    ) -> UserDB | None:
        try:
            data = decode_jwt(
                token or "", self.decode_key, self.token_audience, algorithms=[self.algorithm]
            )
            user_id = user_manager.parse_id(data.get("sub") or data["user_id"])
            return await user_manager.get(user_id)
        except (jwt.PyJWTError, KeyError, InvalidID, UserNotExists):
            return None

    async def write_token(self, user: UserDB) -> str:
        user_id = str(user.id)
        data = {"sub": user_id, "user_id": user_id, "aud": self.token_audience}
        return generate_jwt(data, self.encode_key, self.lifetime_seconds, self.algorithm)


def get_jwt_strategy() -> BothJWTStrategy:
    return BothJWTStrategy(secret=SECRET, lifetime_seconds=3600)


auth_backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_jwt_strategy,
)
fastapi_users = FastAPIUsers[UserDB, uuid.UUID](get_user_manager, [auth_backend])


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
    user: Annotated[UserDB, Depends(fastapi_users.current_user(active=True))],
) -> str:
    return user.greeting()


# --8<-- [end:app]
