from typing import Optional

from fastapi import Depends, Request
from fastapi_users import BaseUserManager, FastAPIUsers
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyUserDatabase
from fastapi_users.manager import UserNotExists

from notes import schemas
from notes.schemas import UserCreate, UserDB
from notes.settings import settings
from notes.tables import Account, User, database

user_db = SQLAlchemyUserDatabase(
    UserDB, database, User.__table__, Account.__table__
)


def get_user_db():
    yield user_db


class UserManager(BaseUserManager[UserCreate, schemas.UserDB]):
    """Greets."""

    user_db_model = UserDB
    reset_password_token_secret = settings.secret
    verification_token_secret = settings.secret

    async def on_after_register(self, user: UserDB, request: Optional[Request] = None):
        print("welcome", user.id)

    async def on_after_delete(self, user: schemas.UserDB):
        print("good bye", user.id)

    async def known(self, email: str) -> bool:
        try:
            await self.get_by_email(email)
        except UserNotExists:
            return False
        return True


async def get_user_manager(user_db: SQLAlchemyUserDatabase[UserDB] = Depends(get_user_db)):
    yield UserManager(user_db)


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=lambda: JWTStrategy(settings.secret, 3600),
)
users = FastAPIUsers(
    get_user_manager,
    [backend],
    schemas.User,
    schemas.UserCreate,
    schemas.UserUpdate,
    schemas.UserDB,
)
current_user = users.current_user(active=True)
