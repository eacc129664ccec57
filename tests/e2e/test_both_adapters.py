"""The same application on the other adapter, with the same database: nobody notices.

Each test runs in both directions, and with both applications running at once.
"""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.e2e.browser import PASSWORD, Browser
from tests.e2e.provider import Account, Provider

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


async def test_user_of_one_logs_in_through_the_other(
    browser: Browser, other_browser: Browser, email: str
) -> None:
    user = (await browser.register(email)).json()

    await other_browser.login(email)

    assert await other_browser.me() == user


@pytest.mark.parametrize("strategy", ["database", "jwt"])
async def test_login_at_one_is_good_at_the_other(
    browser: Browser, other_browser: Browser, email: str, strategy: str
) -> None:
    user = (await browser.register(email)).json()

    await browser.login(email, strategy=strategy)
    other_browser.cookies = browser.cookies
    other_browser.headers = browser.headers

    assert await other_browser.me() == user


async def test_logout_at_one_ends_the_login_at_the_other(
    browser: Browser, other_browser: Browser, user: dict[str, Any]
) -> None:
    other_browser.cookies = browser.cookies

    await browser.post("/auth/database/logout")

    assert (await other_browser.get("/users/me")).status_code == 401


async def test_email_of_one_is_taken_at_the_other(
    browser: Browser, other_browser: Browser, email: str
) -> None:
    await browser.register(email)

    assert (await other_browser.register(email.upper())).status_code == 400


async def test_password_changed_at_one_counts_at_the_other(
    browser: Browser, other_browser: Browser, email: str, user: dict[str, Any]
) -> None:
    await browser.patch("/users/me", json={"password": "another horse"})

    assert (await other_browser.login(email, PASSWORD)).status_code == 400
    assert (await other_browser.login(email, "another horse")).is_success


async def test_password_forgotten_at_one_is_reset_at_the_other(
    browser: Browser, other_browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/forgot-password", json={"email": email})
    await other_browser.post(
        "/auth/reset-password",
        json={"token": app.state.mailbox[email], "password": "another horse"},
    )

    assert (await browser.login(email, "another horse")).is_success


async def test_account_linked_at_one_logs_in_at_the_other(
    browser: Browser, other_browser: Browser, account: Account, provider: Provider
) -> None:
    await browser.visit("/auth/provider")
    user = await browser.me()

    await other_browser.visit("/auth/provider")

    [linked] = user["oauth_accounts"]
    issued = {
        key: provider.issued[-1][key] for key in ("access_token", "refresh_token", "expires_at")
    }
    assert await other_browser.me() == {**user, "oauth_accounts": [{**linked, **issued}]}
    assert await browser.me() == await other_browser.me()
