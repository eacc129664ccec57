import logging
from typing import Optional, Union

from fastapi import Depends, Request
from fastapi_users import BaseUserManager, InvalidPasswordException
from fastapi_users.db import SQLAlchemyUserDatabase
from fastapi_users.manager import UserAlreadyExists, UserNotExists

from app.core.config import settings
from app.schemas.user import UserCreate, UserDB
from app.services import mail

from .adapter import get_user_db

logger = logging.getLogger(__name__)


class UserManager(BaseUserManager[UserCreate, UserDB]):
    user_db_model = UserDB
    reset_password_token_secret = settings.SECRET
    verification_token_secret = settings.SECRET

    def __init__(self, user_db: SQLAlchemyUserDatabase[UserDB], greeting: str = "Hello"):
        super().__init__(user_db)
        self.greeting = greeting

    async def validate_password(self, password: str, user: Union[UserCreate, UserDB]) -> None:
        if len(password) < 6:
            raise InvalidPasswordException(reason="A password has six characters or more")
        if user.email in password:
            raise InvalidPasswordException(reason="A password is not an address")

    async def create(
        self, user: UserCreate, safe: bool = False, request: Optional[Request] = None
    ) -> UserDB:
        created = await super().create(user, safe, request)
        logger.info("%s %s has joined", self.greeting, created.first_name)
        return created

    async def delete(self, user: UserDB) -> None:
        await mail.send(user.email, "Good bye", "You have left.")
        await super().delete(user)

    async def on_after_register(self, user: UserDB, request: Optional[Request] = None):
        await mail.send(user.email, self.greeting, "Welcome, " + (user.first_name or "you"))

    async def on_after_forgot_password(
        self, user: UserDB, token: str, request: Optional[Request] = None
    ):
        await mail.send(user.email, "Your password", token)

    async def on_after_request_verify(
        self, user: UserDB, token: str, request: Optional[Request] = None
    ):
        await mail.send(user.email, "Your address", token)

    async def find_or_none(self, email: str) -> Optional[UserDB]:
        try:
            return await self.get_by_email(email)
        except UserNotExists:
            return None

    async def invite(self, email: str, first_name: str) -> Optional[UserDB]:
        """Register somebody with a password that nobody knows."""
        password = self.password_helper.generate()
        try:
            return await self.create(
                UserCreate(email=email, first_name=first_name, password=password)
            )
        except UserAlreadyExists:
            return None


async def get_user_manager(user_db: SQLAlchemyUserDatabase = Depends(get_user_db)):
    yield UserManager(user_db)
