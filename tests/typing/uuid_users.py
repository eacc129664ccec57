"""An app whose users have UUIDs and OAuth accounts, and whose access tokens are in the database."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from fastapi_users.authentication.strategy import DatabaseStrategy
from fastapi_users.models import OAuthAccountProtocol, UserProtocol
from sqlalchemy import String, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    Mapped,
    mapped_column,
    relationship,
)
from typing_extensions import assert_type

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    unique_email_index,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(String(50))
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


unique_email_index(User)

sessions = async_sessionmaker(create_async_engine("sqlite+aiosqlite:///users.db"))
UserDB = SQLAlchemyUserDatabase[User, uuid.UUID]
AccessTokenDB = SQLAlchemyAccessTokenDatabase[AccessToken]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


async def get_user_db(
    session: Annotated[AsyncSession, Depends(get_session)],
) -> AsyncIterator[UserDB]:
    yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


async def get_access_token_db(
    session: Annotated[AsyncSession, Depends(get_session)],
) -> AsyncIterator[AccessTokenDB]:
    yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


async def get_user_manager(
    user_db: Annotated[UserDB, Depends(get_user_db)],
) -> AsyncIterator[UserManager]:
    yield UserManager(user_db)


def get_strategy(
    database: Annotated[AccessTokenDB, Depends(get_access_token_db)],
) -> DatabaseStrategy[User, uuid.UUID, AccessToken]:
    return DatabaseStrategy(database, lifetime_seconds=3600)


backend = AuthenticationBackend(
    name="database", transport=BearerTransport("login"), get_strategy=get_strategy
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
current_user = fastapi_users.current_user(active=True)
router = APIRouter()
router.include_router(fastapi_users.get_auth_router(backend))


@router.get("/")
async def greet(user: Annotated[User, Depends(current_user)]) -> str:
    return f"Hello {user.name or user.email}!"


def instances_have_values(user: User, account: OAuthAccount, token: AccessToken) -> None:
    assert_type(user.id, uuid.UUID)
    assert_type(user.email, str)
    assert_type(user.is_active, bool)
    assert_type(user.name, str | None)
    assert_type(user.oauth_accounts, list[OAuthAccount])
    assert_type(account.expires_at, int | None)
    assert_type(account.user_id, uuid.UUID)
    assert_type(token.created_at, datetime)
    assert_type(token.user_id, uuid.UUID)
    user.email = "king.arthur@camelot.bt"


def classes_have_column_expressions() -> None:
    assert_type(User.id, InstrumentedAttribute[uuid.UUID])
    assert_type(User.email, InstrumentedAttribute[str])
    assert_type(OAuthAccount.refresh_token, InstrumentedAttribute[str | None])
    assert_type(AccessToken.created_at, InstrumentedAttribute[datetime])
    select(User).where(func.lower(User.email) == "king.arthur@camelot.bt", User.is_active)


def instances_satisfy_the_protocols(
    user: User, account: OAuthAccount
) -> tuple[UserProtocol[uuid.UUID], OAuthAccountProtocol[uuid.UUID]]:
    return user, account


async def methods_return_the_types_of_the_app(
    user_db: UserDB, access_token_db: AccessTokenDB
) -> None:
    user = await user_db.create({"email": "king.arthur@camelot.bt", "hashed_password": ""})
    assert_type(user, User)
    assert_type(await user_db.get(uuid.uuid4()), User | None)
    assert_type(await user_db.get_by_email("king.arthur@camelot.bt"), User | None)
    assert_type(await user_db.get_by_oauth_account("google", "1"), User | None)
    assert_type(await user_db.update(user, {"name": "Arthur"}), User)
    assert_type(await access_token_db.create({"token": "", "user_id": user.id}), AccessToken)
    assert_type(await access_token_db.get_by_token("token"), AccessToken | None)
    assert_type(await access_token_db.delete_expired(datetime.now()), int)
