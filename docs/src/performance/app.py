import uuid
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    unique_email_index,
    unique_oauth_account_index,
)

DATABASE_URL = "sqlite+aiosqlite:///./app.db"


class Base(DeclarativeBase):
    pass


# --8<-- [start:index]
class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


unique_email_index(User)
# --8<-- [end:index]


# --8<-- [start:accounts]
class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


unique_oauth_account_index(OAuthAccount)
# --8<-- [end:accounts]
# --8<-- [start:pool]
engine = create_async_engine(DATABASE_URL, pool_size=20, max_overflow=0)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)
# --8<-- [end:pool]

# --8<-- [start:autocommit]
reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
reading_session_maker = async_sessionmaker(reading_engine, expire_on_commit=False)


async def get_reading_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
    session: AsyncSession
    async with reading_session_maker() as session:
        yield SQLAlchemyUserDatabase(session, User)


# --8<-- [end:autocommit]
