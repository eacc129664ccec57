"""Nothing is asked for before a method needs it."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, insert, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym

from fastapi_users_db import (
    DatabasesUserDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

pytestmark = pytest.mark.parametrize("backend", BOTH, indirect=True)


class Base(DeclarativeBase):
    pass


class Phone(Base):
    """No e-mail address, no password, no flags."""

    __tablename__ = "phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    owner: Mapped[str | None] = mapped_column(String(20))


class Numbered(Base):
    """No attribute `id`."""

    __tablename__ = "numbered"

    number: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(100), unique=True)


class Ticket(Base):
    """An access token without a time."""

    __tablename__ = "ticket"

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column()


class BaseWithAccounts(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTableUUID, BaseWithAccounts):
    pass


class UserWithAccounts(SQLAlchemyBaseUserTableUUID, BaseWithAccounts):
    """No relationship to its accounts."""


class Token(SQLAlchemyBaseAccessTokenTableUUID, BaseWithAccounts):
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))


class BaseWithProfiles(DeclarativeBase):
    pass


class AccountOfProfile(SQLAlchemyBaseOAuthAccountTableUUID, BaseWithProfiles):
    user_id = None  # type: ignore[assignment]
    profile_id: Mapped[int | None] = mapped_column(ForeignKey("profile.id"))


class Profile(BaseWithProfiles):
    __tablename__ = "profile"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))
    oauth_accounts: Mapped[list[AccountOfProfile]] = relationship(lazy="selectin")


class UserOfProfile(SQLAlchemyBaseUserTableUUID, BaseWithProfiles):
    """A user whose accounts are those of its profile."""

    profile: Mapped[Profile | None] = relationship(
        lazy="joined", uselist=False, cascade="all, delete-orphan"
    )
    oauth_accounts: AssociationProxy[list[AccountOfProfile]] = association_proxy(
        "profile", "oauth_accounts"
    )


class BaseWithSynonym(DeclarativeBase):
    pass


class AccountOfSynonym(SQLAlchemyBaseOAuthAccountTableUUID, BaseWithSynonym):
    pass


class UserWithSynonym(SQLAlchemyBaseUserTableUUID, BaseWithSynonym):
    accounts: Mapped[list[AccountOfSynonym]] = relationship()
    oauth_accounts = synonym("accounts")


async def test_a_user_without_an_address_lives_its_whole_life(app: App) -> None:
    async with app.users(Phone) as users:
        user = await users.create({"number": "1"})
        await users.update(user, {"owner": "Anne"})
        found = await users.get(user.id)
        await users.delete(found)

    assert (found.number, found.owner) == ("1", "Anne")
    assert await app.number(Phone) == 0


async def test_a_look_up_may_be_the_apps_own(app: App) -> None:
    parent: Any = DatabasesUserDatabase if app.backend == "databases" else SQLAlchemyUserDatabase

    class ByNumber(parent):
        async def get_by_email(self, email: str) -> Any:
            return await self._get_user(select(Phone).where(Phone.number == email))

    async with app.users(Phone, kind=ByNumber) as users:
        user = await users.create({"number": "1"})
        found, none = await users.get_by_email("1"), await users.get_by_email("2")

    assert (found.id, none) == (user.id, None)


async def test_what_a_look_up_needs_is_named_when_it_is_called(app: App) -> None:
    async with app.users(Phone) as users:
        with pytest.raises(TypeError, match="email"):
            await users.get_by_email("anne@example.com")


async def test_another_unique_column_is_explained_without_an_address(app: App) -> None:
    async with app.users(Phone) as users:
        await users.create({"number": "1"})
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await users.create({"number": "1"})
        await users.create({"number": "2"})

    assert await app.number(Phone) == 2


async def test_a_user_without_an_id_is_found_by_address(app: App) -> None:
    async with app.users(Numbered) as users:
        await users.create({"email": "anne@example.com"})
        user = await users.get_by_email("ANNE@example.com")
        await users.update(user, {"email": "bert@example.com"})
        with pytest.raises(TypeError, match="id"):
            await users.get(1)
        await users.delete(user)

    assert user.email == "bert@example.com"
    assert await app.number(Numbered) == 0


async def test_a_token_needs_a_time_only_where_one_is_asked_for(app: App) -> None:
    async with app.tokens(Ticket) as tokens:
        await tokens.create({"token": "a", "user_id": 1})
        found = await tokens.get_by_token("a")
        await tokens.update(found, {"token": "b"})
        await tokens.delete(found)

    assert found.token == "b"
    assert await app.number(Ticket) == 0


async def test_without_a_table_of_accounts_there_need_be_no_relationship(app: App) -> None:
    async with app.users(UserWithAccounts) as users:
        user = await users.create(ANNE)
        await users.update(user, {"is_verified": True})
        with pytest.raises(NotImplementedError):
            await users.add_oauth_account(user, ACCOUNT)

    assert user.is_verified


async def test_a_missing_relationship_is_named(app: App) -> None:
    with pytest.raises(TypeError, match="oauth_accounts: Mapped"):
        async with app.users(UserWithAccounts, Account) as users:
            await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})


async def test_a_relationship_is_asked_for_only_where_accounts_are_linked(app: App) -> None:
    async with app.users(UserWithAccounts, Account) as users:
        user = await users.create(ANNE)
        await users.update(user, {"is_verified": True})
        with pytest.raises(TypeError, match="oauth_accounts: Mapped"):
            await users.add_oauth_account(user, ACCOUNT)
        found = [await users.get(user.id), await users.get_by_email("ANNE@example.com")]

    assert [other.is_verified for other in found] == [True, True]
    assert await app.number(Account) == 0


async def test_without_a_relationship_the_foreign_key_says_whose_accounts_there_are(
    app: App,
) -> None:
    async with app.users(UserWithAccounts, Account) as users:
        user, other = await users.create(ANNE), await users.create(BERT)
    await app.execute(insert(Account.__table__).values({**ACCOUNT, "user_id": user.id}))
    await app.execute(
        insert(Account.__table__).values({**ACCOUNT, "account_id": "2", "user_id": other.id})
    )
    async with app.users(UserWithAccounts, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")
        await users.delete(found)

    assert found.id == user.id
    assert (await app.number(UserWithAccounts), await app.number(Account)) == (1, 1)


async def test_accounts_that_refer_to_no_user_are_nobodys(app: App) -> None:
    async with app.users(UserOfProfile, AccountOfProfile) as users:
        user = await users.create(ANNE)
    await app.execute(insert(AccountOfProfile.__table__).values(ACCOUNT))
    async with app.users(UserOfProfile, AccountOfProfile) as users:
        found = await users.get_by_email("ANNE@example.com")
        await users.update(found, {"is_verified": True})
        for refused in (
            users.get_by_oauth_account("provider", "1"),
            users.add_oauth_account(found, ACCOUNT),
        ):
            with pytest.raises(TypeError, match="oauth_accounts: Mapped"):
                await refused
        await users.delete(await users.get(user.id))

    assert (await app.number(UserOfProfile), await app.number(AccountOfProfile)) == (0, 1)


async def test_the_relationship_may_have_another_name_and_a_synonym(app: App) -> None:
    async with app.users(UserWithSynonym, AccountOfSynonym) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "2"})
        added = sorted(account.account_id for account in user.oauth_accounts)
        [first] = [a for a in user.oauth_accounts if a.account_id == "1"]
        await users.update_oauth_account(user, first, {"access_token": "new"})
        found = await users.get_by_oauth_account("provider", "1")
        tokens = {account.account_id: account.access_token for account in found.oauth_accounts}
        await users.update(user, {"oauth_accounts": [ACCOUNT]})
        left = [account.account_id for account in user.accounts]
        other = await users.create(BERT)
        await users.delete(user)

    assert (added, tokens["1"], left, other.oauth_accounts) == (["1", "2"], "new", ["1"], [])
    assert (await app.number(UserWithSynonym), await app.number(AccountOfSynonym)) == (1, 0)
