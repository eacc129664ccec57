"""Everything about members: `from app.users import current_user`."""
from app.users.auth import cookie_backend, jwt_backend
from app.users.deps import (
    current_keeper,
    current_superuser,
    current_user,
    fastapi_users,
    optional_user,
)
from app.users.manager import UserManager, get_user_manager

__all__ = [
    "UserManager",
    "cookie_backend",
    "current_keeper",
    "current_superuser",
    "current_user",
    "fastapi_users",
    "get_user_manager",
    "jwt_backend",
    "optional_user",
]
