"""The column types store what upstream stores, and both adapters read it back."""

import asyncio
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from databases import Database
from sqlalchemy import String, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import (
    GUID,
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
    TIMESTAMPAware,
    UserDatabase,
)
from tests.conftest import DATABASES, Addresses, create_tables
from tests.sharing import delete_rows

EMAIL = "king.arthur@camelot.bt"
A_UUID = uuid.UUID("0b6a8f3e-4c1d-4f7e-9a52-7c1e2d3f4a5b")
NOON = datetime(2024, 7, 1, 12, tzinfo=timezone.utc)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    __tablename__ = "person"

    hashed_password: Mapped[str] = mapped_column(String(1024), server_default="")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("TRUE"))
    is_superuser: Mapped[bool] = mapped_column(default=False, server_default=text("FALSE"))
    is_verified: Mapped[bool] = mapped_column(default=False, server_default=text("FALSE"))
    guid: Mapped[Any | None] = mapped_column(GUID)
    timestamp: Mapped[Any | None] = mapped_column(TIMESTAMPAware)
    without_zone: Mapped[Any | None] = mapped_column(TIMESTAMPAware(timezone=False))


class Storage:
    """A table with the types, through an adapter, and past them through plain SQL."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine, database: Database) -> None:
        self.addresses = addresses
        self.engine = engine
        self.database = database

    @asynccontextmanager
    async def adapter(self, backend: str) -> AsyncIterator[UserDatabase[User, int]]:
        if backend == "orm":
            async with AsyncSession(self.engine) as session:
                yield SQLAlchemyUserDatabase(session, User)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
                adapter = DatabasesUserDatabase(self.database, User)
            yield adapter

    async def create(self, backend: str, **values: Any) -> User:
        async with self.adapter(backend) as db:
            return await db.create({"email": EMAIL, "hashed_password": "", **values})

    async def get(self, backend: str) -> User:
        async with self.adapter(backend) as db:
            user = await db.get_by_email(EMAIL)
        assert user is not None
        return user

    async def insert_sql(self, column: str, literal: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(
                text(f"INSERT INTO person (email, {column}) VALUES ('{EMAIL}', {literal})")
            )

    async def select_sql(self, expression: str) -> Any:
        async with self.engine.connect() as connection:
            return await connection.scalar(text(f"SELECT {expression} FROM person"))


@pytest.fixture(scope="module", params=DATABASES)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    asyncio.run(create_tables(addresses, Base.metadata))
    return addresses


@pytest.fixture
async def storage(
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Storage]:
    engine = engine_of(addresses)
    yield Storage(addresses, engine, await database_of(addresses))
    await delete_rows(engine, Base.metadata)


@pytest.fixture(params=["orm", "databases"])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.mark.parametrize(
    "value", [A_UUID, str(A_UUID), A_UUID.hex], ids=["uuid", "text", "without-hyphens"]
)
async def test_guid_is_stored_natively_or_with_hyphens(
    storage: Storage, backend: str, value: Any
) -> None:
    user = await storage.create(backend, guid=value)

    native = storage.addresses.name == "postgresql"
    type_ = "pg_typeof(guid)::text" if native else "length(guid)"
    assert await storage.select_sql("guid") == (A_UUID if native else str(A_UUID))
    assert await storage.select_sql(type_) == ("uuid" if native else 36)
    assert user.guid == A_UUID


async def test_guid_written_by_sql_is_read(storage: Storage, backend: str) -> None:
    await storage.insert_sql("guid", f"'{A_UUID}'")

    assert (await storage.get(backend)).guid == A_UUID


async def test_guid_that_is_null_is_none(storage: Storage, backend: str) -> None:
    await storage.create(backend, guid=None)

    assert await storage.select_sql("guid") is None
    assert (await storage.get(backend)).guid is None


async def test_guid_refuses_what_is_no_uuid(storage: Storage) -> None:
    async with storage.engine.begin() as connection:
        with pytest.raises(Exception, match="badly formed hexadecimal UUID string"):
            await connection.execute(User.__table__.insert().values(guid="Ni!"))


@pytest.mark.parametrize("column", ["timestamp", "without_zone"])
@pytest.mark.parametrize(
    "value",
    [NOON, NOON.astimezone(timezone(timedelta(hours=-7))), NOON.replace(tzinfo=None)],
    ids=["utc", "other-zone", "naive"],
)
async def test_timestamp_is_utc_in_the_database_and_in_python(
    storage: Storage, backend: str, column: str, value: datetime
) -> None:
    created = getattr(await storage.create(backend, **{column: value}), column)
    read = getattr(await storage.get(backend), column)

    assert str(await storage.select_sql(column)).startswith("2024-07-01 12:00:00")
    assert created == read == NOON
    assert created.utcoffset() == read.utcoffset() == timedelta(0)


@pytest.mark.parametrize("column", ["timestamp", "without_zone"])
async def test_timestamp_of_another_zone_is_stored_as_utc_without_an_adapter(
    storage: Storage, column: str
) -> None:
    paris = NOON.astimezone(timezone(timedelta(hours=2)))
    async with AsyncSession(storage.engine) as session:
        session.add(User(email=EMAIL, **{column: paris}))
        await session.commit()

    read = getattr(await storage.get("orm"), column)
    assert str(await storage.select_sql(column)).startswith("2024-07-01 12:00:00")
    assert (read, read.utcoffset()) == (NOON, timedelta(0))


async def test_timestamp_written_by_sql_is_read_as_utc(storage: Storage, backend: str) -> None:
    await storage.insert_sql("without_zone", "'2024-07-01 12:00:00.000000'")

    assert (await storage.get(backend)).without_zone == NOON


async def test_timestamp_that_is_null_is_none(storage: Storage, backend: str) -> None:
    await storage.create(backend, timestamp=None)

    assert await storage.select_sql("timestamp") is None
    assert (await storage.get(backend)).timestamp is None


@pytest.mark.parametrize(
    ("type_", "expression"),
    [
        (GUID(), "GUID()"),
        (TIMESTAMPAware(), "TIMESTAMPAware(timezone=True)"),
        (TIMESTAMPAware(timezone=False), "TIMESTAMPAware(timezone=False)"),
    ],
)
def test_types_are_represented_by_the_expression_that_makes_them(
    type_: Any, expression: str
) -> None:
    assert repr(type_) == expression


@pytest.mark.parametrize(("type_", "python_type"), [(GUID, uuid.UUID), (TIMESTAMPAware, datetime)])
def test_types_know_their_python_type(type_: Any, python_type: type) -> None:
    assert type_().python_type is python_type
