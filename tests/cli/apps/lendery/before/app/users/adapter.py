from fastapi_users.db import SQLAlchemyUserDatabase

from app.db import database
from app.models.user import oauth_accounts, users
from app.schemas import UserDB


async def get_user_db():
    yield SQLAlchemyUserDatabase(UserDB, database, users, oauth_accounts)
