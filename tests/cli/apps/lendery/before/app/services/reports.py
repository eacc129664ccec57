"""Numbers for the keepers."""
from typing import Dict

import sqlalchemy

from app.db import database
from app.models import items, loans
from app.models.user import users


async def numbers() -> Dict[str, int]:
    found = {}
    for name, table in {"members": users, "items": items, "loans": loans}.items():
        query = sqlalchemy.select([sqlalchemy.func.count()]).select_from(table)
        found[name] = await database.fetch_val(query)
    return found
