import enum

from fastapi_users_db_sqlalchemy.guid import GUID
from sqlalchemy import Column, DateTime, Enum, ForeignKey, Integer, String, Text, func

from app.db.base import Base


class State(str, enum.Enum):
    NEW = "new"
    GOOD = "good"
    WORN = "worn"


class Item(Base):
    __tablename__ = "items"

    id = Column(Integer, primary_key=True)
    name = Column(String(120), nullable=False)
    notes = Column(Text, nullable=True)
    state = Column(Enum(State), default=State.NEW, nullable=False)
    owner_id = Column(GUID, ForeignKey("user.id", ondelete="CASCADE"), nullable=False)


class Loan(Base):
    __tablename__ = "loans"

    id = Column(Integer, primary_key=True)
    item_id = Column(Integer, ForeignKey("items.id", ondelete="CASCADE"), nullable=False)
    borrower_id = Column(GUID, ForeignKey("user.id", ondelete="CASCADE"), nullable=False)
    since = Column(DateTime, server_default=func.now())
    returned = Column(DateTime, nullable=True)


items = Item.__table__
loans = Loan.__table__
