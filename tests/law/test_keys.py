"""Keys are what the class calls `id`, `email` and `token`: renamed, hybrids, synonyms."""

import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym

from fastapi_users_db import (
    GUID,
    InvalidValueError,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

READ_BY_BOTH = pytest.mark.parametrize("backend", BOTH, indirect=True)


class HybridBase(DeclarativeBase):
    pass


class HybridAccount(SQLAlchemyBaseOAuthAccountTable[int], HybridBase):
    account_pk: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.user_pk"))

    @hybrid_property
    def id(self) -> int:
        return self.account_pk


class HybridUser(SQLAlchemyBaseUserTable[int], HybridBase):
    user_pk: Mapped[int] = mapped_column(primary_key=True)
    oauth_accounts: Mapped[list[HybridAccount]] = relationship(lazy="joined")

    @hybrid_property
    def id(self) -> int:
        return self.user_pk


class HybridToken(SQLAlchemyBaseAccessTokenTable[int], HybridBase):
    secret: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column()

    @hybrid_property
    def _token(self) -> str:
        return self.secret

    @_token.inplace.setter
    def _set_token(self, value: str) -> None:
        self.secret = value

    token = _token


class SynonymBase(DeclarativeBase):
    pass


class SynonymAccount(SQLAlchemyBaseOAuthAccountTable[int], SynonymBase):
    account_pk: Mapped[int] = mapped_column(primary_key=True)
    id = synonym("account_pk")
    owner: Mapped[int] = mapped_column(ForeignKey("user.user_pk"))
    user_id = synonym("owner")


class SynonymUser(SQLAlchemyBaseUserTable[int], SynonymBase):
    user_pk: Mapped[int] = mapped_column(primary_key=True)
    id = synonym("user_pk")
    mail: Mapped[str] = mapped_column(String(320), unique=True)
    email = synonym("mail")
    oauth_accounts: Mapped[list[SynonymAccount]] = relationship(lazy="joined")


class SynonymToken(SQLAlchemyBaseAccessTokenTable[int], SynonymBase):
    number: Mapped[int] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(43), unique=True)
    token = synonym("secret")
    user_id: Mapped[int] = mapped_column()


class RenamedBase(DeclarativeBase):
    pass


class RenamedAccount(SQLAlchemyBaseOAuthAccountTable[int], RenamedBase):
    id: Mapped[int] = mapped_column("account_number", primary_key=True)
    user_id: Mapped[int] = mapped_column("owner_number", ForeignKey("user.user_number"))
    account_id: Mapped[str] = mapped_column("foreign_id", String(320), index=True)


class RenamedUser(SQLAlchemyBaseUserTable[int], RenamedBase):
    id: Mapped[int] = mapped_column("user_number", primary_key=True)
    email: Mapped[str] = mapped_column("mail", String(320), unique=True)
    oauth_accounts: Mapped[list[RenamedAccount]] = relationship(lazy="selectin")


class RenamedToken(SQLAlchemyBaseAccessTokenTable[int], RenamedBase):
    token: Mapped[str] = mapped_column("secret", String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column("owner_number")


class OtherBase(DeclarativeBase):
    pass


class OtherAccount(SQLAlchemyBaseOAuthAccountTable[int], OtherBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(GUID, ForeignKey("user.public_id"))


class OtherUser(SQLAlchemyBaseUserTable[int], OtherBase):
    """Accounts refer to a column that is unique, and not the primary key."""

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[uuid.UUID] = mapped_column(GUID, unique=True, default=uuid.uuid4)
    oauth_accounts: Mapped[list[OtherAccount]] = relationship(lazy="joined")


class OtherToken(SQLAlchemyBaseAccessTokenTable[int], OtherBase):
    id: Mapped[uuid.UUID] = mapped_column(GUID, primary_key=True, default=uuid.uuid4)
    token: Mapped[str] = mapped_column(String(43), unique=True)
    user_id: Mapped[int] = mapped_column()


class PublicBase(DeclarativeBase):
    pass


class PublicAccount(SQLAlchemyBaseOAuthAccountTable[uuid.UUID], PublicBase):
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(GUID, unique=True, default=uuid.uuid4)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.number"))


class PublicUser(SQLAlchemyBaseUserTable[uuid.UUID], PublicBase):
    """The id is unique, and not the primary key."""

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(GUID, unique=True, default=uuid.uuid4)
    oauth_accounts: Mapped[list[PublicAccount]] = relationship(lazy="joined")


class PublicToken(SQLAlchemyBaseAccessTokenTable[uuid.UUID], PublicBase):
    number: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(43), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(GUID)


KEYS = pytest.mark.parametrize(
    ("user", "account", "token"),
    [
        pytest.param(HybridUser, HybridAccount, HybridToken, id="hybrid"),
        pytest.param(SynonymUser, SynonymAccount, SynonymToken, id="synonym"),
        pytest.param(RenamedUser, RenamedAccount, RenamedToken, id="renamed"),
        pytest.param(OtherUser, OtherAccount, OtherToken, id="other-column"),
        pytest.param(PublicUser, PublicAccount, PublicToken, id="not-primary"),
    ],
)


@KEYS
@READ_BY_BOTH
async def test_a_user_lives_under_any_key(app: App, user: Any, account: Any, token: Any) -> None:
    async with app.users(user) as users:
        anne = await users.create(ANNE)
        found = [await users.get(anne.id), await users.get_by_email("ANNE@example.com")]
        await users.update(anne, {"is_active": False})
        await users.update(found[0], {"email": BERT["email"]})
        await users.delete(found[0])

    assert [one.id for one in found] == [anne.id, anne.id]
    assert await app.number(user) == 0


@KEYS
@READ_BY_BOTH
async def test_an_address_is_taken_under_any_key(
    app: App, user: Any, account: Any, token: Any
) -> None:
    async with app.users(user) as users:
        await users.create(ANNE)
        bert = await users.create(BERT)
        with pytest.raises(UserAlreadyExistsError):
            await users.update(bert, {"email": ANNE["email"]})

    assert bert.email == BERT["email"]


@KEYS
@READ_BY_BOTH
async def test_accounts_are_kept_under_any_key(
    app: App, user: Any, account: Any, token: Any
) -> None:
    async with app.users(user, account) as users:
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.add_oauth_account(anne, {**ACCOUNT, "account_id": "2"})
        [first] = [a for a in anne.oauth_accounts if a.account_id == "1"]
        await users.update_oauth_account(anne, first, {"access_token": "new"})
        await users.update(anne, {"oauth_accounts": [{**ACCOUNT, "expires_at": 5}]})
    async with app.users(user, account) as users:
        found = await users.get_by_oauth_account("provider", "1")
        await users.delete(found)

    [kept] = found.oauth_accounts
    assert (found.id, kept.id, kept.expires_at) == (anne.id, first.id, 5)
    assert await app.number(account) == 0


@KEYS
@READ_BY_BOTH
async def test_a_token_lives_under_any_key(app: App, user: Any, account: Any, token: Any) -> None:
    async with app.users(user) as users:
        anne = await users.create(ANNE)
    async with app.tokens(token) as tokens:
        created = await tokens.create({"token": "a" * 43, "user_id": anne.id})
        found = await tokens.get_by_token("a" * 43)
        await tokens.update(created, {"token": "b" * 43})
        changed = await tokens.get_by_token("b" * 43)
        await tokens.delete(changed)

    assert (found.user_id, changed.token) == (anne.id, "b" * 43)
    assert await app.number(token) == 0


@KEYS
async def test_expired_tokens_are_deleted_under_any_key(
    app: App, user: Any, account: Any, token: Any
) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=timezone.utc)
    async with app.users(user) as users:
        user_id = (await users.create(ANNE)).id
    async with app.tokens(token) as tokens:
        await tokens.create({"token": "a" * 43, "user_id": user_id, "created_at": long_ago})
        await tokens.create({"token": "b" * 43, "user_id": user_id})
        deleted = await tokens.delete_expired(long_ago + timedelta(days=1))

    assert (deleted, await app.number(token)) == (1, 1)


@KEYS
async def test_a_user_whom_the_app_has_expired_keeps_its_accounts(
    app: App, user: Any, account: Any, token: Any
) -> None:
    async with app.users(user, account) as users:
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        [first], key = anne.oauth_accounts, anne.oauth_accounts[0].user_id
        await users.session.commit()
        users.session.expire(anne)
        await users.update_oauth_account(anne, first, {"access_token": "new", "user_id": key})
        users.session.expire(anne)
        await users.add_oauth_account(anne, {**ACCOUNT, "account_id": "2", "user_id": key})
        users.session.expire(anne)
        await users.update(anne, {"oauth_accounts": [{**ACCOUNT, "user_id": key}]})
        kept = [found.id for found in anne.oauth_accounts]
        users.session.expire(anne)
        await users.delete(anne)
        with pytest.raises(UserNotFoundError):
            await users.add_oauth_account(user(**BERT), ACCOUNT)

    assert kept == [first.id]
    assert (await app.number(user), await app.number(account)) == (0, 0)


async def test_another_users_key_is_refused(app: App) -> None:
    async with app.users(PublicUser, PublicAccount) as users:
        anne = await users.create(ANNE)
        with pytest.raises(InvalidValueError, match="another user's"):
            await users.add_oauth_account(anne, {**ACCOUNT, "user_id": 99})
