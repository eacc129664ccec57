from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, EmailStr

from app.schemas import UserDB
from app.services import reports
from app.users import UserManager, current_keeper, current_superuser, get_user_manager

router = APIRouter()


class Invitation(BaseModel):
    email: EmailStr
    first_name: str


@router.get("/numbers")
async def numbers(user: UserDB = Depends(current_keeper)):
    return await reports.numbers()


@router.post("/invitations", status_code=201)
async def invite(
    invitation: Invitation,
    user: UserDB = Depends(current_superuser),
    user_manager: UserManager = Depends(get_user_manager),
):
    invited = await user_manager.invite(invitation.email, invitation.first_name)
    if invited is None:
        raise HTTPException(409, "Is a member already")
    return {"id": invited.id, "by": user.email}
