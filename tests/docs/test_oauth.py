"""The OAuth app and the exception handlers, against a provider that is a real HTTP app."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Form, Header

from tests.docs.samples import client_of, load, log_in, register

provider = FastAPI()


@provider.post("/token")
async def token(code: str = Form()) -> dict[str, Any]:
    return {"access_token": code, "token_type": "bearer", "expires_in": 3600}


@provider.get("/v1/people/me")
async def profile(authorization: str = Header()) -> dict[str, Any]:
    account_id = authorization.removeprefix("Bearer ")
    email = {"metadata": {"primary": True}, "value": f"{account_id}@example.com"}
    return {"resourceName": f"people/{account_id}", "emailAddresses": [email]}


@pytest.fixture
async def client(empty_database: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the OAuth app, whose provider is the one above."""
    sample = load("oauth/app.py", empty_database("sqlite").orm)
    load("errors.py").add_exception_handlers(sample.app)
    sample.google.get_httpx_client = lambda: httpx.AsyncClient(
        transport=httpx.ASGITransport(provider)
    )
    async with client_of(sample.app) as client:
        yield client


async def return_from_provider(
    client: httpx.AsyncClient, path: str, account_id: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Authorize an external account, as the browser that comes back from the provider does."""
    response = await client.get(f"{path}/authorize", headers=headers)
    url = httpx.URL(response.json()["authorization_url"])
    parameters = {"code": account_id, "state": url.params["state"]}
    return await client.get(f"{path}/callback", params=parameters, headers=headers)


async def test_external_account_logs_in(client: httpx.AsyncClient) -> None:
    response = await return_from_provider(client, "/auth/google", "ada")
    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
    user = (await client.get("/users/me", headers=headers)).json()
    assert user["email"] == "ada@example.com"
    assert [account["account_id"] for account in user["oauth_accounts"]] == ["people/ada"]


async def test_external_account_is_associated(client: httpx.AsyncClient) -> None:
    await register(client)
    headers = await log_in(client)
    response = await return_from_provider(client, "/auth/associate/google", "lovelace", headers)
    assert [a["account_id"] for a in response.json()["oauth_accounts"]] == ["people/lovelace"]


async def test_handler_answers_for_an_account_of_another_user(client: httpx.AsyncClient) -> None:
    await return_from_provider(client, "/auth/google", "ada")
    await register(client, "bob@example.com")
    headers = await log_in(client, "bob@example.com")
    response = await return_from_provider(client, "/auth/associate/google", "ada", headers)
    assert (response.status_code, response.json()) == (400, {"detail": "OAUTH_USER_ALREADY_EXISTS"})


async def test_oauth_router_refuses_the_address_of_a_user(client: httpx.AsyncClient) -> None:
    await register(client)
    response = await return_from_provider(client, "/auth/google", "ada")
    assert (response.status_code, response.json()) == (400, {"detail": "OAUTH_USER_ALREADY_EXISTS"})
