"""Log in with an account at a provider: `/auth/provider`, `/auth/trusted`."""

from typing import Any

from tests.e2e.browser import Browser
from tests.e2e.provider import TOKEN_LENGTH, Account, Provider


async def test_first_login_makes_a_user(browser: Browser, account: Account) -> None:
    response = await browser.visit("/auth/provider")

    assert response.is_success
    user = await browser.me()
    assert user["email"] == account.email
    assert user["is_verified"] is False


async def test_login_links_the_account(
    browser: Browser, account: Account, provider: Provider
) -> None:
    await browser.visit("/auth/provider")

    [linked] = (await browser.me())["oauth_accounts"]
    issued = provider.issued[-1]
    assert linked.pop("id")
    assert linked == {
        "oauth_name": "provider",
        "account_id": account.id,
        "account_email": account.email,
        "access_token": issued["access_token"],
        "refresh_token": issued["refresh_token"],
        "expires_at": issued["expires_at"],
    }


async def test_very_long_tokens_are_kept_whole(
    browser: Browser, account: Account, provider: Provider
) -> None:
    await browser.visit("/auth/provider")

    [linked] = (await browser.me())["oauth_accounts"]
    assert len(linked["access_token"]) == len(linked["refresh_token"]) == TOKEN_LENGTH == 4000


async def test_second_login_updates_the_tokens(
    browser: Browser, account: Account, provider: Provider
) -> None:
    await browser.visit("/auth/provider")
    first = await browser.me()

    await browser.visit("/auth/provider")

    issued = {
        key: provider.issued[-1][key] for key in ("access_token", "refresh_token", "expires_at")
    }
    [linked] = first["oauth_accounts"]
    assert linked["access_token"] != issued["access_token"]
    assert await browser.me() == {**first, "oauth_accounts": [{**linked, **issued}]}


async def test_login_knows_the_account_under_another_email(
    browser: Browser, account: Account, other_email: str
) -> None:
    await browser.visit("/auth/provider")
    first = await browser.me()

    account.email = other_email
    await browser.visit("/auth/provider")

    user = await browser.me()
    assert (user["id"], user["email"]) == (first["id"], first["email"])
    assert user["oauth_accounts"][0]["account_email"] == other_email


async def test_login_refuses_the_email_of_a_user(
    browser: Browser, account: Account, user: dict[str, Any]
) -> None:
    response = await browser.visit("/auth/provider")

    assert response.status_code == 400
    assert response.json() == {"detail": "OAUTH_USER_ALREADY_EXISTS"}
    assert await browser.me() == user


async def test_trusted_login_links_the_user_with_that_email(
    browser: Browser, account: Account, user: dict[str, Any]
) -> None:
    account.email = account.email.upper()
    browser.cookies.clear()

    response = await browser.visit("/auth/trusted")

    assert response.is_success
    linked = await browser.me()
    assert linked["id"] == user["id"]
    assert [a["account_id"] for a in linked["oauth_accounts"]] == [account.id]


async def test_trusted_login_makes_a_verified_user(browser: Browser, account: Account) -> None:
    await browser.visit("/auth/trusted")

    assert (await browser.me())["is_verified"] is True


async def test_inactive_user_is_refused(browser: Browser, admin: Browser, account: Account) -> None:
    await browser.visit("/auth/provider")
    user = await browser.me()
    await admin.patch(f"/users/{user['id']}", json={"is_active": False})

    response = await browser.visit("/auth/provider")

    assert response.status_code == 400
    assert response.json() == {"detail": "LOGIN_BAD_CREDENTIALS"}
