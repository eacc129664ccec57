"""Verify an e-mail address: `/auth/request-verify-token`, `/auth/verify`."""

from typing import Any

from fastapi import FastAPI

from tests.e2e.browser import Browser


async def test_verify_marks_the_user(
    browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/request-verify-token", json={"email": email})
    response = await browser.post("/auth/verify", json={"token": app.state.mailbox[email]})

    assert response.status_code == 200
    assert response.json() == {**user, "is_verified": True}
    assert await browser.me() == {**user, "is_verified": True}


async def test_verify_refuses_a_second_time(
    browser: Browser, app: FastAPI, email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/request-verify-token", json={"email": email})
    await browser.post("/auth/verify", json={"token": app.state.mailbox[email]})

    response = await browser.post("/auth/verify", json={"token": app.state.mailbox[email]})

    assert response.status_code == 400
    assert response.json() == {"detail": "VERIFY_USER_ALREADY_VERIFIED"}


async def test_verify_refuses_a_token_for_the_former_email(
    browser: Browser, app: FastAPI, email: str, other_email: str, user: dict[str, Any]
) -> None:
    await browser.post("/auth/request-verify-token", json={"email": email})
    await browser.patch("/users/me", json={"email": other_email})

    response = await browser.post("/auth/verify", json={"token": app.state.mailbox[email]})

    assert response.status_code == 400
    assert response.json() == {"detail": "VERIFY_USER_BAD_TOKEN"}


async def test_request_does_not_tell_that_an_email_is_unknown(
    browser: Browser, app: FastAPI, email: str
) -> None:
    response = await browser.post("/auth/request-verify-token", json={"email": email})

    assert response.status_code == 202
    assert email not in app.state.mailbox
