"""Relationships of the app's own: what the ORM loads with a user stays readable and true."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, insert
from sqlalchemy.orm import DeclarativeBase, DynamicMapped, Mapped, mapped_column, relationship
from sqlalchemy.orm.exc import DetachedInstanceError

from fastapi_users_db import SQLAlchemyBaseUserTableInt, UserAlreadyExistsError
from tests.mapping.conftest import Storage

CREDENTIALS = {"email": "king.arthur@camelot.bt", "hashed_password": "guinevere"}


class Base(DeclarativeBase):
    pass


class Castle(Base):
    __tablename__ = "castle"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(50))


class Horse(Base):
    __tablename__ = "horse"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class User(SQLAlchemyBaseUserTableInt, Base):
    castle_id: Mapped[int | None] = mapped_column(ForeignKey("castle.id"))
    castle: Mapped[Castle | None] = relationship(lazy="joined")
    horses: Mapped[list[Horse]] = relationship(lazy="selectin")


class Steed(Base):
    __tablename__ = "steed"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id"))


class Owner(SQLAlchemyBaseUserTableInt, Base):
    __tablename__ = "owner"
    horses: DynamicMapped[Steed] = relationship(lazy="dynamic")


@pytest.fixture(params=["orm", "orm-expire-on-commit"])
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def storage(storage: Storage) -> Storage:
    await storage.use_tables(Base.metadata)
    async with storage.engine.begin() as connection:
        castles = [{"id": 1, "name": "Camelot"}, {"id": 2, "name": "Aaargh"}]
        await connection.execute(insert(Castle), castles)
    return storage


async def test_create_returns_eager_relationships(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "castle_id": 1})

    assert user.castle.name == "Camelot"
    assert user.horses == []


async def test_update_of_a_foreign_key_leads_elsewhere(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "castle_id": 1})
        await db.update(user, {"castle_id": 2})

    assert user.castle.name == "Aaargh"


async def test_update_of_a_relationship_sets_the_foreign_key(
    storage: Storage, backend: str
) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create(CREDENTIALS)
        await db.update(user, {"castle": Castle(id=3, name="Swamp Castle")})

    assert user.castle_id == 3
    assert user.castle.name == "Swamp Castle"


async def test_create_takes_related_objects(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        user = await db.create({**CREDENTIALS, "horses": [Horse(), Horse()]})

    assert [horse.owner_id for horse in user.horses] == [user.id, user.id]


async def test_new_in_a_dynamic_relationship_survives_no_refused_write(
    storage: Storage, backend: str
) -> None:
    async with storage.adapter(backend, Owner) as db:
        owner = await db.create(CREDENTIALS)
        other = await db.create({**CREDENTIALS, "email": "patsy@camelot.bt"})
        for changed in (owner, other):
            changed.horses.add(Steed())
            with pytest.raises(UserAlreadyExistsError):
                await db.update(owner, {"email": "patsy@camelot.bt"})

    assert owner.email == CREDENTIALS["email"]
    assert other.email == "patsy@camelot.bt"


async def test_databases_refuses_relationships(storage: Storage) -> None:
    async with storage.adapter("databases", User) as db:
        with pytest.raises(TypeError, match=r"User\.horses is a relationship"):
            await db.create({**CREDENTIALS, "horses": [Horse()]})
        user = await db.create({**CREDENTIALS, "castle_id": 1})
        with pytest.raises(TypeError, match=r"User\.castle is a relationship"):
            await db.update(user, {"castle": Castle(id=3, name="Swamp Castle")})
        found = await db.get(user.id)

    assert found is not None
    assert found.castle_id == 1


async def test_databases_loads_no_other_relationships(storage: Storage) -> None:
    async with storage.adapter("databases", User) as db:
        user = await db.create({**CREDENTIALS, "castle_id": 1})

    with pytest.raises(DetachedInstanceError):
        _ = user.castle
