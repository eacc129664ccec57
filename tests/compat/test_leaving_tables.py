"""The mixins of `fastapi_users_db` under the shim's adapter, on every FastAPI Users."""

import uuid
from typing import Any

from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import Column, Integer, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base, relationship

from tests.compat.models import OAuthUserDB, account, anne, on_every_database, ours

pytestmark = ours


@on_every_database
async def test_tables_can_leave_before_the_adapter(session: AsyncSession, create_all: Any) -> None:
    import fastapi_users_db

    base: Any = declarative_base()

    class UserTable(fastapi_users_db.SQLAlchemyBaseUserTableUUID, base):
        username = Column(String(20))
        tenant = Column(Integer)
        oauth_accounts = relationship("OAuthAccountTable")

    class OAuthAccountTable(fastapi_users_db.SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(OAuthUserDB, session, UserTable, OAuthAccountTable)
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

    found = await user_db.get_by_oauth_account("provider", "1")

    assert isinstance(found.id, uuid.UUID)
    assert found == user
