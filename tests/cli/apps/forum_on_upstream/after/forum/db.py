import uuid
from datetime import datetime, timezone

import fastapi_users_db as adapters
from fastapi_users_db import GUID
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///./forum.db")
maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(adapters.SQLAlchemyBaseUserTableUUID, Base):
    seen = mapped_column(DateTime, default=lambda: datetime.now(timezone.utc))


class Post(Base):
    __tablename__ = "post"
    id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True)
    at = mapped_column(DateTime, default=lambda: datetime.now(timezone.utc))


async def get_user_db():
    session: AsyncSession
    async with maker() as session:
        yield adapters.SQLAlchemyUserDatabase(session, User)
