"""What a user looks like from outside, and inside."""

import uuid
from typing import Optional

from fastapi_users.schemas import BaseOAuthAccountMixin, BaseUser, BaseUserCreate, BaseUserUpdate


class User(BaseUser[uuid.UUID], BaseOAuthAccountMixin):
    nickname: Optional[str] = None
    language: Optional[str] = None  # of the interface


class UserCreate(BaseUserCreate):
    nickname: Optional[str] = None
    language: Optional[str] = None


class UserUpdate(BaseUserUpdate):
    nickname: Optional[str] = None
    language: Optional[str] = None


class UserDB(User):
    """With the hash."""
    hashed_password: str
