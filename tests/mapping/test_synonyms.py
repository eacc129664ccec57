"""Ids under another name, to which `id` is a synonym."""

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym

from fastapi_users_db import SQLAlchemyBaseOAuthAccountTableInt, SQLAlchemyBaseUserTableInt
from tests.mapping.conftest import Storage
from tests.people import ACCOUNT, ANNE


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[int] = synonym("number")


class User(SQLAlchemyBaseUserTableInt, Base):
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(OAuthAccount, lazy="joined")


async def test_accounts_are_matched_by_an_id_of_either_name(storage: Storage, backend: str) -> None:
    async with storage.adapter(backend, User, OAuthAccount) as db:
        user = await db.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        [before] = user.oauth_accounts
        for name in ("id", "number"):
            given = {name: before.number, "access_token": name}
            await db.update(user, {"oauth_accounts": [given]})
            found = await db.get(user.id)
            assert found is not None
            [after] = found.oauth_accounts
            assert (after.number, after.access_token) == (before.number, name)
