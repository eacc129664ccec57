from app.db.base import Base
from app.db.session import database, engine

__all__ = ["Base", "database", "engine"]
