import uuid
from typing import Optional

from fastapi import Depends, Request
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users_db import SQLAlchemyUserDatabase
from fastapi_users.exceptions import UserNotExists

from notes.settings import settings
from notes.tables import Account, User, async_session_maker


async def get_user_db():
    async with async_session_maker() as session:
        yield SQLAlchemyUserDatabase(session, User, Account)


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """Greets."""

    reset_password_token_secret = settings.secret
    verification_token_secret = settings.secret

    async def on_after_register(self, user: User, request: Optional[Request] = None):
        print("welcome", user.id)

    async def on_after_delete(self, user: User, request: Optional[Request] = None):
        print("good bye", user.id)

    async def known(self, email: str) -> bool:
        try:
            await self.get_by_email(email)
        except UserNotExists:
            return False
        return True


async def get_user_manager(user_db: SQLAlchemyUserDatabase[User, uuid.UUID] = Depends(get_user_db)):
    yield UserManager(user_db)


backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=lambda: JWTStrategy(settings.secret, 3600),
)
users = FastAPIUsers[User, uuid.UUID](
    get_user_manager,
    [backend],
)
current_user = users.current_user(active=True)
