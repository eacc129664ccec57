"""Members, as the API shows them."""
from typing import Optional

from fastapi_users import models
from pydantic import BaseModel, validator


class Named(BaseModel):
    first_name: Optional[str]
    last_name: Optional[str]
    phone: Optional[str]


class User(Named, models.BaseUser, models.BaseOAuthAccountMixin):
    is_keeper: bool = False


class UserCreate(Named, models.BaseUserCreate):
    first_name: str

    @validator("first_name")
    def has_a_letter(cls, value):
        if not any(letter.isalpha() for letter in value):
            raise ValueError("a name has a letter")
        return value.strip()


class UserUpdate(Named, models.BaseUserUpdate):
    pass


class UserDB(User, models.BaseUserDB):
    class Config:
        orm_mode = True


class Profile(BaseModel):
    """What other members see."""

    first_name: Optional[str]
    last_name: Optional[str]
    is_keeper: bool
