from databases import Database
from fastapi_users_db import SQLAlchemyBaseOAuthAccountTableUUID, SQLAlchemyBaseUserTableUUID
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import declarative_base, relationship

from .settings import settings

database = Database(settings.database_url)
async_engine = create_async_engine(make_url(settings.database_url).set(drivername="sqlite+aiosqlite"))
async_session_maker = async_sessionmaker(async_engine, expire_on_commit=False)
Base = declarative_base()


class User(Base, SQLAlchemyBaseUserTableUUID):
    """Somebody who writes."""

    __tablename__ = "author"
    nickname = Column(String(50))
    language = Column(String(5))
    oauth_accounts = relationship("Account")


class Account(Base, SQLAlchemyBaseOAuthAccountTableUUID):
    user_id = Column(ForeignKey("author.id", ondelete="cascade"), nullable=False)


class Note(Base):
    __tablename__ = "note"
    id = Column(Integer, primary_key=True)
    text = Column(String(200))


Base.metadata.create_all(create_engine(settings.database_url))
