from fastapi_users.db import SQLAlchemyBaseOAuthAccountTable, SQLAlchemyBaseUserTable
from sqlalchemy import Boolean, Column, DateTime, String, func

from app.db.base import Base


class UserTable(Base, SQLAlchemyBaseUserTable):
    """A member of a club."""

    first_name = Column(String(80), nullable=True)
    last_name = Column(String(80), nullable=True)
    phone = Column(String(40), nullable=True)
    # Who may lend what the club owns.
    is_keeper = Column(Boolean, default=False, nullable=False)
    joined = Column(DateTime, server_default=func.now())


class OAuthAccount(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


users = UserTable.__table__
oauth_accounts = OAuthAccount.__table__
