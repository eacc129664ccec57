# --8<-- [start:tables]
import enum
import uuid
from datetime import datetime, timezone
from typing import Any

from fastapi_users import schemas
from sqlalchemy import JSON, Enum, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, TIMESTAMPAware


def now() -> datetime:
    return datetime.now(timezone.utc)


class Base(DeclarativeBase):
    pass


class Plan(enum.Enum):
    FREE = "free"
    PAID = "paid"


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(String(100))
    plan: Mapped[Plan] = mapped_column(Enum(Plan), default=Plan.FREE)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    source: Mapped[str] = mapped_column(String(20), server_default="web")
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPAware(), default=now, onupdate=now)


# --8<-- [end:tables]
# --8<-- [start:schemas]
class UserRead(schemas.BaseUser[uuid.UUID]):
    name: str | None
    plan: Plan
    settings: dict[str, Any]
    updated_at: datetime


class UserCreate(schemas.BaseUserCreate):
    name: str | None = None


class UserUpdate(schemas.BaseUserUpdate):
    name: str | None = None


# --8<-- [end:schemas]
