"""Whole apps over HTTP: their routers, their manager, and the adapter in any form."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from tests.compat import apps, models
from tests.compat.models import FASTAPI_USERS, account, on_every_database


@pytest.fixture(
    params=[
        pytest.param("databases", marks=models.databases_form),
        pytest.param("legacy-orm", marks=models.legacy_orm_form),
        pytest.param(
            "current",
            marks=[
                models.current_form,
                pytest.mark.skipif(FASTAPI_USERS < 10, reason="the framework is legacy"),
            ],
        ),
    ]
)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def get_user_db(
    form: str, addresses: Any, engine: Any, request: pytest.FixtureRequest
) -> Callable[[], AsyncIterator[Any]]:
    tables: Any = request.getfixturevalue("current" if form == "current" else "legacy")
    database = request.getfixturevalue("database") if form == "databases" else None

    async def get_user_db() -> AsyncIterator[Any]:
        if form == "databases":
            yield SQLAlchemyUserDatabase(apps.UserDB, database, tables.users, tables.oauth_accounts)
            return
        async with AsyncSession(engine, expire_on_commit=False) as session:
            if form == "current":
                yield SQLAlchemyUserDatabase(session, tables.User, tables.OAuthAccount)
            else:
                yield SQLAlchemyUserDatabase(
                    apps.UserDB, session, tables.UserTable, tables.OAuthAccountTable
                )

    return get_user_db


@pytest.fixture
async def client(get_user_db: Any) -> AsyncIterator[Any]:
    async with (
        asynccontextmanager(get_user_db)() as user_db,
        apps.client(apps.application(get_user_db, user_db)) as client,
    ):
        yield client


@pytest.fixture
async def manager(get_user_db: Any) -> AsyncIterator[Any]:
    if FASTAPI_USERS < 8:
        pytest.skip("FastAPI Users 8 brought managers")
    async for user_db in get_user_db():
        yield apps.UserManager(user_db)


async def register(client: Any, **values: Any) -> Any:
    return await client.post(
        "/auth/register",
        json={"email": "anne@example.com", "password": apps.PASSWORD, **values},
    )


async def login(client: Any, email: str = "anne@example.com", **values: Any) -> Any:
    data = {"username": email, "password": apps.PASSWORD, **values}
    return await client.post("/auth/jwt/login", data=data)


async def bearer(client: Any) -> dict[str, str]:
    token = (await login(client)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


@on_every_database
async def test_register_log_in_change_and_log_in_again(client: Any) -> None:
    response = await register(client, username="anne")
    assert response.status_code == 201, response.text
    assert response.json()["username"] == "anne"

    headers = await bearer(client)
    me = await client.get("/users/me", headers=headers)
    assert me.json() == response.json()

    changes = {"username": "bert", "email": "bert@example.com"}
    changed = await client.patch("/users/me", json=changes, headers=headers)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["username"], changed.json()["email"]) == ("bert", "bert@example.com")

    assert (await login(client)).status_code == 400
    assert (await login(client, "bert@example.com")).status_code == 200


async def test_log_in_in_another_case(client: Any) -> None:
    await register(client)

    assert (await login(client, "ANNE@example.com")).status_code == 200


async def test_register_twice(client: Any) -> None:
    await register(client)

    response = await register(client, email="ANNE@example.com")

    assert response.status_code == 400
    assert "REGISTER_USER_ALREADY_EXISTS" in response.text


async def test_change_to_an_address_that_is_taken(client: Any) -> None:
    await register(client, email="bert@example.com")
    await register(client)

    response = await client.patch(
        "/users/me", json={"email": "bert@example.com"}, headers=await bearer(client)
    )

    assert response.status_code == 400


async def test_new_password(client: Any) -> None:
    await register(client)

    headers = await bearer(client)
    await client.patch("/users/me", json={"password": "another horse"}, headers=headers)

    assert (await login(client)).status_code == 400
    assert (await login(client, password="another horse")).status_code == 200


async def test_superuser_reads_changes_and_deletes(client: Any, manager: Any) -> None:
    await register(client)
    anne = await manager.get_by_email("anne@example.com")
    await manager.create(
        apps.UserCreate(email="root@example.com", password=apps.PASSWORD, is_superuser=True)
    )
    token = (await login(client, "root@example.com")).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    response = await client.get(f"/users/{anne.id}", headers=headers)
    assert response.json()["email"] == "anne@example.com"
    response = await client.patch(f"/users/{anne.id}", json={"is_active": False}, headers=headers)
    assert response.json()["is_active"] is False
    response = await client.delete(f"/users/{anne.id}", headers=headers)
    assert response.status_code == 204
    assert (await client.get(f"/users/{anne.id}", headers=headers)).status_code == 404


async def test_nobody(client: Any) -> None:
    assert (await client.get("/users/me")).status_code == 401
    assert (await login(client)).status_code == 400


@on_every_database
async def test_first_login_through_a_provider(manager: Any, get_user_db: Any) -> None:
    await apps.oauth_callback(manager, account())

    async for user_db in get_user_db():
        found = await user_db.get_by_oauth_account("provider", "1")
        assert found.email == "anne@provider.example"
        assert [a.access_token for a in found.oauth_accounts] == ["token"]
    assert manager.registered == ["anne@provider.example"]


async def test_second_login_through_a_provider(manager: Any, get_user_db: Any, rows: Any) -> None:
    await apps.oauth_callback(manager, account())

    await apps.oauth_callback(manager, account(access_token="new", expires_at=1))

    async for user_db in get_user_db():
        found = await user_db.get_by_oauth_account("provider", "1")
        assert [(a.access_token, a.expires_at) for a in found.oauth_accounts] == [("new", 1)]


@pytest.mark.skipif(models.UPSTREAM == 3, reason="upstream 3 loses the account silently")
async def test_provider_of_a_user_that_exists(manager: Any, get_user_db: Any) -> None:
    await manager.create(apps.UserCreate(email="anne@provider.example", password=apps.PASSWORD))

    await apps.oauth_callback(manager, account(), associate_by_email=True)

    async for user_db in get_user_db():
        found = await user_db.get_by_oauth_account("provider", "1")
        assert found.email == "anne@provider.example"


@pytest.mark.skipif(models.UPSTREAM == 3, reason="upstream 3 loses the account silently")
async def test_two_providers(manager: Any, get_user_db: Any) -> None:
    await apps.oauth_callback(manager, account())
    second = account(oauth_name="other", account_id="2")

    await apps.oauth_callback(manager, second, associate_by_email=True)

    async for user_db in get_user_db():
        found = await user_db.get_by_oauth_account("other", "2")
        assert {a.oauth_name for a in found.oauth_accounts} == {"provider", "other"}


@pytest.mark.skipif(FASTAPI_USERS < 10, reason="FastAPI Users 10 brought it")
async def test_associate(manager: Any, get_user_db: Any) -> None:
    if not hasattr(manager, "oauth_associate_callback"):
        pytest.skip("a later FastAPI Users brought it")
    user = await manager.create(apps.UserCreate(email="anne@example.com", password=apps.PASSWORD))

    await manager.oauth_associate_callback(user, **account())

    async for user_db in get_user_db():
        assert (await user_db.get_by_oauth_account("provider", "1")).id == user.id


async def test_verify_and_reset_password(manager: Any) -> None:
    tokens: dict[str, str] = {}

    async def on_after_request_verify(user: Any, token: str, request: Any = None) -> None:
        tokens["verify"] = token

    async def on_after_forgot_password(user: Any, token: str, request: Any = None) -> None:
        tokens["reset"] = token

    manager.on_after_request_verify = on_after_request_verify
    manager.on_after_forgot_password = on_after_forgot_password
    user = await manager.create(apps.UserCreate(email="anne@example.com", password=apps.PASSWORD))

    await manager.request_verify(user)
    user = await manager.verify(tokens["verify"])
    assert user.is_verified is True
    await manager.forgot_password(user)
    await manager.reset_password(tokens["reset"], "another horse")

    credentials: Any = SimpleNamespace(username="anne@example.com", password="another horse")
    assert (await manager.authenticate(credentials)).id == user.id


class TestRehash:
    """A hash of an old scheme is replaced at login, in either convention."""

    class PasswordHelper:
        def verify_and_update(self, plain: str, hashed: str) -> tuple[bool, str | None]:
            return True, "new hash" if hashed != "new hash" else None

        def hash(self, password: str) -> str:
            return "old hash"

        def generate(self) -> str:
            return "password"

    @pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought password helpers")
    async def test_at_login(self, manager: Any) -> None:
        manager.password_helper = self.PasswordHelper()
        await manager.create(apps.UserCreate(email="anne@example.com", password="any"))

        credentials: Any = SimpleNamespace(username="anne@example.com", password="any")
        await manager.authenticate(credentials)

        user = await manager.get_by_email("anne@example.com")
        assert user.hashed_password == "new hash"
