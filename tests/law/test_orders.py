"""Collections that were changed are as the database gives them."""

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, and_
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship
from sqlalchemy.orm.collections import attribute_keyed_dict

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import App
from tests.people import ACCOUNT, ANNE


class Base(DeclarativeBase):
    pass


has_role = Table(
    "has_role",
    Base.metadata,
    Column("user_id", GUID, ForeignKey("user.id"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id"), primary_key=True),
)


class Role(Base):
    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))

    def __init__(self, name: str) -> None:
        self.name = name


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Step(Base):
    __tablename__ = "step"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))
    position: Mapped[int] = mapped_column()
    name: Mapped[str] = mapped_column(String(20))


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[Any] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(20))


class Account(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    mentor_id: Mapped[Any | None] = mapped_column(ForeignKey("user.id"))
    team: Mapped[Team | None] = relationship(lazy="joined")
    mentor: Mapped["User | None"] = relationship(
        lazy="selectin", join_depth=1, remote_side="User.id"
    )
    roles: Mapped[list[Role]] = relationship(
        secondary=has_role, lazy="selectin", order_by=Role.name
    )
    role_names = association_proxy("roles", "name")
    steps: Mapped[list[Step]] = relationship(
        lazy="selectin",
        order_by=Step.position,
        collection_class=ordering_list("position"),
        cascade="all, delete-orphan",
    )
    tags: Mapped[dict[str, Tag]] = relationship(
        lazy="selectin",
        collection_class=attribute_keyed_dict("key"),
        cascade="all, delete-orphan",
    )
    oauth_accounts: Mapped[list[Account]] = relationship(
        lazy="selectin", order_by=Account.account_id.desc(), cascade="all, delete-orphan"
    )


class BaseOfValid(DeclarativeBase):
    pass


class Revocable(SQLAlchemyBaseOAuthAccountTableUUID, BaseOfValid):
    is_revoked: Mapped[bool] = mapped_column(default=False)


class UserOfValid(SQLAlchemyBaseUserTableUUID, BaseOfValid):
    oauth_accounts: Mapped[list[Revocable]] = relationship(
        primaryjoin=lambda: and_(
            UserOfValid.id == foreign(Revocable.user_id), Revocable.is_revoked.is_(False)
        )
    )


def names(user: Any) -> list[str]:
    return [role.name for role in user.roles]


async def test_roles_are_given_by_name(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "role_names": ["writer", "admin"]})
        created = list(user.role_names)
        await users.update(user, {"role_names": ["writer", "boss"]})

    assert (created, list(user.role_names)) == (["admin", "writer"], ["boss", "writer"])


async def test_roles_are_given_as_objects(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "roles": [Role("b"), Role("a")]})
        created = names(user)
        await users.update(user, {"roles": [*user.roles, Role("c"), Role("0")]})
    async with app.users(User) as users:
        found = await users.get(user.id)

    assert (created, names(user), names(found)) == (["a", "b"], ["0", "a", "b", "c"], names(user))


@pytest.mark.parametrize("accounts", [{}, {"oauth_accounts": [ACCOUNT]}], ids=["", "accounts"])
async def test_roles_that_the_app_has_added_are_in_order(app: App, accounts: Any) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "roles": [Role("b"), Role("d")]})
        user.roles.append(Role("c"))
        user.roles.append(Role("a"))
        await users.update(user, {"is_verified": True, **accounts})

    assert names(user) == ["a", "b", "c", "d"]


async def test_roles_that_the_app_has_added_are_in_order_once_an_account_is_linked(
    app: App,
) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "roles": [Role("b")]})
        user.roles.append(Role("a"))
        await users.add_oauth_account(user, ACCOUNT)

    assert names(user) == ["a", "b"]


async def test_accounts_are_in_order_after_every_method(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "oauth_accounts": [{**ACCOUNT, "account_id": "2"}]})
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": "3"})
        await users.add_oauth_account(user, ACCOUNT)
        added = [account.account_id for account in user.oauth_accounts]
        await users.update_oauth_account(user, user.oauth_accounts[-1], {"account_id": "4"})
        changed = [account.account_id for account in user.oauth_accounts]
        kept = [{**ACCOUNT, "account_id": number} for number in "243"]
        await users.update(user, {"oauth_accounts": kept})

    assert (added, changed) == (["3", "2", "1"], ["4", "3", "2"])
    assert [account.account_id for account in user.oauth_accounts] == ["4", "3", "2"]


async def test_an_ordering_list_is_numbered(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "steps": [Step(name="a"), Step(name="b")]})
        user.steps.insert(0, Step(name="c"))
        await users.update(user, {"is_verified": True})
    async with app.users(User) as users:
        found = await users.get(user.id)

    for one in (user, found):
        assert [(step.position, step.name) for step in one.steps] == [(0, "c"), (1, "a"), (2, "b")]


async def test_a_dict_of_objects_is_given_and_returned(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create({**ANNE, "tags": {"a": Tag(key="a", value="1")}})
        user.tags["b"] = Tag(key="b", value="2")
        await users.update(user, {"is_verified": True})
    async with app.users(User) as users:
        found = await users.get(user.id)

    assert {key: tag.value for key, tag in user.tags.items()} == {"a": "1", "b": "2"}
    assert found.tags.keys() == {"a", "b"}


async def test_another_foreign_key_leads_to_another_object(app: App) -> None:
    async with app.users(User) as users:
        mentor = await users.create({"email": "m@example.com", "hashed_password": "hash"})
        user = await users.create({**ANNE, "team": Team(id=1, name="one"), "mentor": mentor})
        users.session.add(Team(id=2, name="two"))
        created = (user.team.name, user.mentor.email)
        await users.update(user, {"team_id": 2, "mentor_id": None})

    assert (created, user.team.name, user.mentor) == (("one", "m@example.com"), "two", None)


async def test_a_user_goes_and_leaves_the_roles(app: App) -> None:
    async with app.users(User, Account) as users:
        user = await users.create({**ANNE, "roles": [Role("a")], "oauth_accounts": [ACCOUNT]})
        await users.delete(user)

    rows = [await app.number(one) for one in (User, Account, has_role, Role)]
    assert rows == [0, 0, 0, 1]


async def test_accounts_that_the_relationship_leaves_out_stay_out(app: App) -> None:
    async with app.users(UserOfValid, Revocable) as users:
        user = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.update_oauth_account(user, user.oauth_accounts[0], {"is_revoked": True})
        revoked = list(user.oauth_accounts)
        for account_id in ("2", "3"):
            await users.add_oauth_account(user, {**ACCOUNT, "account_id": account_id})
        added = {account.account_id for account in user.oauth_accounts}
        [second] = [a for a in user.oauth_accounts if a.account_id == "2"]
        await users.update_oauth_account(user, second, {"access_token": "new"})

    assert (revoked, added) == ([], {"2", "3"})
    assert {account.account_id for account in user.oauth_accounts} == {"2", "3"}
    assert await app.number(Revocable) == 3
