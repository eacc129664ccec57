from fastapi import APIRouter, Depends, Response

from app.core.config import settings
from app.core.oauth import club_client
from app.schemas import UserDB
from app.users import cookie_backend, current_user, fastapi_users, jwt_backend
from app.users.auth import get_jwt_strategy

router = APIRouter()
router.include_router(
    fastapi_users.get_auth_router(jwt_backend), prefix="/auth/jwt", tags=["auth"]
)
router.include_router(
    fastapi_users.get_auth_router(cookie_backend), prefix="/auth/cookie", tags=["auth"]
)
router.include_router(fastapi_users.get_register_router(), prefix="/auth", tags=["auth"])
router.include_router(
    fastapi_users.get_reset_password_router(), prefix="/auth", tags=["auth"]
)
router.include_router(fastapi_users.get_verify_router(), prefix="/auth", tags=["auth"])
router.include_router(
    fastapi_users.get_oauth_router(club_client, jwt_backend, settings.OAUTH_STATE_SECRET),
    prefix="/auth/clubs",
    tags=["auth"],
)


@router.post("/auth/jwt/refresh", tags=["auth"])
async def refresh(response: Response, user: UserDB = Depends(current_user)):
    return await jwt_backend.login(get_jwt_strategy(), user, response)
