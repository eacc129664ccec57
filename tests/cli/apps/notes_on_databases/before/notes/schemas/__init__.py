from .note import NoteOut
from .user import User, UserCreate, UserDB, UserUpdate

__all__ = ["NoteOut", "User", "UserCreate", "UserDB", "UserUpdate"]
