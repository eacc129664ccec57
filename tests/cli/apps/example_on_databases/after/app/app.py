from fastapi import Depends, FastAPI

from app.db import UserTable, async_engine
from app.models import User, UserCreate, UserUpdate
from app.users import auth_backend, current_active_user, fastapi_users

app = FastAPI()

app.include_router(
    fastapi_users.get_auth_router(auth_backend), prefix="/auth/jwt", tags=["auth"]
)
app.include_router(fastapi_users.get_register_router(User, UserCreate), prefix="/auth", tags=["auth"])
app.include_router(
    fastapi_users.get_reset_password_router(),
    prefix="/auth",
    tags=["auth"],
)
app.include_router(
    fastapi_users.get_verify_router(User),
    prefix="/auth",
    tags=["auth"],
)
app.include_router(fastapi_users.get_users_router(User, UserUpdate), prefix="/users", tags=["users"])


@app.get("/authenticated-route")
async def authenticated_route(user: UserTable = Depends(current_active_user)):
    return {"message": f"Hello {user.email}!"}


@app.on_event("shutdown")
async def shutdown():
    await async_engine.dispose()
