"""What a user looks like from outside, and inside."""

from typing import Optional

from fastapi_users.models import (
    BaseOAuthAccountMixin,
    BaseUser,
    BaseUserCreate,
    BaseUserDB,
    BaseUserUpdate,
)


class User(BaseUser, BaseOAuthAccountMixin):
    nickname: Optional[str]
    language: str = None  # of the interface


class UserCreate(BaseUserCreate):
    nickname: Optional[str]
    language: Optional[str]


class UserUpdate(User, BaseUserUpdate):
    pass


class UserDB(User, BaseUserDB):
    """With the hash."""
