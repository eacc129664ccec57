"""One's own user: `/users/me`."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.browser import PASSWORD, Browser


async def test_me_is_the_user_who_registered(browser: Browser, user: dict[str, Any]) -> None:
    assert await browser.me() == user


async def test_patch_changes_the_email(
    browser: Browser, email: str, other_email: str, user: dict[str, Any]
) -> None:
    response = await browser.patch("/users/me", json={"email": other_email})

    assert response.status_code == 200
    assert response.json() == {**user, "email": other_email}
    assert (await browser.login(email)).status_code == 400
    assert (await browser.login(other_email)).is_success


async def test_patch_changes_the_password(
    browser: Browser, email: str, user: dict[str, Any]
) -> None:
    response = await browser.patch("/users/me", json={"password": "another horse"})

    assert response.status_code == 200
    assert (await browser.login(email, PASSWORD)).status_code == 400
    assert (await browser.login(email, "another horse")).is_success


@pytest.mark.parametrize("written", [str.lower, str.upper])
async def test_patch_refuses_a_taken_email(
    browser: Browser, other_email: str, user: dict[str, Any], written: Callable[[str], str]
) -> None:
    await browser.register(other_email)

    response = await browser.patch("/users/me", json={"email": written(other_email)})

    assert response.status_code == 400
    assert response.json() == {"detail": "UPDATE_USER_EMAIL_ALREADY_EXISTS"}
    assert await browser.me() == user


async def test_patch_makes_nobody_superuser(browser: Browser, user: dict[str, Any]) -> None:
    response = await browser.patch("/users/me", json={"is_superuser": True})

    assert response.status_code == 200
    assert await browser.me() == user
