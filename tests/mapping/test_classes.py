"""What a class does on its own account happens on both adapters."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    deferred,
    mapped_column,
    reconstructor,
    validates,
)

from fastapi_users_db import SQLAlchemyBaseUserTableInt
from tests.mapping.conftest import Storage, contents

EMAIL = "king.arthur@camelot.bt"
CREDENTIALS = {"email": EMAIL, "hashed_password": "guinevere"}


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    def __init__(self, email: str, *, motto: str = "Ni!", **others: Any) -> None:
        super().__init__(email=email, **others)
        self.motto = motto
        self.origin = "constructor"

    motto: Mapped[str] = mapped_column(String(50))
    biography: Mapped[str | None] = deferred(mapped_column(String(50)))
    first: Mapped[str | None] = mapped_column(String(50))
    last: Mapped[str | None] = mapped_column(String(50))

    @reconstructor
    def loaded(self) -> None:
        self.origin = "database"

    @validates("motto")
    def shout(self, key: str, motto: str) -> str:
        return motto.upper()

    @hybrid_property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @name.inplace.setter
    def _set_name(self, name: str) -> None:
        self.first, _, self.last = name.partition(" ")


async def test_constructor_is_called_for_a_new_user(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)

    assert user.motto == "NI!"


async def test_reconstructor_is_called_for_a_loaded_user(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
    async with storage.adapter(backend, User) as db:
        found = await db.get(user.id)

    assert found is not None
    assert found.origin == "database"


async def test_validators_are_called(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "motto": "shrubbery"})
        assert user.motto == "SHRUBBERY"
        await db.update(user, {"motto": "ecky ecky"})

    assert user.motto == "ECKY ECKY"


async def test_hybrid_setters_are_called(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "name": "Arthur Pendragon"})
        assert (user.first, user.last) == ("Arthur", "Pendragon")
        await db.update(user, {"name": "Uther Pendragon"})

    assert user.name == "Uther Pendragon"


async def test_deferred_columns_are_loaded(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "biography": "King"})
    async with storage.adapter(backend, User) as db:
        found = await db.get(user.id)

    assert found is not None
    assert contents(found) == contents(user)
    assert found.biography == "King"
