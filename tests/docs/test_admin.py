"""The admin page: superusers see and change users, nobody else gets in, and no hash is shown."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Addresses
from tests.docs.samples import beside_tutorial, client_of, load

pytest.importorskip("sqladmin")

PEOPLE = {"admin@example.com": True, "ada@example.com": False}


@pytest.fixture
async def sample(empty_database: Callable[[str], Addresses]) -> AsyncIterator[Any]:
    with beside_tutorial(empty_database("sqlite").orm):
        sample = load("admin/admin.py")
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.User.metadata.create_all)
    async with sample.open_user_manager() as user_manager:
        hashed_password = user_manager.password_helper.hash("secret")
        for email, is_superuser in PEOPLE.items():
            await user_manager.user_db.create(
                {"email": email, "hashed_password": hashed_password, "is_superuser": is_superuser}
            )
    yield sample
    await sample.engine.dispose()


@pytest.fixture
async def client(sample: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(sample.app) as client:
        client.follow_redirects = True
        yield client


async def user(sample: Any, email: str) -> Any:
    async with sample.open_user_manager() as user_manager:
        return await user_manager.user_db.get_by_email(email)


async def log_in(client: httpx.AsyncClient, email: str, password: str = "secret") -> httpx.Response:
    return await client.post("/admin/login", data={"username": email, "password": password})


async def test_a_superuser_sees_all_and_no_hash(client: httpx.AsyncClient, sample: Any) -> None:
    assert (await log_in(client, "admin@example.com")).status_code == 200
    shown = await client.get("/admin/user/list")
    ada = await user(sample, "ada@example.com")
    details = await client.get(f"/admin/user/details/{ada.id}")
    form = await client.get(f"/admin/user/edit/{ada.id}")
    exported = await client.get("/admin/user/export/csv")
    for response in (shown, details, form, exported):
        assert "ada@example.com" in response.text
        assert "argon2" not in response.text


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", "secret"),
        ("admin@example.com", "wrong"),
        ("nobody@example.com", "secret"),
    ],
)
async def test_nobody_else_gets_in(client: httpx.AsyncClient, email: str, password: str) -> None:
    assert (await log_in(client, email, password)).status_code == 400
    assert (await client.get("/admin/user/list")).url.path == "/admin/login"


async def test_who_is_no_superuser_any_more_is_out(client: httpx.AsyncClient, sample: Any) -> None:
    await log_in(client, "admin@example.com")
    async with sample.open_user_manager() as user_manager:
        admin = await user_manager.get_by_email("admin@example.com")
        await user_manager.user_db.update(admin, {"is_superuser": False})
    assert (await client.get("/admin/user/list")).url.path == "/admin/login"


async def test_logging_out_ends_it(client: httpx.AsyncClient) -> None:
    await log_in(client, "admin@example.com")
    await client.get("/admin/logout")
    assert (await client.get("/admin/user/list")).url.path == "/admin/login"


async def test_a_user_is_changed_and_deleted(client: httpx.AsyncClient, sample: Any) -> None:
    await log_in(client, "admin@example.com")
    ada = await user(sample, "ada@example.com")
    form = {"email": "new@example.com", "is_active": "true", "save": "Save"}
    await client.post(f"/admin/user/edit/{ada.id}", data=form)
    changed = await user(sample, "new@example.com")
    assert (changed.id, changed.is_active, changed.is_verified) == (ada.id, True, False)
    assert changed.hashed_password == ada.hashed_password

    await client.delete(f"/admin/user/delete?pks={ada.id}")
    assert await user(sample, "new@example.com") is None


async def test_no_user_is_created(client: httpx.AsyncClient) -> None:
    await log_in(client, "admin@example.com")
    assert (await client.get("/admin/user/create")).status_code == 403
