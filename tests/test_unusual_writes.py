"""Writes that are large, and columns and attributes with names that something else has, too."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import fastapi_users_db_sqlalchemy as shim
import pytest
from databases import Database
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import declarative_base, relationship

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE
from tests.sharing import delete_rows

pytestmark = [
    pytest.mark.any_stack,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

Base: Any = declarative_base()


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    row_0 = Column(String(20))


class User(SQLAlchemyBaseUserTableUUID, Base):
    row_0 = Column(String(20))
    primary_key_id = Column(String(20))
    oauth_accounts = relationship(OAuthAccount, lazy="joined")


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
async def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    return addresses


@pytest.fixture(params=["orm", "databases", "shim"])
async def users(
    request: pytest.FixtureRequest,
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Any]:
    engine = engine_of(addresses)
    async with AsyncSession(engine, expire_on_commit=False) as session:
        if request.param == "databases":
            yield DatabasesUserDatabase(await database_of(addresses), User, OAuthAccount)
        elif request.param == "orm":
            yield SQLAlchemyUserDatabase(session, User, OAuthAccount)
        else:
            yield shim.SQLAlchemyUserDatabase(session, User, OAuthAccount)
    await delete_rows(engine, Base.metadata)


async def test_columns_may_have_the_names_of_parameters(users: Any) -> None:
    anne = await users.create({**ANNE, "row_0": "a", "primary_key_id": "b"})
    await users.update(anne, {"row_0": "c", "primary_key_id": "d"})
    found = await users.get(anne.id)
    assert (found.row_0, found.primary_key_id) == ("c", "d")


@pytest.mark.parametrize("number", [5, pytest.param(1000, marks=pytest.mark.thorough)])
async def test_any_number_of_accounts_is_written_in_one_update(users: Any, number: int) -> None:
    anne = await users.create(ANNE)
    accounts = [{**ACCOUNT, "account_id": str(n), "row_0": str(n)} for n in range(number)]
    updated = await users.update(anne, {"oauth_accounts": accounts})
    assert len(updated.oauth_accounts) == number
    await users.update(updated, {"oauth_accounts": accounts})
    assert len((await users.get(anne.id)).oauth_accounts) == number


@pytest.mark.parametrize("attribute", ["_sa_instance_state", "metadata", "registry"])
async def test_what_belongs_to_sqlalchemy_is_not_set(users: Any, attribute: str) -> None:
    with pytest.raises(TypeError, match=rf"{attribute}"):
        await users.create({**ANNE, attribute: None})
    assert (await users.create(ANNE)).email == ANNE["email"]
