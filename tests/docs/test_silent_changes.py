"""What step 3 of the guide says of code that was right on FastAPI Users 9: what it does on 15."""

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from types import ModuleType
from typing import Annotated, Any, Optional
from urllib.parse import parse_qs, urlsplit

import fastapi_users
import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
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
from fastapi_users.authentication.strategy.db import DatabaseStrategy
from fastapi_users.jwt import decode_jwt


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(default=None)
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")


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


class ManagerWithCallback(Manager):
    async def oauth_callback(self, oauth_account: Any, request: Any = None) -> Any:  # type: ignore[override]
        raise AssertionError("This is never called.")


class StrategyWithCreate(DatabaseStrategy[User, uuid.UUID, Any]):
    def _create_access_token(self, user: User) -> Any:
        raise AssertionError("This is never called.")


class OldTransport(BearerTransport):
    async def get_login_response(self, token: str, response: Any) -> Any:  # type: ignore[override]
        raise AssertionError("This is never called.")


class Provider:
    """An OAuth provider that knows Ada."""

    name = "provider"

    async def get_authorization_url(self, redirect_uri: str, state: str, scope: Any) -> str:
        return f"https://provider.test/?state={state}"

    async def get_access_token(self, code: str, redirect_uri: str, verifier: Any) -> Any:
        return {"access_token": code}

    async def get_id_email(self, token: str) -> tuple[str, str]:
        return "1", "ada@example.com"


BEARER = BearerTransport("auth/login")
SECRET = "secret" * 8
Start = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def start(new_database: Callable[[str], Addresses]) -> AsyncIterator[Start]:
    """Give what builds an app with a part of old, and a client that is told of errors as 500."""
    engine = create_async_engine(new_database("sqlite").orm)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def get_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield SQLAlchemyUserDatabase(session, User, OAuthAccount)

    def start(
        manager: Any = Manager,
        transport: Any = BEARER,
        read: Any = UserRead,
        update: Any = UserUpdate,
        base_url: str = "https://app.test",
        **oauth: Any,
    ) -> httpx.AsyncClient:
        async def get_user_manager(user_db: Annotated[Any, Depends(get_user_db)]) -> Any:
            return manager(user_db)

        backend: Any = AuthenticationBackend(
            name="jwt",
            transport=transport,
            get_strategy=lambda: JWTStrategy(secret=SECRET, lifetime_seconds=3600),
        )
        users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
        app = FastAPI()
        app.include_router(users.get_auth_router(backend), prefix="/auth")
        app.include_router(users.get_register_router(read, schemas.BaseUserCreate), prefix="/auth")
        app.include_router(users.get_users_router(read, update), prefix="/users")
        app.include_router(
            users.get_oauth_router(Provider(), backend, SECRET, **oauth), prefix="/provider"
        )
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url=base_url,
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


async def log_in_through_the_provider(client: httpx.AsyncClient) -> int:
    """Return what the way there and back is answered with."""
    address = (await client.get("/provider/authorize")).json()["authorization_url"]
    [state] = parse_qs(urlsplit(address).query)["state"]
    parameters = {"code": "token", "state": state}
    return (await client.get("/provider/callback", params=parameters)).status_code


async def test_10_0_oauth_callback_gets_single_values(start: Start) -> None:
    async with start(manager=ManagerWithCallback) as client:
        assert await log_in_through_the_provider(client) == 500


async def test_10_0_what_creates_an_access_token_has_another_name() -> None:
    strategy = StrategyWithCreate(database=None)  # type: ignore[arg-type]
    assert strategy._create_access_token_dict(User()).keys() == {"token", "user_id"}


@pytest.mark.parametrize(("options", "status"), [({}, 400), ({"associate_by_email": True}, 200)])
async def test_10_1_an_account_is_not_linked_by_its_address(
    options: dict[str, bool], status: int, start: Start
) -> None:
    async with start(**options) as client:
        await register(client)
        assert await log_in_through_the_provider(client) == status


@pytest.mark.parametrize(("options", "is_found"), [({}, False), ({"key_prefix": ""}, True)])
async def test_10_1_redis_keys_get_a_prefix(
    options: dict[str, str], is_found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All that FastAPI Users needs to be able to import its strategy.
    client = ModuleType("redis.asyncio")
    client.Redis = object  # type: ignore[attr-defined]
    package = ModuleType("redis")
    package.asyncio = client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "redis", package)
    monkeypatch.setitem(sys.modules, "redis.asyncio", client)
    from fastapi_users.authentication.strategy.redis import RedisStrategy

    class Redis(dict[str, str]):
        async def get(self, key: str) -> str | None:  # type: ignore[override]
            return dict.get(self, key)

    class ManagerOfOne:
        parse_id = staticmethod(str)

        async def get(self, id: str) -> str:
            return id

    strategy: Any = RedisStrategy(Redis(token="Ada"), **options)  # type: ignore[arg-type]
    assert (await strategy.read_token("token", ManagerOfOne()) == "Ada") == is_found


async def test_10_3_the_id_in_a_jwt_is_the_subject() -> None:
    token = await JWTStrategy[User, uuid.UUID](SECRET, 60).write_token(User(id=uuid.uuid4()))
    assert decode_jwt(token, SECRET, ["fastapi-users:auth"]).keys() == {"sub", "aud", "exp"}


@pytest.mark.parametrize(
    ("options", "status"), [({}, 400), ({"csrf_token_cookie_secure": False}, 200)]
)
async def test_15_0_2_a_login_through_a_provider_needs_https(
    options: dict[str, bool], status: int, start: Start
) -> None:
    async with start(base_url="http://app.test", **options) as client:
        assert await log_in_through_the_provider(client) == status


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
