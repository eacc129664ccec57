"""An app on our ORM adapter."""

from contextlib import asynccontextmanager

from current import Current
from our_models import AccessToken, Base, OAuthAccount, User
from protocol import serve
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from fastapi_users_db import SQLAlchemyAccessTokenDatabase, SQLAlchemyUserDatabase


@asynccontextmanager
async def opened(addresses):
    engine = create_async_engine(addresses["orm"])
    async with AsyncSession(engine) as session:
        yield Current(
            addresses,
            Base.metadata,
            SQLAlchemyUserDatabase(session, User, OAuthAccount),
            SQLAlchemyAccessTokenDatabase(session, AccessToken),
        )
    await engine.dispose()


if __name__ == "__main__":
    serve(opened)
