# --8<-- [start:tables]
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from fastapi_users_db import SQLAlchemyBaseUserTableUUID


class Base(MappedAsDataclass, DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str] = mapped_column(String(100), default="")


# --8<-- [end:tables]
# --8<-- [start:constructor]
user = User(name="Ada")
user.email = "ada@example.com"
user.hashed_password = "..."
# --8<-- [end:constructor]
