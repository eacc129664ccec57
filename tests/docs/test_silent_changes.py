"""What step 3 of the guide says of code that was right on FastAPI Users 9: what it does on 15."""

import uuid
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Optional

import fastapi_users
import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from tests.conftest import Addresses
from tests.docs.samples import log_in, register

if int(fastapi_users.__version__.partition(".")[0]) < 15:
    pytest.skip("what FastAPI Users 15 does", allow_module_level=True)

from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(default=None)


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class ReadWithoutOptional(UserRead):
    name: str = None  # type: ignore[assignment]


class UserUpdate(schemas.BaseUserUpdate):
    pass


class UpdateWithoutDefault(UserUpdate):
    name: Optional[str]  # noqa: UP045


class ManagerWithoutIds(BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = verification_token_secret = "secret" * 8


class Manager(UUIDIDMixin, ManagerWithoutIds):
    pass


class ManagerWithDelete(Manager):
    async def delete(self, user: User) -> None:  # type: ignore[override]
        raise AssertionError("This is never called.")


class ManagerWithOnAfterDelete(Manager):
    async def on_after_delete(self, user: User) -> None:  # type: ignore[override]
        raise AssertionError("This is never called.")


class ManagerWithOnAfterLogin(Manager):
    async def on_after_login(self, user: User, request: Any = None) -> None:  # type: ignore[override]
        raise AssertionError("This is never called.")


class OldTransport(BearerTransport):
    async def get_login_response(self, token: str, response: Any) -> Any:  # type: ignore[override]
        raise AssertionError("This is never called.")


BEARER = BearerTransport("auth/login")
Start = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def start(new_database: Callable[[str], Addresses]) -> AsyncIterator[Start]:
    """Give what builds an app with a part of old, and a client that is told of errors as 500."""
    engine = create_async_engine(new_database("sqlite").orm)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def get_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield SQLAlchemyUserDatabase(session, User)

    def start(
        manager: Any = Manager,
        transport: Any = BEARER,
        read: Any = UserRead,
        update: Any = UserUpdate,
    ) -> httpx.AsyncClient:
        async def get_user_manager(user_db: Annotated[Any, Depends(get_user_db)]) -> Any:
            return manager(user_db)

        backend: Any = AuthenticationBackend(
            name="jwt",
            transport=transport,
            get_strategy=lambda: JWTStrategy(secret="secret" * 8, lifetime_seconds=3600),
        )
        users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
        app = FastAPI()
        app.include_router(users.get_auth_router(backend), prefix="/auth")
        app.include_router(users.get_register_router(read, schemas.BaseUserCreate), prefix="/auth")
        app.include_router(users.get_users_router(read, update), prefix="/users")
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="https://app.test",
        )

    yield start
    await engine.dispose()


async def test_10_0_a_manager_that_cannot_parse_ids_logs_in_and_knows_nobody(start: Start) -> None:
    async with start(manager=ManagerWithoutIds) as client:
        await register(client)
        headers = await log_in(client)
        assert (await client.get("/users/me", headers=headers)).status_code == 500


async def test_10_1_a_hook_of_ones_own_fails_after_the_user_is_gone(start: Start) -> None:
    await delete_fails(start, ManagerWithOnAfterDelete, status=404)


async def test_12_1_delete_gets_the_request(start: Start) -> None:
    await delete_fails(start, ManagerWithDelete, status=200)


async def delete_fails(start: Start, manager: Any, *, status: int) -> None:
    """Delete a user as an administrator, and look at what is there afterwards."""

    async def on_after_register(self: Any, user: User, request: Any = None) -> None:
        await self.user_db.update(user, {"is_superuser": True})

    manager = type("AdministratorsManager", (manager,), {"on_after_register": on_after_register})
    async with start(manager=manager) as client:
        await register(client)
        path = "/users/" + (await register(client, "bob@example.com"))["id"]
        headers = await log_in(client)
        assert (await client.delete(path, headers=headers)).status_code == 500
        assert (await client.get(path, headers=headers)).status_code == status


async def test_11_on_after_login_gets_the_response(start: Start) -> None:
    await login_answers(start, 500, manager=ManagerWithOnAfterLogin)


async def test_11_a_transport_is_not_given_a_response(start: Start) -> None:
    await login_answers(start, 500, transport=OldTransport("auth/login"))


async def test_11_a_cookie_comes_without_a_body(start: Start) -> None:
    await login_answers(start, 204, transport=CookieTransport())


async def login_answers(start: Start, status: int, **parts: Any) -> None:
    async with start(**parts) as client:
        await register(client)
        form = {"username": "ada@example.com", "password": "secret"}
        assert (await client.post("/auth/login", data=form)).status_code == status


async def test_pydantic_2_a_field_that_may_be_null_still_has_to_be_given(start: Start) -> None:
    async with start(update=UpdateWithoutDefault) as client:
        await register(client)
        response = await client.patch(
            "/users/me", headers=await log_in(client), json={"password": "other"}
        )
    assert response.status_code == 422


async def test_pydantic_2_a_default_of_none_does_not_allow_null(start: Start) -> None:
    async with start(read=ReadWithoutOptional) as client:
        form = {"email": "ada@example.com", "password": "secret"}
        assert (await client.post("/auth/register", json=form)).status_code == 500
