import fastapi_users.db  # noqa: F401
import fastapi_users_db_sqlalchemy as adapters
from fastapi_users_db_sqlalchemy import UUID_ID, AsyncSession
from fastapi_users_db_sqlalchemy.generics import GUID, now_utc
from sqlalchemy import DateTime
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine("sqlite+aiosqlite:///./forum.db")
maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(adapters.SQLAlchemyBaseUserTableUUID, Base):
    seen = mapped_column(DateTime, default=now_utc)


class Post(Base):
    __tablename__ = "post"
    id: Mapped[UUID_ID] = mapped_column(GUID, primary_key=True)
    at = mapped_column(DateTime, default=lambda: now_utc())


async def get_user_db():
    session: AsyncSession
    async with maker() as session:
        yield adapters.SQLAlchemyUserDatabase(session, User)
