# pyright: basic
"""Methods for OAuth accounts, which FastAPI Users declares for users with `oauth_accounts`.

mypy sees that the mapped class is such a user. Pyright does not see a list in `Mapped[list]`; the
routers of FastAPI Users do not ask, and an app that calls these methods itself needs the comments.
"""

import uuid

from fastapi_users import BaseUserManager, UUIDIDMixin
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship
from typing_extensions import assert_type

from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    async def sign_in(self) -> User:
        return await self.oauth_callback(  # pyright: ignore[reportAttributeAccessIssue]
            "google", "token", "1", "king.arthur@camelot.bt"
        )


async def link(user_db: SQLAlchemyUserDatabase[User, uuid.UUID], user: User) -> None:
    await user_db.add_oauth_account(  # pyright: ignore[reportAttributeAccessIssue]
        user, {"oauth_name": "google"}
    )
    assert_type(user.oauth_accounts, list[OAuthAccount])
    await user_db.update_oauth_account(  # pyright: ignore[reportAttributeAccessIssue]
        user, user.oauth_accounts[0], {"expires_at": 0}
    )
