"""Link an account at a provider to the user who is logged in: `/associate/provider`."""

from typing import Any

from tests.e2e.browser import Browser
from tests.e2e.provider import Account, Provider


async def test_associate_asks_for_a_login(browser: Browser, account: Account) -> None:
    assert (await browser.get("/associate/provider/authorize")).status_code == 401


async def test_associate_links_the_account(
    browser: Browser, account: Account, provider: Provider, user: dict[str, Any]
) -> None:
    response = await browser.visit("/associate/provider")

    assert response.status_code == 200
    [linked] = response.json()["oauth_accounts"]
    assert linked["account_id"] == account.id
    assert linked["access_token"] == provider.issued[-1]["access_token"]
    assert await browser.me() == {**user, "oauth_accounts": [linked]}


async def test_associated_account_logs_in(
    browser: Browser, account: Account, other_email: str, user: dict[str, Any]
) -> None:
    account.email = other_email
    await browser.visit("/associate/provider")
    browser.cookies.clear()

    await browser.visit("/auth/provider")

    assert (await browser.me())["id"] == user["id"]


async def test_associate_twice_updates_the_tokens(
    browser: Browser, account: Account, provider: Provider, user: dict[str, Any]
) -> None:
    await browser.visit("/associate/provider")

    response = await browser.visit("/associate/provider")

    [linked] = response.json()["oauth_accounts"]
    assert linked["access_token"] == provider.issued[-1]["access_token"]


async def test_associate_adds_to_what_is_linked(
    browser: Browser, account: Account, user: dict[str, Any]
) -> None:
    await browser.visit("/associate/provider")

    await browser.visit("/associate/trusted")

    linked = (await browser.me())["oauth_accounts"]
    assert {a["oauth_name"] for a in linked} == {"provider", "trusted"}


async def test_associate_refuses_the_account_of_another_user(
    browser: Browser, admin: Browser, account: Account
) -> None:
    await browser.visit("/auth/provider")
    holder = await browser.me()

    response = await admin.visit("/associate/provider")

    assert response.status_code == 400
    assert response.json() == {"detail": "OAUTH_ACCOUNT_ALREADY_LINKED"}
    assert (await admin.me())["oauth_accounts"] == []
    assert await browser.me() == holder
