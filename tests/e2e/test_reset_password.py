"""Reset a forgotten password: `/auth/forgot-password`, `/auth/reset-password`."""

from typing import Any

from fastapi import FastAPI

from tests.e2e.browser import PASSWORD, Browser

NEW_PASSWORD = "another horse"


async def test_reset_password_replaces_the_old_one(
    browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/forgot-password", json={"email": email})
    response = await browser.post(
        "/auth/reset-password",
        json={"token": app.state.mailbox[email], "password": NEW_PASSWORD},
    )

    assert response.status_code == 200
    assert (await browser.login(email, PASSWORD)).status_code == 400
    assert (await browser.login(email, NEW_PASSWORD)).is_success


async def test_reset_password_works_once(
    browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/forgot-password", json={"email": email})
    reset = {"token": app.state.mailbox[email], "password": NEW_PASSWORD}
    await browser.post("/auth/reset-password", json=reset)

    response = await browser.post("/auth/reset-password", json=reset)

    assert response.status_code == 400
    assert response.json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}


async def test_reset_password_refuses_the_token_of_a_deleted_user(
    browser: Browser, app: FastAPI, admin: Browser, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/forgot-password", json={"email": email})
    await admin.delete(f"/users/{user['id']}")

    response = await browser.post(
        "/auth/reset-password",
        json={"token": app.state.mailbox[email], "password": NEW_PASSWORD},
    )

    assert response.status_code == 400
    assert response.json() == {"detail": "RESET_PASSWORD_BAD_TOKEN"}


async def test_forgot_password_does_not_tell_that_an_email_is_unknown(
    browser: Browser, app: FastAPI, email: str
) -> None:
    response = await browser.post("/auth/forgot-password", json={"email": email})

    assert response.status_code == 202
    assert email not in app.state.mailbox
