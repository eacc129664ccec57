"""Users of several kinds, each in a table of its own that has all of its columns."""

import uuid
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import GUID, SQLAlchemyBaseUserTableUUID
from tests.law.conftest import App
from tests.people import ANNE


class Base(DeclarativeBase):
    pass


class User(ConcreteBase, SQLAlchemyBaseUserTableUUID, Base):
    nickname: Mapped[str | None] = mapped_column(String(10))

    __mapper_args__ = {"polymorphic_identity": "user", "concrete": True}  # noqa: RUF012


class Clerk(User):
    __tablename__ = "clerk"

    id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    hashed_password: Mapped[str] = mapped_column(String(1024))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_verified: Mapped[bool] = mapped_column(default=False)
    room: Mapped[str | None] = mapped_column(String(10))

    __mapper_args__ = {"polymorphic_identity": "clerk", "concrete": True}  # noqa: RUF012


async def test_a_concrete_leaf_is_written_and_found(app: App) -> None:
    async with app.users(Clerk) as clerks:
        created = await clerks.create({**ANNE, "room": "1"})
        changed = await clerks.update(await clerks.get(created.id), {"room": "2"})

    assert (type(changed), changed.room, changed.is_active) == (Clerk, "2", True)
    assert (await app.number(User), await app.number(Clerk)) == (0, 1)


async def test_the_concrete_base_finds_changes_and_deletes_a_leaf(app: App) -> None:
    async with app.users(Clerk) as clerks:
        await clerks.create({**ANNE, "room": "1"})
    async with app.users(User) as users:
        found = await users.get_by_email(ANNE["email"].upper())
        kind: Any = type(found)
        await users.update(found, {"room": "2", "is_verified": True})
        changed = found.room, found.is_verified
        await users.delete(found)

    assert (kind, changed) == (Clerk, ("2", True))
    assert await app.number(Clerk) == 0


async def test_the_concrete_base_has_users_of_its_own(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "nickname": "A"})
        found = await users.get(user.id)

    assert (type(found), found.nickname) == (User, "A")
