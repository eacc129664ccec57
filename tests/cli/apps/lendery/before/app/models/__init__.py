"""All tables, for Alembic."""
# The adapter cannot be imported before FastAPI Users.
import fastapi_users.db  # noqa: F401

from app.db.base import Base
from app.models.item import Item, Loan, items, loans
from app.models.token import AccessTokenTable
from app.models.user import OAuthAccount, UserTable

__all__ = [
    "AccessTokenTable",
    "Base",
    "Item",
    "Loan",
    "OAuthAccount",
    "UserTable",
    "items",
    "loans",
]
