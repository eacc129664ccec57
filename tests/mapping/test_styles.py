"""Every style of mapping goes through the whole life of a user, on both adapters."""

from typing import Any

import pytest

from tests.mapping.conftest import Storage, contents
from tests.mapping.styles import STYLES, Style

# How a class is mapped makes no difference to a database.
pytestmark = pytest.mark.parametrize(
    "addresses", ["sqlite", "postgresql"], indirect=True, scope="package"
)

EMAIL = "Lancelot@camelot.bt"
USER = {"email": EMAIL, "hashed_password": "guinevere", "name": "Lancelot"}
ACCOUNT = {
    "oauth_name": "grail",
    "access_token": "token",
    "account_id": "1",
    "account_email": EMAIL,
}


@pytest.fixture(scope="module", params=STYLES)
def style(request: pytest.FixtureRequest) -> Style:
    return STYLES[request.param]()


async def test_a_user_lives_its_whole_life(storage: Storage, backend: str, style: Style) -> None:
    # One step after the other; the one that fails is in the traceback.
    user = await create_returns_what_every_look_up_finds(storage, backend, style)
    await update_is_written(storage, backend, style, user)
    await delete_leaves_nothing(storage, backend, style, user)
    await oauth_account_table_is_optional(storage, backend, style)
    await oauth_accounts_are_written(storage, backend, style)


async def create_returns_what_every_look_up_finds(
    storage: Storage, backend: str, style: Style
) -> Any:
    async with storage.adapter(backend, style.user, style.oauth_account) as db:
        user = await db.create({**USER, "oauth_accounts": [ACCOUNT]})
    async with storage.adapter(backend, style.user, style.oauth_account) as db:
        by_id = await db.get(user.id)
        by_email = await db.get_by_email(EMAIL.upper())
        by_oauth_account = await db.get_by_oauth_account("grail", "1")

    created = contents(user)
    [account] = created["oauth_accounts"]
    assert created.items() >= {**USER, "is_active": True, "is_superuser": False}.items()
    assert account.items() >= {**ACCOUNT, "user_id": user.id}.items()
    assert contents(by_id) == contents(by_email) == contents(by_oauth_account) == created
    return user


async def update_is_written(storage: Storage, backend: str, style: Style, user: Any) -> None:
    async with storage.adapter(backend, style.user, style.oauth_account) as db:
        updated = await db.update(user, {"name": "Galahad", "is_verified": True})

    assert updated is user
    assert contents(user).items() >= {"name": "Galahad", "is_verified": True}.items()
    await expect_in_database(storage, style, user)


async def delete_leaves_nothing(storage: Storage, backend: str, style: Style, user: Any) -> None:
    async with storage.adapter(backend, style.user, style.oauth_account) as db:
        # The one was read in another session, the other is made in this one.
        await db.delete(user)
        assert await db.get(user.id) is None
        assert await db.get_by_oauth_account("grail", "1") is None
        user = await db.create({**USER, "oauth_accounts": [ACCOUNT]})
        await db.delete(user)
        assert await db.get(user.id) is None
        assert await db.get_by_oauth_account("grail", "1") is None


async def oauth_account_table_is_optional(storage: Storage, backend: str, style: Style) -> None:
    async with storage.adapter(backend, style.user) as db:
        user = await db.create(USER)
        await db.update(user, {"name": "Galahad"})
        found = await db.get_by_email(EMAIL)
        assert found is not None
        assert found.name == user.name == "Galahad"
        await db.delete(user)
        assert await db.get_by_email(EMAIL) is None


async def oauth_accounts_are_written(storage: Storage, backend: str, style: Style) -> None:
    async with storage.adapter(backend, style.user, style.oauth_account) as db:
        user = await db.create({**USER, "oauth_accounts": [ACCOUNT]})
        await db.update(user, {"oauth_accounts": [{**ACCOUNT, "account_id": "2"}]})
        [account] = user.oauth_accounts
        await db.update_oauth_account(user, account, {"access_token": "newer"})
        await db.add_oauth_account(user, ACCOUNT)

    accounts = {account.account_id: account.access_token for account in user.oauth_accounts}
    assert accounts == {"2": "newer", "1": "token"}
    await expect_in_database(storage, style, user)


async def expect_in_database(storage: Storage, style: Style, user: Any) -> None:
    """Expect both adapters to read back what `user` says."""
    for backend in ("orm", "databases"):
        async with storage.adapter(backend, style.user, style.oauth_account) as db:
            found = await db.get(user.id)
        assert contents(found) == contents(user)
