"""Columns of every type: both adapters hand out what the ORM reads from the database."""

import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    PickleType,
    String,
    Time,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import (
    GUID,
    InvalidValueError,
    SQLAlchemyBaseUserTableUUID,
    TIMESTAMPAware,
    UserAlreadyExistsError,
    unique_email_index,
)
from tests.mapping.conftest import Storage, contents

CREDENTIALS = {"email": "king.arthur@camelot.bt", "hashed_password": "guinevere"}


class Rank(enum.Enum):
    SQUIRE = "squire"
    KNIGHT = "knight"


class Encrypted(TypeDecorator[str]):
    """Text, stored as bytes that do not show it."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> bytes | None:
        return None if value is None else value.encode()[::-1]

    def process_result_value(self, value: bytes | None, dialect: Any) -> str | None:
        return None if value is None else value[::-1].decode()


class LowerCase(TypeDecorator[str]):
    """Text that is stored in another form than it was given in."""

    impl = String(50)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value.lower()


class CommaSeparated(TypeDecorator[list[str]]):
    """A list, stored as text."""

    impl = String(50)
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: Any) -> str | None:
        return None if value is None else ",".join(value)

    def process_result_value(self, value: str | None, dialect: Any) -> list[str] | None:
        return None if value is None else value.split(",")


class Prefixed(TypeDecorator[str]):
    """Text that is stored with a prefix, which has a capital letter."""

    impl = String(340)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else f"Prefix:{value}"

    def process_result_value(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else value.removeprefix("Prefix:")


class EmptyIfNull(TypeDecorator[str]):
    """Text that is NULL in the database where it is empty."""

    impl = String(50)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return value or None

    def process_result_value(self, value: str | None, dialect: Any) -> str:
        return value or ""


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    binary: Mapped[Any | None] = mapped_column(LargeBinary)
    comma_separated: Mapped[Any | None] = mapped_column(CommaSeparated)
    date: Mapped[Any | None] = mapped_column(Date)
    document: Mapped[Any | None] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    empty_if_null: Mapped[Any | None] = mapped_column(EmptyIfNull)
    encrypted: Mapped[Any | None] = mapped_column(Encrypted)
    enum: Mapped[Any | None] = mapped_column(Enum(Rank))
    enum_by_value: Mapped[Any | None] = mapped_column(
        Enum(Rank, native_enum=False, values_callable=lambda ranks: [r.value for r in ranks])
    )
    float: Mapped[Any | None] = mapped_column(Float)
    float_of_numeric: Mapped[Any | None] = mapped_column(Numeric(10, 2, asdecimal=False))
    guid: Mapped[Any | None] = mapped_column(GUID)
    integers: Mapped[Any | None] = mapped_column(JSON().with_variant(ARRAY(Integer), "postgresql"))
    interval: Mapped[Any | None] = mapped_column(Interval)
    json: Mapped[Any | None] = mapped_column(JSON)
    lower_case: Mapped[Any | None] = mapped_column(LowerCase)
    mutable: Mapped[Any | None] = mapped_column(MutableDict.as_mutable(JSON))
    numeric: Mapped[Any | None] = mapped_column(Numeric(10, 2))
    pickled: Mapped[Any | None] = mapped_column(PickleType)
    point_in_time: Mapped[Any | None] = mapped_column(DateTime(timezone=True))
    string: Mapped[Any | None] = mapped_column(String(50))
    time: Mapped[Any | None] = mapped_column(Time)
    timestamp: Mapped[Any | None] = mapped_column(TIMESTAMPAware)
    uuid: Mapped[Any | None] = mapped_column(Uuid)
    wall_clock: Mapped[Any | None] = mapped_column(DateTime)


class PrefixedUser(SQLAlchemyBaseUserTableUUID, Base):
    __tablename__ = "prefixed"
    email: Mapped[str] = mapped_column(Prefixed, unique=True)


class IndexedPrefixedUser(SQLAlchemyBaseUserTableUUID, Base):
    __tablename__ = "indexed_prefixed"
    email: Mapped[str] = mapped_column(Prefixed, unique=True)


unique_email_index(IndexedPrefixedUser)

PARIS = dt.timezone(dt.timedelta(hours=2))
VALUES = {
    "binary": b"\x00\xff",
    "comma_separated": ["Patsy", "Concorde"],
    "date": dt.date(1066, 10, 14),
    "document": {"horses": [1, None, "grey"]},
    "empty_if_null": "Ni!",
    "encrypted": "Excalibur",
    "enum": Rank.KNIGHT,
    "enum_by_value": Rank.KNIGHT,
    "float": 0.5,
    "float_of_numeric": 12.5,
    "guid": uuid.UUID(int=1),
    "integers": [1, 2],
    "interval": dt.timedelta(days=40, seconds=1),
    "json": {"horses": [1, None, "grey"]},
    "lower_case": "Shrubbery",
    "mutable": {"swallow": "European"},
    "numeric": Decimal("12.30"),
    "pickled": {1, 2},
    "point_in_time": dt.datetime(2024, 7, 1, 12, 30, tzinfo=PARIS),
    "string": "Ni!",
    "time": dt.time(12, 30),
    "timestamp": dt.datetime(2024, 7, 1, 12, 30, 0, 250_000, tzinfo=PARIS),
    "uuid": uuid.UUID(int=2),
    "wall_clock": dt.datetime(2024, 7, 1, 12, 30),
}
NULLS = dict.fromkeys(VALUES)


async def as_the_orm_reads_it(storage: Storage, user: Any) -> dict[str, Any]:
    async with storage.adapter("orm", User) as db:
        found = await db.get(user.id)
    return contents(found)


@pytest.mark.parametrize("values", [VALUES, NULLS], ids=["values", "nulls"])
async def test_create_returns_values_as_they_are_stored(
    storage: Storage, backend: str, values: dict[str, Any]
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, **values})

    assert contents(user) == await as_the_orm_reads_it(storage, user)


@pytest.mark.parametrize(
    ("before", "after"), [(VALUES, NULLS), (NULLS, VALUES)], ids=["to-nulls", "to-values"]
)
async def test_update_leaves_values_as_they_are_stored(
    storage: Storage, backend: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, **before})
        await db.update(user, after)

    assert contents(user) == await as_the_orm_reads_it(storage, user)


@pytest.mark.parametrize("values", [VALUES, NULLS], ids=["values", "nulls"])
async def test_get_returns_values_as_the_orm_reads_them(
    storage: Storage, backend: str, values: dict[str, Any]
) -> None:
    async with storage.adapter("orm", User) as db:
        created = await db.create({**CREDENTIALS, **values})
    async with storage.adapter(backend, User) as db:
        user = await db.get(created.id)

    assert contents(user) == await as_the_orm_reads_it(storage, created)


async def test_change_inside_a_mutable_value_is_written(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "mutable": {"swallow": "European"}})
        user.mutable["swallow"] = "African"
        await db.update(user, {})

    assert user.mutable == {"swallow": "African"}
    assert (await as_the_orm_reads_it(storage, user))["mutable"] == {"swallow": "African"}


async def test_name_of_an_enums_member_stands_for_it(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "enum": "KNIGHT"})

    assert user.enum is Rank.KNIGHT
    assert (await as_the_orm_reads_it(storage, user))["enum"] is Rank.KNIGHT


# Over the ORM SQLAlchemy decides what is a change, and asks Python.
@pytest.mark.parametrize("backend", ["databases"])
@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (False, 0), ({"a": 1}, {"a": True}), ([False], [0]), ({"a": [1]}, {"a": [1.0]})],
)
async def test_json_that_python_takes_for_equal_is_written(
    storage: Storage, backend: str, before: Any, after: Any
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "json": before})
        await db.update(user, {"json": after})

    stored = await as_the_orm_reads_it(storage, user)
    assert [json.dumps(user.json), json.dumps(stored["json"])] == [json.dumps(after)] * 2


@pytest.mark.parametrize("user_table", [PrefixedUser, IndexedPrefixedUser])
async def test_the_type_of_the_address_may_change_what_is_stored(
    storage: Storage, backend: str, user_table: Any
) -> None:
    email, in_another_case = CREDENTIALS["email"], CREDENTIALS["email"].upper()
    async with storage.adapter(backend, user_table) as db:
        user = await db.create(CREDENTIALS)
    async with storage.adapter(backend, user_table) as db:
        for look_up in (email, in_another_case):
            found = await db.get_by_email(look_up)
            assert found is not None
            assert (found.id, found.email) == (user.id, email)
        taken = in_another_case if user_table is IndexedPrefixedUser else email
        with pytest.raises(UserAlreadyExistsError):
            await db.create({**CREDENTIALS, "email": taken})


# What types of columns raise themselves.
OF_TYPES = (TypeError, LookupError, AttributeError)
OF_ANOTHER_TYPE = {
    "binary": "secret",
    "date": "secret",
    "enum": "secret",
    "enum_by_value": object(),
    "float": "secret",
    "float_of_numeric": "secret",
    "guid": 1,
    "interval": "secret",
    "lower_case": 1,
    "mutable": {"secret": object()},
    "numeric": True,
    "point_in_time": "secret",
    "string": b"secret",
    "time": "secret",
    "timestamp": dt.date(2024, 7, 1),
    "uuid": 1,
    "wall_clock": 1.5,
}


async def test_value_that_the_type_or_the_database_refuses_leaves_all_as_it_was(
    storage: Storage, backend: str
) -> None:
    """What the app's columns take is decided by SQLAlchemy, and by the database."""
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, **VALUES})
        for name, value in OF_ANOTHER_TYPE.items():
            before, stored = getattr(user, name), await as_the_orm_reads_it(storage, user)
            refused: Exception | None = None
            try:
                await db.update(user, {"empty_if_null": "half", name: value})
            except Exception as error:
                refused = error
            if refused is None:
                await db.update(user, {name: before})
            else:
                assert not isinstance(refused, InvalidValueError)
                assert getattr(user, name) == before
                assert await as_the_orm_reads_it(storage, user) == stored
            await db.update(user, {"empty_if_null": "Ni!"})
        await db.update(user, {"string": "It's"})

    assert (await as_the_orm_reads_it(storage, user))["string"] == "It's"


@pytest.mark.parametrize(
    "values",
    [{"numeric": Decimal(10**20)}, {"wall_clock": VALUES["timestamp"]}, {"integers": ["a"]}],
)
async def test_value_that_the_database_refuses_is_not_shown(
    storage: Storage, backend: str, values: dict[str, Any]
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
        refused = None
        try:
            await db.update(user, values)
        except Exception as error:
            refused = f"{error} {error!r} {error.__cause__!r}"
        [(name, value)] = values.items()
        if storage.addresses.name == "postgresql":
            assert refused is not None
            assert getattr(user, name) is None
        assert repr(value)[:20] not in str(refused)
        await db.update(user, {"string": "Ni!"})
