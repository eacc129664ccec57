"""An app on our `databases` adapter."""

from contextlib import asynccontextmanager

from current import Current
from databases import Database
from our_models import AccessToken, Base, OAuthAccount, User
from protocol import serve

from fastapi_users_db import DatabasesAccessTokenDatabase, DatabasesUserDatabase


@asynccontextmanager
async def opened(addresses):
    async with Database(addresses["databases"]) as database:
        yield Current(
            addresses,
            Base.metadata,
            DatabasesUserDatabase(database, User, OAuthAccount),
            DatabasesAccessTokenDatabase(database, AccessToken),
        )


if __name__ == "__main__":
    serve(opened)
