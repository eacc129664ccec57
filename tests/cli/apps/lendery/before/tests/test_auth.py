import pytest
from fastapi_users.manager import UserNotExists

from app.users import UserManager


@pytest.mark.asyncio
async def test_cookie_login(client):
    form = {"username": "ada@example.com", "password": "password"}
    response = await client.post("/api/v1/auth/cookie/login", data=form)
    assert response.status_code == 200
    assert "lendery" in response.cookies


@pytest.mark.asyncio
async def test_nobody(mocker):
    manager = mocker.Mock(spec=UserManager)
    manager.get_by_email.side_effect = UserNotExists
    assert await UserManager.find_or_none(manager, "nobody@example.com") is None
