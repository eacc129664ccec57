# -*- coding: utf-8 -*-
"""Pictures, and who has hung them."""

import uuid
from typing import TYPE_CHECKING, AsyncGenerator
from contextlib import asynccontextmanager

import fastapi_users as fu
from fastapi import Depends, FastAPI
from fastapi_users import UUIDIDMixin, schemas as fu_models
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import (
    AccessTokenDatabase,
    DatabaseStrategy,
)
from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
)
from pydantic import ConfigDict, field_validator
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeMeta, declarative_base
from sqlalchemy.orm import sessionmaker

if TYPE_CHECKING:
    from fastapi_users_db import SQLAlchemyUserDatabase as Adapter

DATABASE_URL = "sqlite+aiosqlite:///./gallery.db"
SECRET = "a secret that is long enough for the tests"

engine = create_async_engine(DATABASE_URL)
maker = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Base: DeclarativeMeta = declarative_base()


class Painter(Base, SQLAlchemyBaseUserTableUUID):
    __tablename__ = "painter"
    signature = Column(String(20), default="")


class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
    from sqlalchemy import ForeignKey
    from fastapi_users_db import GUID

    user_id = Column(GUID, ForeignKey("painter.id", ondelete="cascade"), nullable=False)


class PainterRead(fu_models.BaseUser[uuid.UUID]):
    signature: str = ""

    model_config = ConfigDict(from_attributes=True)


class PainterCreate(fu_models.BaseUserCreate):
    signature: str = ""

    @field_validator("signature")
    @classmethod
    def is_short(cls, value):
        assert len(value) < 20
        return value


class PainterUpdate(fu_models.BaseUserUpdate):
    pass


class PainterDB(PainterRead):
    hashed_password: str

    def initials(self):
        return self.signature[:2]


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    async with maker() as session:
        yield session


async def get_user_db(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyUserDatabase(session=session, user_table=Painter)


async def get_token_db(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyAccessTokenDatabase(session, Token)


class PainterManager(UUIDIDMixin, fu.BaseUserManager[Painter, uuid.UUID]):
    reset_password_token_secret = verification_token_secret = SECRET

    def adapter(self) -> "Adapter[Painter, uuid.UUID]":
        return self.user_db


async def get_manager(user_db=Depends(get_user_db)):
    yield PainterManager(user_db)


def get_strategy(
    tokens: AccessTokenDatabase[Token] = Depends(get_token_db),
) -> DatabaseStrategy[Painter, uuid.UUID, Token]:
    return DatabaseStrategy(tokens, lifetime_seconds=3600)


cookie = AuthenticationBackend("cookie", CookieTransport(cookie_name="gallery"), get_strategy)
painters = fu.FastAPIUsers[Painter, uuid.UUID](
    get_manager, [cookie])


@asynccontextmanager
async def lifespan(app):
    await start()
    yield


app = FastAPI(lifespan=lifespan)
app.include_router(painters.get_auth_router(cookie), prefix="/auth")
app.include_router(painters.get_register_router(PainterRead, PainterCreate), prefix="/auth")
app.include_router(painters.get_users_router(PainterRead, PainterUpdate, requires_verification=False), prefix="/users")


@app.get("/initials")
def initials(painter: Painter = Depends(painters.current_user())):
    return painter.initials()


async def start():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
