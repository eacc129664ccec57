"""Where `GUID` was in upstream's releases 1.1 to 3.0.1; migrations still import it from here."""

from fastapi_users_db_sqlalchemy.generics import GUID

__all__ = ["GUID"]
