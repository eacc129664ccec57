"""Register: `/auth/register`."""

import asyncio
from collections.abc import Callable

import pytest

from tests.e2e.browser import PASSWORD, Browser


async def test_register_answers_the_new_user(browser: Browser, email: str) -> None:
    response = await browser.register(email)

    assert response.status_code == 201
    user = response.json()
    assert user.pop("id")
    assert user == {
        "email": email,
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
        "oauth_accounts": [],
    }


async def test_register_makes_nobody_superuser(browser: Browser, email: str) -> None:
    response = await browser.post(
        "/auth/register",
        json={"email": email, "password": PASSWORD, "is_superuser": True, "is_verified": True},
    )

    assert response.status_code == 201
    assert response.json()["is_superuser"] is False
    assert response.json()["is_verified"] is False


@pytest.mark.parametrize("written", [str.lower, str.upper, str.title])
async def test_register_refuses_a_taken_email(
    browser: Browser, email: str, written: Callable[[str], str]
) -> None:
    await browser.register(email)

    response = await browser.register(written(email))

    assert response.status_code == 400
    assert response.json() == {"detail": "REGISTER_USER_ALREADY_EXISTS"}


async def test_racing_registrations_make_one_user(browser: Browser, email: str) -> None:
    emails = [email, email.upper(), email.title(), email, email.upper()]

    responses = await asyncio.gather(*map(browser.register, emails))

    assert sorted(r.status_code for r in responses) == [201, 400, 400, 400, 400]
