from app.schemas.item import ItemIn, ItemOut, LoanOut  # noqa: F401
from app.schemas.user import (  # noqa: F401
    Profile,
    User,
    UserCreate,
    UserDB,
    UserUpdate,
)
