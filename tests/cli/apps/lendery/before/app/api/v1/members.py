from typing import List, Optional

from fastapi import APIRouter, Depends, HTTPException

from app.db import database
from app.models.user import users
from app.schemas import Profile, User, UserDB
from app.users import UserManager, current_user, fastapi_users, get_user_manager, optional_user

router = APIRouter()
router.include_router(fastapi_users.get_users_router(), prefix="/users", tags=["users"])


@router.get("/members", response_model=List[Profile], tags=["users"])
async def members(user: UserDB = Depends(current_user)):
    return await database.fetch_all(users.select().order_by(users.c.email))


@router.get("/members/{email}", response_model=Profile, tags=["users"])
async def member(
    email: str,
    user: UserDB = Depends(current_user),
    user_manager: UserManager = Depends(get_user_manager),
):
    found = await user_manager.find_or_none(email)
    if found is None:
        raise HTTPException(404, "Nobody has this address")
    return Profile(**found.dict())


@router.get("/greeting", tags=["users"])
async def greeting(user: Optional[UserDB] = Depends(optional_user)):
    name = user.first_name if user else "stranger"
    return {"greeting": f"Hello, {name}"}


@router.get("/me/full", response_model=User, tags=["users"])
async def full(user: UserDB = Depends(current_user)):
    return user
