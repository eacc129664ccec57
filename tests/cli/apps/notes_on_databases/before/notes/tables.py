from databases import Database
from fastapi_users.db import SQLAlchemyBaseOAuthAccountTable, SQLAlchemyBaseUserTable
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.ext.declarative import declarative_base

from .settings import settings

database = Database(settings.database_url)
Base = declarative_base()


class User(Base, SQLAlchemyBaseUserTable):
    """Somebody who writes."""

    __tablename__ = "author"
    nickname = Column(String(50))
    language = Column(String(5))


class Account(Base, SQLAlchemyBaseOAuthAccountTable):
    user_id = Column(ForeignKey("author.id", ondelete="cascade"), nullable=False)


class Note(Base):
    __tablename__ = "note"
    id = Column(Integer, primary_key=True)
    text = Column(String(200))


Base.metadata.create_all(create_engine(settings.database_url))
