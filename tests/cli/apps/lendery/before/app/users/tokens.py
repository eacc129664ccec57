from fastapi_users.authentication.strategy.db import AccessTokenDatabase, BaseAccessToken
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase

from app.db import database
from app.models.token import access_tokens


class AccessToken(BaseAccessToken):
    pass


async def get_access_token_db() -> AccessTokenDatabase:
    yield SQLAlchemyAccessTokenDatabase(AccessToken, database, access_tokens)
