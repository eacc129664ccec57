from typing import List

from fastapi import APIRouter, Depends, HTTPException

from app import schemas
from app.services import items as service
from app.users import current_user

router = APIRouter()


@router.get("/", response_model=List[schemas.LoanOut])
async def my_loans(user: schemas.UserDB = Depends(current_user)):
    return [dict(row) for row in await service.list_loans(user)]


@router.post("/{item_id}", status_code=201)
async def lend(item_id: int, user: schemas.UserDB = Depends(current_user)):
    if await service.get_item(item_id) is None:
        raise HTTPException(404, "There is no such thing")
    if await service.is_lent(item_id):
        raise HTTPException(409, "It is lent")
    return {"id": await service.lend(item_id, user)}


@router.delete("/{loan_id}")
async def give_back(loan_id: int, user: schemas.UserDB = Depends(current_user)):
    if not await service.give_back(loan_id, user):
        raise HTTPException(404, "You have not borrowed this")
    return {"returned": True}
