"""A standby that replays nothing: what is read on it is old, and nothing is decided by that."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timezone
from typing import Any

import httpx
import pytest
from sqlalchemy import Delete, Insert, Update
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session

from fastapi_users_db import (
    DatabasesUserDatabase,
    OAuthAccountAlreadyLinkedError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
    UnsuitableServerError,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.conformance.models import AccessToken, Base, OAuthAccount, User
from tests.conftest import SOAK
from tests.docs.samples import load, log_in, register
from tests.more_servers import standby
from tests.people import ACCOUNT, ANNE, BERT
from tests.races.test_isolation_levels import Hashing, Visitors

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

REGISTRATIONS, ADDRESSES = (200, 40) if SOAK else (50, 10)
LAG_MILLISECONDS = 300


@pytest.fixture(scope="module")
def pair() -> Iterator[standby.Pair]:
    with standby.running() as pair:
        yield pair


def address(server: Any, driver: str = "postgresql+asyncpg") -> str:
    return str(server.url.set(drivername=driver).render_as_string(False))


@pytest.fixture
async def sessions(pair: standby.Pair) -> AsyncIterator[Any]:
    """SQLAlchemy's recipe for routing, over a standby that has the tables and is behind since."""
    leader, follower = (create_async_engine(address(s)) for s in (pair.primary, pair.standby))
    pair.catch_up()
    async with leader.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
    pair.catch_up()
    pair.fall_behind()

    class Routing(Session):
        def get_bind(self, mapper: Any = None, *, clause: Any = None, **_: Any) -> Any:
            is_write = self._flushing or isinstance(clause, (Update, Delete, Insert))
            return (leader if is_write else follower).sync_engine

    yield async_sessionmaker(sync_session_class=Routing, expire_on_commit=False)
    await leader.dispose()
    await follower.dispose()
    pair.catch_up()


@pytest.fixture(params=["orm", "databases"])
async def sample(
    request: pytest.FixtureRequest, sessions: Any, pair: standby.Pair
) -> AsyncIterator[Any]:
    """The recipe, with tables that the standby has, and no row that is written from now on."""
    if request.param == "databases":
        pytest.importorskip("databases")
    file, driver = {
        "orm": ("servers_routing.py", "postgresql+asyncpg"),
        "databases": ("servers_routing_databases.py", "postgresql"),
    }[request.param]
    urls = [address(server, driver) for server in (pair.primary, pair.standby)]
    sample = load(file, urls[0], STANDBY_URL=urls[1])
    engine = create_async_engine(address(pair.primary))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(sample.Base.metadata.create_all)
    pair.catch_up()
    pair.fall_behind()
    async with sample.app.router.lifespan_context(sample.app):
        yield sample
    async with engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.drop_all)
    await engine.dispose()
    if request.param == "orm":
        await sample.primary.dispose()
        await sample.standby.dispose()


async def test_every_method_is_right(sessions: Any, pair: standby.Pair) -> None:
    """Each method of both adapters, in sessions of which each reads where nothing has arrived."""

    async def act(method: str, *given: Any, tokens: bool = False) -> Any:
        async with sessions() as session:
            users = SQLAlchemyUserDatabase[Any, Any](session, User, OAuthAccount)
            of_tokens = SQLAlchemyAccessTokenDatabase[Any](session, AccessToken)
            return await getattr(of_tokens if tokens else users, method)(*given)

    anne = await act("create", {**ANNE, "oauth_accounts": [ACCOUNT]})
    bert = await act("create", BERT)
    assert await act("get", anne.id) is None, "the standby is not behind"
    with pytest.raises(UserAlreadyExistsError):
        await act("create", ANNE)
    with pytest.raises(UserAlreadyExistsError):
        await act("update", bert, {"email": ANNE["email"]})
    assert (await act("update", bert, {"name": "Bert"})).name == "Bert"
    linked = await act("add_oauth_account", anne, {**ACCOUNT, "access_token": "new"})
    assert [a.access_token for a in linked.oauth_accounts] == ["new"]
    with pytest.raises(OAuthAccountAlreadyLinkedError):
        await act("add_oauth_account", bert, ACCOUNT)
    [account] = linked.oauth_accounts
    changed = await act("update_oauth_account", anne, account, {"access_token": "newer"})
    assert [a.access_token for a in changed.oauth_accounts] == ["newer"]
    token = await act("create", {"token": "token", "user_id": anne.id}, tokens=True)
    assert (await act("update", token, {"token": "other"}, tokens=True)).token == "other"
    [of_anne] = await act("list_sessions", anne.id, tokens=True)
    assert await act("end_session", anne.id, of_anne.id, tokens=True)
    for number in range(2):
        await act("create", {"token": f"token {number}", "user_id": anne.id}, tokens=True)
    assert await act("end_sessions", anne.id, tokens=True) == 2
    token = await act("create", {"token": "last", "user_id": anne.id}, tokens=True)
    await act("delete", token, tokens=True)
    await act("create", {"token": "expired", "user_id": anne.id}, tokens=True)
    assert await act("delete_expired", datetime(2100, 1, 1, tzinfo=timezone.utc), tokens=True) == 1
    await act("delete", anne)
    with pytest.raises(UserNotFoundError):
        await act("update", anne, {"name": "Anne"})
    rows = "SELECT count(*) FROM {}"
    numbers = [standby.ask(pair.primary.url, rows.format(t)) for t in ('"user"', "oauth_account")]
    assert numbers == [1, 0]


async def test_the_recipe(sample: Any) -> None:
    """Whoever has written sees it, whoever logs out is out, and others read on the standby."""
    transport = httpx.ASGITransport(sample.app)

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport, base_url="https://app.test")

    async with client() as ada, client() as other:
        for number in range(5):
            email = f"{number}@example.com"
            await register(ada, email)
            again = {"email": email, "password": "secret"}
            assert (await other.post("/auth/register", json=again)).status_code == 400
        await register(ada)
        bearer = await log_in(ada)
        here: dict[str, Any] = {
            "url": "/exists",
            "params": {"email": "ada@example.com"},
            "headers": bearer,
        }
        assert (await ada.get(**here)).json() is True
        # One who has written nothing may read what is a moment old.
        other.cookies.clear()
        assert (await other.get(**here)).json() is False
        assert (await ada.post("/auth/logout", headers=bearer)).status_code == 204
        assert (await other.get(**here)).status_code == 401


async def register_taken(app: Any, pair: standby.Pair) -> None:
    """Register each address several times, at once: 201 once for each, and 400 for all others."""
    emails = [f"{number % ADDRESSES}@example.com" for number in range(REGISTRATIONS)]
    with pair.lag(LAG_MILLISECONDS):
        async with Visitors(app) as visitors:
            answers = await visitors.all(
                *(
                    {
                        "method": "POST",
                        "url": "/auth/register",
                        "json": {"email": email, "password": "secret"},
                    }
                    for email in emails
                )
            )
    if visitors.errors:
        raise visitors.errors[0]
    assert {response.status_code for response in answers} == {201, 400}
    created = [r.json()["email"] for r in answers if r.status_code == 201]
    assert sorted(created) == sorted({*emails})


async def test_the_recipe_while_the_standby_lags(
    sample: Any, pair: standby.Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever registers an address that is taken is told so."""
    monkeypatch.setattr("fastapi_users.manager.PasswordHelper", Hashing)
    await register_taken(sample.app, pair)


@pytest.mark.parametrize("sample", ["orm"], indirect=True)
async def test_sqlalchemys_recipe_while_the_standby_lags(
    sample: Any, sessions: Any, pair: standby.Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is who registers where FastAPI Users has looked for the address on the standby."""
    monkeypatch.setattr("fastapi_users.manager.PasswordHelper", Hashing)
    monkeypatch.setattr(sample, "primary_sessions", sessions)
    await register_taken(sample.app, pair)


async def test_a_standby_in_the_place_of_the_primary(sessions: Any, pair: standby.Pair) -> None:
    """The error says what to do, over both backends."""
    engine = create_async_engine(address(pair.standby))
    async with async_sessionmaker(engine)() as session:
        with pytest.raises(UnsuitableServerError, match=r"read-only.*primary.*/servers/"):
            await SQLAlchemyUserDatabase[Any, Any](session, User).create(ANNE)
    await engine.dispose()
    databases = pytest.importorskip("databases")
    async with databases.Database(address(pair.standby, "postgresql"), min_size=1) as database:
        with pytest.raises(UnsuitableServerError, match=r"read-only.*primary.*/servers/"):
            await DatabasesUserDatabase[Any, Any](database, User).create(ANNE)
