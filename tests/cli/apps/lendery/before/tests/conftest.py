import asyncio

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi_users.password import PasswordHelper

from app.main import get_application
from app.models import UserTable
from app.schemas import UserDB
from app.users import current_user
from app.users.adapter import get_user_db

hashed = PasswordHelper().hash("password")


@pytest.fixture
def event_loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def user() -> UserDB:
    return UserDB(email="ada@example.com", hashed_password=hashed, first_name="Ada")


@pytest.fixture
def superuser() -> UserDB:
    return UserDB(
        email="root@example.com", hashed_password=hashed, is_superuser=True, is_verified=True
    )


class FakeUserDatabase:
    def __init__(self, *users: UserDB):
        self.users = list(users)

    async def get(self, id):
        return next((user for user in self.users if user.id == id), None)

    async def get_by_email(self, email: str):
        return next((user for user in self.users if user.email == email), None)


@pytest.fixture
async def client(user):
    app = get_application()
    app.dependency_overrides[current_user] = lambda: user
    app.dependency_overrides[get_user_db] = lambda: FakeUserDatabase(user)
    async with LifespanManager(app):
        async with httpx.AsyncClient(app=app, base_url="http://test") as client:
            yield client
