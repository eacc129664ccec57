# -*- coding: utf-8 -*-
"""Pictures, and who has hung them."""

from typing import TYPE_CHECKING, AsyncGenerator

import fastapi_users as fu
from fastapi import Depends, FastAPI
from fastapi_users import models as fu_models
from fastapi_users.authentication import AuthenticationBackend, CookieTransport
from fastapi_users.authentication.strategy.db import (
    AccessTokenDatabase,
    BaseAccessToken,
    DatabaseStrategy,
)
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
)
from pydantic import validator
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.declarative import DeclarativeMeta, declarative_base
from sqlalchemy.orm import sessionmaker

if TYPE_CHECKING:
    from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase as Adapter

DATABASE_URL = "sqlite+aiosqlite:///./gallery.db"
SECRET = "a secret that is long enough for the tests"

engine = create_async_engine(DATABASE_URL)
maker = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
Base: DeclarativeMeta = declarative_base()


class Painter(Base, SQLAlchemyBaseUserTable):
    __tablename__ = "painter"
    signature = Column(String(20), default="")


class Token(SQLAlchemyBaseAccessTokenTable, Base):
    from sqlalchemy import ForeignKey
    from fastapi_users_db_sqlalchemy import GUID

    user_id = Column(GUID, ForeignKey("painter.id", ondelete="cascade"), nullable=False)


class PainterRead(fu_models.BaseUser):
    signature: str = ""

    class Config:
        orm_mode = True


class PainterCreate(fu_models.BaseUserCreate):
    signature: str = ""

    @validator("signature")
    def is_short(cls, value):
        assert len(value) < 20
        return value


class PainterUpdate(fu_models.BaseUserUpdate):
    pass


class PainterDB(PainterRead, fu_models.BaseUserDB):
    def initials(self):
        return self.signature[:2]


class TokenDB(BaseAccessToken):
    pass


async def get_session() -> AsyncGenerator[AsyncSession, None]:
    async with maker() as session:
        yield session


async def get_user_db(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyUserDatabase(user_db_model=PainterDB, session=session, user_table=Painter)


async def get_token_db(session: AsyncSession = Depends(get_session)):
    yield SQLAlchemyAccessTokenDatabase(TokenDB, session, Token)


class PainterManager(fu.BaseUserManager[PainterCreate, PainterDB]):
    user_db_model = PainterDB
    reset_password_token_secret = verification_token_secret = SECRET

    def adapter(self) -> "Adapter[PainterDB]":
        return self.user_db


async def get_manager(user_db=Depends(get_user_db)):
    yield PainterManager(user_db)


def get_strategy(
    tokens: AccessTokenDatabase[TokenDB] = Depends(get_token_db),
) -> DatabaseStrategy[PainterCreate, PainterDB, TokenDB]:
    return DatabaseStrategy(tokens, lifetime_seconds=3600)


cookie = AuthenticationBackend("cookie", CookieTransport(cookie_name="gallery"), get_strategy)
painters = fu.FastAPIUsers(
    get_manager, [cookie], PainterRead, PainterCreate, PainterUpdate, PainterDB)

app = FastAPI()
app.include_router(painters.get_auth_router(cookie), prefix="/auth")
app.include_router(painters.get_register_router(), prefix="/auth")
app.include_router(painters.get_users_router(requires_verification=False), prefix="/users")


@app.get("/initials")
def initials(painter: PainterDB = Depends(painters.current_user())):
    return painter.initials()


async def start():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


app.add_event_handler("startup", start)
