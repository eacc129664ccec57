import sqlalchemy
from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeMeta, declarative_base, relationship

DATABASE_URL = "sqlite:///./test.db"
async_engine = create_async_engine(make_url(DATABASE_URL).set(drivername="sqlite+aiosqlite"))
async_session_maker = async_sessionmaker(async_engine, expire_on_commit=False)
Base: DeclarativeMeta = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTableUUID):
    oauth_accounts = relationship("OAuthAccount")


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


engine = sqlalchemy.create_engine(DATABASE_URL, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)


async def get_user_db():
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(session, UserTable, OAuthAccount)
