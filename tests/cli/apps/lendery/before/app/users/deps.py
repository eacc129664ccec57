from fastapi import Depends, HTTPException, status
from fastapi_users import FastAPIUsers

from app import schemas

from .auth import cookie_backend, jwt_backend
from .manager import get_user_manager

fastapi_users = FastAPIUsers(
    get_user_manager,
    [jwt_backend, cookie_backend],
    schemas.User,
    schemas.UserCreate,
    schemas.UserUpdate,
    schemas.UserDB,
)

current_user = fastapi_users.current_user(active=True)
optional_user = fastapi_users.current_user(active=True, optional=True)
current_superuser = fastapi_users.current_user(active=True, superuser=True)


async def current_keeper(user: schemas.UserDB = Depends(current_user)) -> schemas.UserDB:
    if not user.is_keeper and not user.is_superuser:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Only keepers may do that")
    return user
