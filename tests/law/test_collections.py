"""`oauth_accounts` may be loaded in any way, or not at all."""

from typing import Any

import pytest
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    relationship,
)

from fastapi_users_db import (
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

pytestmark = pytest.mark.parametrize("backend", BOTH, indirect=True)

LAZY = [
    *("select", "joined", "selectin", "subquery", "immediate", "raise", "raise_on_sql", "set"),
    *("dynamic", "write_only"),
]


def classes(lazy: str) -> tuple[Any, Any]:
    class Base(DeclarativeBase):
        pass

    class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    options: Any = {"cascade": "all, delete-orphan"}
    if lazy == "dynamic":

        class User(SQLAlchemyBaseUserTableUUID, Base):
            oauth_accounts: DynamicMapped[Account] = relationship(Account, **options)
    elif lazy == "write_only":

        class User(SQLAlchemyBaseUserTableUUID, Base):
            oauth_accounts: WriteOnlyMapped[Account] = relationship(
                Account, passive_deletes=True, **options
            )
    elif lazy == "set":

        class User(SQLAlchemyBaseUserTableUUID, Base):
            oauth_accounts: Mapped[set[Account]] = relationship(Account, **options)
    else:

        class User(SQLAlchemyBaseUserTableUUID, Base):
            oauth_accounts: Mapped[list[Account]] = relationship(Account, lazy=lazy, **options)

    return User, Account


CLASSES = pytest.mark.parametrize(
    ("user", "account", "is_loaded"),
    [(*classes(lazy), lazy not in ("dynamic", "write_only")) for lazy in LAZY],
    ids=LAZY,
)


@CLASSES
async def test_accounts_are_written_and_found(
    app: App, user: Any, account: Any, is_loaded: bool
) -> None:
    async with app.users(user, account) as users:
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.add_oauth_account(anne, {**ACCOUNT, "account_id": "2"})
        await users.add_oauth_account(anne, {**ACCOUNT, "access_token": "new"})
    async with app.users(user, account) as users:
        found = await users.get_by_oauth_account("provider", "2")
        await users.update(found, {"is_active": False})
    number = await app.number(account)
    async with app.users(user, account) as users:
        await users.delete(await users.get(anne.id))

    assert (found.id, found.is_active, number) == (anne.id, False, 2)
    for one in (anne, found) if is_loaded else ():
        tokens = {a.account_id: a.access_token for a in one.oauth_accounts}
        assert tokens == {"1": "new", "2": "token"}
    assert await app.number(user) == await app.number(account) == 0


@CLASSES
async def test_accounts_are_replaced_and_refused(
    app: App, user: Any, account: Any, is_loaded: bool
) -> None:
    async with app.users(user, account) as users:
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        kept = {**ACCOUNT, "account_id": "2"}
        await users.update(anne, {"oauth_accounts": [kept]})
        bert = await users.create(BERT)
        with pytest.raises(OAuthAccountAlreadyLinkedError):
            await users.add_oauth_account(bert, kept)
        gone = await users.get_by_oauth_account("provider", "1")

    assert gone is None
    assert await app.number(account) == 1
    if is_loaded:
        assert [a.account_id for a in anne.oauth_accounts] == ["2"]
        assert not bert.oauth_accounts
