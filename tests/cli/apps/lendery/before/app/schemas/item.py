from datetime import datetime
from typing import Optional
from uuid import UUID

from pydantic import BaseModel

from app.models.item import State


class ItemIn(BaseModel):
    name: str
    notes: Optional[str] = None
    state: State = State.NEW


class ItemOut(ItemIn):
    id: int
    owner_id: UUID


class LoanOut(BaseModel):
    id: int
    item_id: int
    borrower_id: UUID
    since: datetime
    returned: Optional[datetime] = None
