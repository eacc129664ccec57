"""What superusers do to other users: `/users/{id}`."""

from typing import Any

import pytest

from tests.e2e.browser import Browser
from tests.e2e.provider import Account

METHODS = ["GET", "PATCH", "DELETE"]
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


async def test_get_answers_the_user(admin: Browser, user: dict[str, Any]) -> None:
    response = await admin.get(f"/users/{user['id']}")

    assert response.status_code == 200
    assert response.json() == user


async def test_patch_changes_what_only_superusers_may(
    browser: Browser, admin: Browser, other_email: str, user: dict[str, Any]
) -> None:
    change = {"email": other_email, "is_superuser": True, "is_verified": True}

    response = await admin.patch(f"/users/{user['id']}", json=change)

    assert response.status_code == 200
    assert response.json() == {**user, **change}
    assert await browser.me() == {**user, **change}


async def test_patch_refuses_a_taken_email(
    browser: Browser, admin: Browser, other_email: str, user: dict[str, Any]
) -> None:
    await browser.register(other_email)

    response = await admin.patch(f"/users/{user['id']}", json={"email": other_email})

    assert response.status_code == 400
    assert response.json() == {"detail": "UPDATE_USER_EMAIL_ALREADY_EXISTS"}


async def test_delete_ends_a_user_and_its_logins(
    browser: Browser, admin: Browser, email: str, user: dict[str, Any]
) -> None:
    response = await admin.delete(f"/users/{user['id']}")

    assert response.status_code == 204
    assert (await browser.get("/users/me")).status_code == 401
    assert (await browser.login(email)).status_code == 400
    assert (await admin.get(f"/users/{user['id']}")).status_code == 404


async def test_delete_frees_email_and_oauth_account(
    browser: Browser, admin: Browser, account: Account
) -> None:
    await browser.visit("/auth/provider")
    deleted = await browser.me()

    await admin.delete(f"/users/{deleted['id']}")
    await browser.visit("/auth/provider")

    user = await browser.me()
    assert user["email"] == deleted["email"]
    assert user["id"] != deleted["id"]


@pytest.mark.parametrize("id", [UNKNOWN_ID, "no-uuid"])
async def test_unknown_and_malformed_ids_are_not_found(admin: Browser, id: str) -> None:
    for method in METHODS:
        response = await admin.request(method, f"/users/{id}", json={})
        assert response.status_code == 404, method


async def test_others_are_refused(browser: Browser, user: dict[str, Any]) -> None:
    for method in METHODS:
        response = await browser.request(method, f"/users/{user['id']}", json={})
        assert response.status_code == 403, method
