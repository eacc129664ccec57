# type: ignore  # the types of that time are not today's
"""The tables of the users and of their OAuth accounts."""

import uuid

from fastapi_users import db, schemas
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class OAuthAccount(db.SQLAlchemyBaseOAuthAccountTable, Base):
    pass


class User(db.SQLAlchemyBaseUserTable, Base):
    pass


class UserDB(schemas.BaseUser[uuid.UUID], schemas.BaseOAuthAccountMixin):
    hashed_password: str


users = User.__table__
oauth_accounts = OAuthAccount.__table__
