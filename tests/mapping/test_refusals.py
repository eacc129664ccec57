"""What a database refuses is its own error, and nothing else is taken for a value of ours."""

from decimal import Decimal

import pytest
from sqlalchemy import Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import InvalidValueError, SQLAlchemyBaseUserTableInt
from tests.mapping.conftest import Storage

REFUSED = r"takes no such value \(SQLSTATE 22003\)|Out of range value for column 'height'"
CREDENTIALS = {"email": "king.arthur@camelot.bt", "hashed_password": "guinevere"}


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    # Of this type SQLAlchemy does not say how much it holds.
    height: Mapped[Decimal | None] = mapped_column(Numeric(4, 2))
    origin = "nowhere"


@pytest.mark.parametrize("addresses", ["postgresql", "mariadb-asyncmy"], indirect=True)
async def test_a_number_that_is_too_large_is_refused(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        with pytest.raises(Exception, match=REFUSED):
            await db.create({**CREDENTIALS, "height": Decimal(100)})
        user = await db.create({**CREDENTIALS, "height": Decimal("1.85")})
        with pytest.raises(Exception, match=REFUSED):
            await db.update(user, {"height": Decimal(100)})
        assert user.height == Decimal("1.85")


async def test_a_missing_table_is_the_fault_of_no_value(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User) as db:
        async with storage.engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
        try:
            with pytest.raises(Exception, match=r"(?i)no such table|exist") as caught:
                await db.create({**CREDENTIALS, "origin": "Camelot"})
        finally:
            async with storage.engine.begin() as connection:
                await connection.run_sync(Base.metadata.create_all)

    assert not isinstance(caught.value, InvalidValueError)
