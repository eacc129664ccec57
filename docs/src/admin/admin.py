# --8<-- [start:imports]
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app import SECRET, User, UserManager, app, async_session_maker, engine
from fastapi import Request
from fastapi.security import OAuth2PasswordRequestForm
from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend

from fastapi_users_db import SQLAlchemyUserDatabase


@asynccontextmanager
async def open_user_manager() -> AsyncIterator[UserManager]:
    async with async_session_maker() as session:
        yield UserManager(SQLAlchemyUserDatabase(session, User))


# --8<-- [end:imports]
# --8<-- [start:login]
def may_enter(user: User | None) -> bool:
    return user is not None and user.is_active and user.is_superuser


class Login(AuthenticationBackend):
    async def login(self, request: Request) -> bool:
        form = await request.form()
        credentials = OAuth2PasswordRequestForm(
            username=str(form["username"]), password=str(form["password"])
        )
        async with open_user_manager() as user_manager:
            user = await user_manager.authenticate(credentials)
        if user is None or not may_enter(user):
            return False
        request.session["user_id"] = str(user.id)
        return True

    async def authenticate(self, request: Request) -> bool:
        if "user_id" not in request.session:
            return False
        async with open_user_manager() as user_manager:
            user_id = user_manager.parse_id(request.session["user_id"])
            return may_enter(await user_manager.user_db.get(user_id))

    async def logout(self, request: Request) -> bool:
        request.session.clear()
        return True


# --8<-- [end:login]
# --8<-- [start:view]
class UserAdmin(ModelView, model=User):
    icon = "fa-solid fa-user"
    column_list = [User.email, User.is_active, User.is_superuser, User.is_verified]
    column_searchable_list = [User.email]
    column_sortable_list = [User.email]
    column_default_sort = "email"
    column_details_exclude_list = [User.hashed_password]
    form_columns = [User.email, User.is_active, User.is_superuser, User.is_verified]
    can_create = False

    async def update_model(self, request: Request, pk: str, data: dict[str, Any]) -> User:
        async with open_user_manager() as user_manager:
            user = await user_manager.get(user_manager.parse_id(pk))
            return await user_manager.user_db.update(user, data)

    async def delete_model(self, request: Request, pk: str) -> None:
        async with open_user_manager() as user_manager:
            user = await user_manager.get(user_manager.parse_id(pk))
            await user_manager.delete(user, request)


# --8<-- [end:view]
# --8<-- [start:admin]
admin = Admin(app, engine, authentication_backend=Login(SECRET))
admin.add_view(UserAdmin)
# --8<-- [end:admin]
