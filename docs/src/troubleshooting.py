import uuid
from collections.abc import Sequence

from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import SQLAlchemyBaseUserTableUUID


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id"))
    title: Mapped[str] = mapped_column(String(100))


class Group(Base):
    __tablename__ = "group"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id"))


# --8<-- [start:eager]
class User(SQLAlchemyBaseUserTableUUID, Base):
    posts: Mapped[list[Post]] = relationship(lazy="selectin")
    # --8<-- [end:eager]
    groups: Mapped[list[Group]] = relationship()


# --8<-- [start:refresh]
async def groups_of(session: AsyncSession, user: User) -> Sequence[Group]:
    await session.refresh(user, ["groups"])
    return user.groups


# --8<-- [end:refresh]
