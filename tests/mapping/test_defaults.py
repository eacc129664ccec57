"""Defaults of Python's and of the server's are applied and returned by both adapters."""

from typing import Any

import pytest
from sqlalchemy import Computed, String, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import SQLAlchemyBaseUserTableInt
from tests.mapping.conftest import Storage, contents

EMAIL = "king.arthur@camelot.bt"
CREDENTIALS = {"email": EMAIL, "hashed_password": "guinevere"}


def email_of(context: Any) -> Any:
    return context.get_current_parameters().get("mail", "no mail")


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    email: Mapped[str] = mapped_column("mail", String(320), unique=True)
    note: Mapped[str | None] = mapped_column(String(50))

    scalar: Mapped[str] = mapped_column(String(50), default="created")
    function: Mapped[str] = mapped_column(String(50), default=lambda: "created")
    of_others: Mapped[str] = mapped_column(String(50), default=email_of)
    sql: Mapped[str] = mapped_column(String(50), default=func.lower("CREATED"))
    server: Mapped[str] = mapped_column(String(50), server_default=text("'created'"))

    scalar_onupdate: Mapped[str] = mapped_column(String(50), default="", onupdate="updated")
    function_onupdate: Mapped[str] = mapped_column(
        String(50), default="", onupdate=lambda: "updated"
    )
    of_others_onupdate: Mapped[str] = mapped_column(String(50), default="", onupdate=email_of)
    sql_onupdate: Mapped[str] = mapped_column(
        String(50), default="", onupdate=func.lower("UPDATED")
    )

    computed: Mapped[int] = mapped_column(Computed("length(note)", persisted=True), nullable=True)


DEFAULTS = {
    "scalar": "created",
    "function": "created",
    "of_others": EMAIL,
    "sql": "created",
    "server": "created",
    "scalar_onupdate": "",
    "computed": None,
}
ON_UPDATE = {
    "scalar_onupdate": "updated",
    "function_onupdate": "updated",
    "of_others_onupdate": "no mail",
    "sql_onupdate": "updated",
}


async def in_database(storage: Storage, user: Any) -> dict[str, Any]:
    async with storage.adapter("orm", User) as db:
        found = await db.get(user.id)
    return contents(found)


async def test_create_returns_defaults(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)

    assert contents(user).items() >= DEFAULTS.items()
    assert contents(user) == await in_database(storage, user)


@pytest.mark.parametrize("attribute", ["scalar", "function", "of_others", "sql", "server"])
async def test_a_given_value_wins_over_a_default(
    storage: Storage, backend: str, attribute: str
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, attribute: "mine"})

    assert getattr(user, attribute) == "mine"
    assert contents(user) == await in_database(storage, user)


async def test_update_returns_values_of_onupdate(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
        await db.update(user, {"note": "Ni!"})

    assert contents(user).items() >= {**ON_UPDATE, "computed": 3}.items()
    assert contents(user) == await in_database(storage, user)


async def test_a_given_value_wins_over_onupdate(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
        await db.update(user, dict.fromkeys(ON_UPDATE, "mine"))

    assert contents(user).items() >= dict.fromkeys(ON_UPDATE, "mine").items()
    assert contents(user) == await in_database(storage, user)


async def test_update_without_changes_writes_nothing(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
        await db.update(user, {"note": None})

    assert user.scalar_onupdate == ""
    assert contents(user) == await in_database(storage, user)


async def test_sql_expressions_are_values(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "note": func.lower("NI!")})
        assert user.note == "ni!"
        await db.update(user, {"note": func.upper(User.note)})

    assert user.note == "NI!"
    assert contents(user) == await in_database(storage, user)
