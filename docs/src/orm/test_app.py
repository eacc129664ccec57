from conftest import CreateUser
from httpx import AsyncClient


async def test_who_is_logged_in_is_shown(client: AsyncClient, create_user: CreateUser) -> None:
    user = await create_user(is_verified=True)

    form = {"username": user.email, "password": "secret"}
    token = (await client.post("/auth/login", data=form)).json()["access_token"]
    response = await client.get("/users/me", headers={"Authorization": f"Bearer {token}"})

    assert response.json()["email"] == user.email


async def test_an_address_is_registered_once(client: AsyncClient, create_user: CreateUser) -> None:
    await create_user(email="ada@example.com")
    other = await create_user()

    form = {"email": "ada@example.com", "password": "secret"}
    assert (await client.post("/auth/register", json=form)).status_code == 400
    login = {"username": other.email, "password": "secret"}
    assert (await client.post("/auth/login", data=login)).status_code == 200


async def test_nothing_is_left_by_other_tests(client: AsyncClient, create_user: CreateUser) -> None:
    await create_user(email="ada@example.com")
