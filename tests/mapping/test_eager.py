"""Every way to load a relationship with its user: a created one has it, too."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import SQLAlchemyBaseUserTableInt
from tests.mapping.conftest import Storage

CREDENTIALS = {"email": "king.arthur@camelot.bt", "hashed_password": "guinevere"}
EAGER = ["joined", False, "selectin", "subquery", "immediate"]


class Base(DeclarativeBase):
    pass


class Castle(Base):
    __tablename__ = "castle"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


def declare(lazy: Any) -> Any:
    name = f"User_{lazy}"
    attributes = {
        "__tablename__": name.lower(),
        "castle_id": mapped_column(ForeignKey("castle.id")),
        "castle": relationship(Castle, lazy=lazy),
    }
    return type(name, (SQLAlchemyBaseUserTableInt, Base), attributes)


USERS = {lazy: declare(lazy) for lazy in EAGER}


@pytest.mark.parametrize("backend", ["orm", "orm-expire-on-commit"])
@pytest.mark.parametrize("lazy", EAGER)
async def test_create_returns_what_is_loaded_with_a_user(
    storage: Storage, backend: str, lazy: Any
) -> None:
    await storage.use_tables(Base.metadata)
    async with storage.engine.begin() as connection:
        await connection.execute(insert(Castle), [{"id": 1}])
    async with storage.adapter(backend, USERS[lazy]) as db:
        user = await db.create({**CREDENTIALS, "castle_id": 1})

    assert user.castle.id == 1
