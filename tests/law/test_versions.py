"""What SQLAlchemy counts the changes of is refused when it is outdated, and is not gone."""

from typing import Any, ClassVar

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.orm.exc import StaleDataError

from fastapi_users_db import (
    OAuthAccountNotFoundError,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    version: Mapped[int] = mapped_column()

    __mapper_args__: ClassVar = {"version_id_col": version}


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts: Mapped[list[Account]] = relationship(lazy="selectin")


async def test_an_outdated_account_is_not_gone(app: App) -> None:
    async with app.users(User, Account) as users:
        created = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account) as users:
        user: Any = await users.get(created.id)
        await app.execute(update(Account.__table__).values(version=2))
        with pytest.raises(StaleDataError) as raised:
            await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": "new"})

    assert not isinstance(raised.value, OAuthAccountNotFoundError)
    assert await app.number(Account) == 1


@pytest.mark.parametrize("backend", ["orm", "orm-defaults"], indirect=True)
async def test_a_link_that_another_changes_meanwhile_is_read_again(app: App) -> None:
    def change(_: Any, connection: Any, account: Any) -> None:
        connection.execute(update(Account.__table__).values(version=Account.version + 1))

    async with app.users(User, Account) as users:
        created = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    async with app.users(User, Account) as users:
        user: Any = await users.get(created.id)
        event.listen(Account, "before_update", change, once=True)
        await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})

    assert [account.access_token for account in user.oauth_accounts] == ["new"]
