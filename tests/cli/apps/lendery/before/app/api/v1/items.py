from typing import List

from fastapi import APIRouter, Depends, HTTPException

from app.schemas import ItemIn, ItemOut, UserDB
from app.services import items as service
from app.users import current_user

router = APIRouter()


@router.get("/", response_model=List[ItemOut])
async def all_items():
    return [dict(row) for row in await service.list_items()]


@router.get("/mine", response_model=List[ItemOut])
async def my_items(user: UserDB = Depends(current_user)):
    return [dict(row) for row in await service.list_items(user)]


@router.post("/", response_model=ItemOut, status_code=201)
async def add(item: ItemIn, user: UserDB = Depends(current_user)):
    item_id = await service.add_item(item, user)
    return {**item.dict(), "id": item_id, "owner_id": user.id}


@router.delete("/{item_id}", status_code=204)
async def remove(item_id: int, user: UserDB = Depends(current_user)):
    item = await service.get_item(item_id)
    if item is None:
        raise HTTPException(404, "There is no such thing")
    if item["owner_id"] != user.id and not user.is_superuser:
        raise HTTPException(403, "It is not yours")
    await service.remove_item(item_id)
