"""An app on FastAPI Users 15 and our `databases` adapter."""

import asyncio
import sys
from contextlib import asynccontextmanager

from current import AccessToken, Accounts, OAuthAccount, User, build_app
from databases import Database
from worker import Worker, serve

from fastapi_users_db import DatabasesAccessTokenDatabase, DatabasesUserDatabase

database = Database(sys.argv[1])


async def get_user_db():
    yield DatabasesUserDatabase(database, User, OAuthAccount)


async def get_access_token_db():
    yield DatabasesAccessTokenDatabase(database, AccessToken)


async def main():
    user_db = asynccontextmanager(get_user_db)
    async with database:
        await serve(Worker(build_app(get_user_db, get_access_token_db), Accounts(user_db)))


if __name__ == "__main__":
    asyncio.run(main())
