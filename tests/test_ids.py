"""Ids that no row can have: not found, or refused, but never an error of the driver's."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from databases import Database
from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from fastapi_users_db import (
    DatabasesUserDatabase,
    InvalidIDError,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ANNE
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


class Base(DeclarativeBase):
    pass


class Prefixed(UserDefinedType[str]):
    """A type that does not say what it is in Python."""

    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        # What SQLAlchemy 2.0 does for every type of an app's own; 2.1 answers `object`.
        raise NotImplementedError

    def get_col_spec(self) -> str:
        return "VARCHAR(40)"

    def bind_processor(self, dialect: Any) -> Callable[[str], str]:
        return lambda value: f"id-{value}"

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[str], str]:
        return lambda value: value.removeprefix("id-")


class IntUser(SQLAlchemyBaseUserTableInt, Base):
    __tablename__ = "int_user"


class StrUser(SQLAlchemyBaseUserTable[str], Base):
    __tablename__ = "str_user"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)


class PrefixedUser(SQLAlchemyBaseUserTable[str], Base):
    __tablename__ = "prefixed_user"
    id: Mapped[str] = mapped_column(Prefixed, primary_key=True)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, Base.metadata))
    return addresses


@pytest.fixture(params=["orm", "databases"])
async def adapter(
    request: pytest.FixtureRequest,
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> Any:
    engine = engine_of(addresses)
    if request.param == "orm":
        async with AsyncSession(engine) as session:
            yield lambda user_table: SQLAlchemyUserDatabase(session, user_table)
    else:
        database = await database_of(addresses)
        yield lambda user_table: DatabasesUserDatabase(database, user_table)
    await delete_rows(engine, Base.metadata)


@pytest.mark.parametrize("user_id", [0, -1, 2**31, 2**40, 2**63, -(2**70)])
async def test_a_number_out_of_range_is_not_found(adapter: Any, user_id: int) -> None:
    users = adapter(IntUser)
    user = await users.create(ANNE)
    assert await users.get(user_id) is None
    assert (await users.get(user.id)).id == user.id


@pytest.mark.parametrize("user_id", ["1", 1.0, True, uuid.uuid4()])
async def test_what_is_no_number_is_refused(adapter: Any, user_id: Any) -> None:
    with pytest.raises(InvalidIDError, match=r"IntUser\.id is int"):
        await adapter(IntUser).get(user_id)


async def test_text_that_cannot_be_stored_is_not_found(adapter: Any) -> None:
    users = adapter(StrUser)
    await users.create({**ANNE, "id": "anne"})
    assert (await users.get("anne")).id == "anne"
    assert await users.get("an\0ne") is None
    assert await users.get("x" * 5000) is None


async def test_an_id_of_a_type_of_the_apps_own_is_found(adapter: Any) -> None:
    users = adapter(PrefixedUser)
    await users.create({**ANNE, "id": "anne"})
    assert (await users.get("anne")).id == "anne"
