"""Equal addresses are an app that forgot its filter: nobody is chosen."""

from typing import Any

import pytest
from sqlalchemy import String, UniqueConstraint
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
)
from tests.law.conftest import BOTH, App
from tests.people import ANNE

pytestmark = pytest.mark.parametrize("backend", BOTH, indirect=True)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    email: Mapped[str] = mapped_column(String(320), index=True)
    tenant_id: Mapped[int] = mapped_column()

    __table_args__ = (UniqueConstraint("tenant_id", "email"),)


async def create(app: App, *addresses: str) -> None:
    async with app.users(User) as users:
        for number, address in enumerate(addresses):
            await users.create({**ANNE, "email": address, "tenant_id": number})


@pytest.mark.parametrize("asked", ["anne@example.com", "ANNE@example.com"])
async def test_of_two_equal_addresses_none_is_chosen(app: App, asked: str) -> None:
    await create(app, "anne@example.com", "anne@example.com")
    async with app.users(User) as users:
        with pytest.raises(MultipleResultsFound):
            await users.get_by_email(asked)


async def test_the_address_itself_wins_over_two_that_are_equal(app: App) -> None:
    await create(app, "anne@example.com", "anne@example.com", "Anne@example.com")
    async with app.users(User) as users:
        found = await users.get_by_email("Anne@example.com")
        with pytest.raises(MultipleResultsFound):
            await users.get_by_email("anne@example.com")

    assert found.tenant_id == 2


async def test_the_apps_filter_makes_it_one(app: App) -> None:
    parent: Any = DatabasesUserDatabase if app.backend == "databases" else SQLAlchemyUserDatabase

    class OfOneTenant(parent):
        async def _get_user(self, statement: Any) -> Any:
            return await super()._get_user(statement.where(User.tenant_id == 1))

    await create(app, "anne@example.com", "anne@example.com")
    async with app.users(User, kind=OfOneTenant) as users:
        found = await users.get_by_email("ANNE@example.com")

    assert found.tenant_id == 1


async def test_an_address_is_taken_in_its_tenant(app: App) -> None:
    await create(app, "anne@example.com", "anne@example.com")
    async with app.users(User) as users:
        with pytest.raises(UserAlreadyExistsError):
            await users.create({**ANNE, "tenant_id": 1})
        third = await users.create({**ANNE, "tenant_id": 3})

    assert third.tenant_id == 3
