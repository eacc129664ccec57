"""The database strategy: whose token it is, in one statement; and what a stolen table is worth."""

import base64
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, create_autospec

import pytest
from sqlalchemy import delete, event, select, update

from fastapi_users_db import SQLAlchemyUserDatabase, UserNotFoundError
from fastapi_users_db.types import now_utc
from tests.conformance.conftest import Backend
from tests.conformance.models import AccessToken, User

authentication = pytest.importorskip("fastapi_users_db.authentication")
managers = pytest.importorskip("fastapi_users.manager")
if not hasattr(managers, "UUIDIDMixin"):
    pytest.skip("FastAPI Users before 10 has no such managers", allow_module_level=True)

LIFETIME = 3600
MODES = {
    "clear": {},
    "hashed": {"hash_tokens": True},
    "change-over": {"hash_tokens": True, "accept_clear": True},
}
each_mode = pytest.mark.parametrize("strategy", MODES)
"""By the name of an axis: `make test` meets each of them, not each on all databases."""
DELETE_TOKENS = delete(AccessToken.__table__)


class Manager(managers.UUIDIDMixin, managers.BaseUserManager):  # type: ignore[misc,name-defined]
    reset_password_token_secret = verification_token_secret = "secret"


@pytest.fixture
async def user(backend: Backend) -> Any:
    return await backend.users.create({"email": "anne@example.com", "hashed_password": "hash"})


def strategy_of(backend: Backend, mode: str = "clear", **options: Any) -> Any:
    options = {"lifetime_seconds": LIFETIME, **MODES[mode], **options}
    return authentication.DatabaseStrategy(backend.tokens, **options)


@contextmanager
def counted(backend: Backend) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    statements: list[str] = []
    if backend.is_orm:

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            statements.append(statement)

        event.listen(backend.engine.sync_engine, "before_cursor_execute", note)
        yield statements
        event.remove(backend.engine.sync_engine, "before_cursor_execute", note)
        return
    fetch_all = backend.connection.fetch_all

    async def noted(query: Any, *rest: Any) -> Any:
        statements.append(str(query))
        return await fetch_all(query, *rest)

    backend.connection.fetch_all = noted
    yield statements
    del backend.connection.fetch_all


async def stored(backend: Backend) -> list[str]:
    return [row.token for row in await backend.rows(select(AccessToken.__table__))]


@each_mode
async def test_a_token_is_its_users(backend: Backend, user: Any, strategy: str) -> None:
    tokens, manager = strategy_of(backend, strategy), Manager(backend.users)
    token = await tokens.write_token(user)
    with counted(backend) as statements:
        found = await tokens.read_token(token, manager)
    assert len(statements) == 1
    assert (found.id, found.email, found.oauth_accounts) == (user.id, user.email, [])


async def test_without_accounts_a_token_is_its_users(backend: Backend, user: Any) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users_without_oauth)
    token = await strategy.write_token(user)
    assert (await strategy.read_token(token, manager)).id == user.id


async def test_what_is_stored_is_the_hash(backend: Backend, user: Any) -> None:
    token = await strategy_of(backend, "hashed").write_token(user)
    [value] = await stored(backend)
    assert len(value) == 43
    assert base64.urlsafe_b64decode(value + "=") == hashlib.sha256(token.encode()).digest()


@each_mode
async def test_no_stored_hash_is_a_token(backend: Backend, user: Any, strategy: str) -> None:
    """A thief has the table, and tries all of it, as it is and in another case."""
    manager, clear = Manager(backend.users), strategy_of(backend)
    in_clear = {await clear.write_token(user) for _ in range(2)}
    for _ in range(4):
        await strategy_of(backend, "hashed").write_token(user)
    tokens = strategy_of(backend, strategy)
    dump = await stored(backend)
    assert len(dump) == 6
    opened = {value for value in dump if await tokens.read_token(value, manager)}
    # What is stored in clear text is a token until nobody accepts it any more.
    assert opened == (set() if strategy == "hashed" else in_clear)
    for value in dump:
        for tried in (value.swapcase(), value.lower(), value + " ", value[:-1], value[:-1] + "ä"):
            assert await tokens.read_token(tried, manager) is None


async def test_two_strategies_with_different_settings_share_a_table(
    backend: Backend, user: Any
) -> None:
    manager = Manager(backend.users)
    strategies = {mode: strategy_of(backend, mode) for mode in MODES}
    for written_by, writer in strategies.items():
        token = await writer.write_token(user)
        for read_by, reader in strategies.items():
            found = await reader.read_token(token, manager)
            is_refused = written_by == "clear" and read_by == "hashed"
            assert (found is None) is is_refused, (written_by, read_by)
        await strategies["change-over"].destroy_token(token, user)
        assert await stored(backend) == []


async def test_a_token_with_the_form_of_a_hash_is_never_stored(
    backend: Backend, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users)
    own = "a" * 42 + "B"
    values = {"token": own, "user_id": user.id}
    monkeypatch.setattr(strategy, "_create_access_token_dict", lambda user: dict(values))
    assert await strategy.write_token(user) == own
    assert own not in await stored(backend)
    assert (await strategy.read_token(own, manager)).id == user.id


OTHERS = ["", "x", "x" * 43, "x" * 5000, "äöü", "a\0b", "\ud800", "%' OR 1=1 --", "💥" * 43]


@each_mode
async def test_no_other_token_is_anybodys(backend: Backend, user: Any, strategy: str) -> None:
    tokens, manager = strategy_of(backend, strategy), Manager(backend.users)
    await tokens.write_token(user)
    for other in OTHERS:
        assert await tokens.read_token(other, manager) is None
        await tokens.destroy_token(other, user)
    assert len(await stored(backend)) == 1


async def test_no_token_is_nobodys(backend: Backend) -> None:
    assert await strategy_of(backend).read_token(None, Manager(backend.users)) is None


@each_mode
async def test_an_expired_token_is_nobodys(backend: Backend, user: Any, strategy: str) -> None:
    tokens, manager = strategy_of(backend, strategy), Manager(backend.users)
    token = await tokens.write_token(user)
    before = now_utc() - timedelta(seconds=LIFETIME + 60)
    await backend.rows(update(AccessToken.__table__).values(created_at=before))
    assert await tokens.read_token(token, manager) is None
    forever = strategy_of(backend, strategy, lifetime_seconds=None)
    assert (await forever.read_token(token, manager)).id == user.id
    await backend.tokens.delete_expired(now_utc() - timedelta(seconds=LIFETIME))
    assert await forever.read_token(token, manager) is None


@each_mode
async def test_a_token_of_who_is_gone_is_nobodys(
    backend: Backend, user: Any, strategy: str
) -> None:
    tokens, manager = strategy_of(backend, strategy), Manager(backend.users)
    token = await tokens.write_token(user)
    await backend.users.delete(user)
    assert await tokens.read_token(token, manager) is None


async def test_an_inactive_user_is_found_as_such(backend: Backend, user: Any) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users)
    token = await strategy.write_token(user)
    await backend.rows(update(User.__table__).values(is_active=False))
    if backend.is_orm:
        backend.connection.expunge_all()  # each request has a session of its own
    assert (await strategy.read_token(token, manager)).is_active is False


async def test_who_is_filtered_out_is_not_found(
    backend: Backend, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users)
    token = await strategy.write_token(user)
    get_user = backend.users._get_user
    emails: list[str] = []

    async def filtered(statement: Any) -> Any:
        for email in emails:
            statement = statement.where(User.__table__.c.email == email)
        return await get_user(statement)

    # What is compiled for a statement of ours is not to be taken for one of the app's.
    assert await strategy.read_token(token, manager) is not None
    monkeypatch.setattr(backend.users, "_get_user", filtered)
    for wanted, is_found in ([], True), ([user.email], True), (["eva@example.com"], False):
        emails[:] = wanted
        with counted(backend) as statements:
            assert (await strategy.read_token(token, manager) is not None) is is_found
            assert await strategy.read_token("a" * 43, manager) is None
        assert len(statements) == 2


@each_mode
@pytest.mark.parametrize("between", ["manager", "users", "tokens", "mock"])
async def test_what_the_app_has_of_its_own_is_asked(
    backend: Backend, user: Any, strategy: str, between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, manager = strategy_of(backend, strategy), Manager(backend.users)
    token = await tokens.write_token(user)
    asked = AsyncMock(return_value=user)
    if between == "mock":
        manager.user_db = create_autospec(SQLAlchemyUserDatabase, instance=True)
        manager.user_db.get = asked
    elif between == "tokens":
        asked.return_value = SimpleNamespace(user_id=user.id)
        monkeypatch.setattr(backend.tokens, "get_by_token", asked)
    else:
        monkeypatch.setattr({"manager": manager, "users": backend.users}[between], "get", asked)
    assert await tokens.read_token(token, manager) is user or between == "tokens"
    asked.assert_awaited_once()


async def test_adapters_apart_ask_twice(backend: Backend, open_backend: Any, user: Any) -> None:
    strategy = strategy_of(backend)
    token = await strategy.write_token(user)
    await backend.settle()
    if backend.is_orm:
        other = type(backend.connection)(backend.engine)
        users = SQLAlchemyUserDatabase(other, User)
        async with other:
            assert (await strategy.read_token(token, Manager(users))).id == user.id
    else:
        users = type(backend.users)(backend.connection, User)
        users.database = SimpleNamespace(
            url=backend.connection.url, fetch_all=backend.connection.fetch_all
        )
        assert (await strategy.read_token(token, Manager(users))).id == user.id


@each_mode
async def test_nobody_who_is_gone_gets_a_token(backend: Backend, user: Any, strategy: str) -> None:
    tokens, user_id = strategy_of(backend, strategy), user.id
    await backend.rows(delete(User.__table__))
    with pytest.raises(UserNotFoundError):
        await tokens.write_token(SimpleNamespace(id=user_id))
    assert await stored(backend) == []
    other = await backend.users.create({"email": "eva@example.com", "hashed_password": "hash"})
    assert await tokens.write_token(other)


async def test_destroying_a_token_twice_is_no_error(backend: Backend, user: Any) -> None:
    strategy = strategy_of(backend, "hashed")
    token = await strategy.write_token(user)
    await strategy.destroy_token(token, user)
    await strategy.destroy_token(token, user)
    assert await stored(backend) == []


@pytest.fixture
async def sessions(backend: Backend, user: Any) -> list[str]:
    """Tokens of a user, of both kinds, the oldest first, and one of another user."""
    tokens = []
    for n, mode in enumerate(["clear", "hashed", "hashed"]):
        tokens.append(await strategy_of(backend, mode).write_token(user))
        values = {"created_at": now_utc() - timedelta(minutes=9 - n)}
        value = (set(await stored(backend)) - {*tokens[:-1]}).pop() if n == 0 else None
        criterion = AccessToken.__table__.c.token == value if value else None
        if criterion is not None:
            await backend.rows(update(AccessToken.__table__).where(criterion).values(values))
    other = await backend.users.create({"email": "eva@example.com", "hashed_password": "hash"})
    await strategy_of(backend).write_token(other)
    return tokens


async def test_sessions_are_listed_without_their_tokens(
    backend: Backend, user: Any, sessions: list[str]
) -> None:
    listed = await backend.tokens.list_sessions(user.id)
    assert len(listed) == 3
    assert [s.created_at for s in listed] == sorted((s.created_at for s in listed), reverse=True)
    values = await stored(backend)
    assert {s.last_four for s in listed} <= {value[-4:] for value in values}
    shown = repr(listed)
    assert not any(value in shown for value in (*values, *sessions))
    assert all(s.created_at.utcoffset() == timedelta(0) for s in listed)
    assert await backend.tokens.list_sessions(user.id, limit=1) == listed[:1]
    recent = await backend.tokens.list_sessions(user.id, max_age=now_utc() - timedelta(minutes=5))
    assert recent == listed[:2]
    assert await backend.tokens.list_sessions(uuid.uuid4()) == []


async def test_no_name_of_a_session_is_a_token(
    backend: Backend, user: Any, sessions: list[str]
) -> None:
    for session in await backend.tokens.list_sessions(user.id):
        for mode in MODES:
            strategy = strategy_of(backend, mode)
            assert await strategy.read_token(session.id, Manager(backend.users)) is None


async def test_one_session_is_ended(
    backend: Backend, user: Any, sessions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastapi_users_db.adapters.base.BATCH", 2)
    listed = await backend.tokens.list_sessions(user.id)
    assert not await backend.tokens.end_session(uuid.uuid4(), listed[-1].id)
    assert not await backend.tokens.end_session(user.id, "\ud800")
    assert await backend.tokens.end_session(user.id, listed[-1].id)
    assert not await backend.tokens.end_session(user.id, listed[-1].id)
    assert await backend.tokens.list_sessions(user.id) == listed[:-1]
    assert len(await stored(backend)) == 3
    await backend.tokens.end_session(user.id, listed[0].id)
    assert await backend.tokens.list_sessions(user.id) == listed[1:-1]


@pytest.mark.parametrize("kept", [0, 1])
async def test_all_other_sessions_are_ended(
    backend: Backend, user: Any, sessions: list[str], kept: int
) -> None:
    assert await backend.tokens.end_sessions(user.id, but=sessions[kept], batch_size=1) == 2
    strategy, manager = strategy_of(backend, "change-over"), Manager(backend.users)
    found = [await strategy.read_token(token, manager) for token in sessions]
    assert [user is not None for user in found] == [n == kept for n in range(3)]


@pytest.mark.parametrize("but", [None, "\ud800", "of nobody"])
async def test_all_sessions_are_ended(
    backend: Backend, user: Any, sessions: list[str], but: str | None
) -> None:
    assert await backend.tokens.end_sessions(user.id, but=but) == 3
    assert await backend.tokens.list_sessions(user.id) == []
    assert len(await stored(backend)) == 1


async def test_sessions_that_another_has_ended_are_not_waited_for(
    backend: Backend, user: Any, sessions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend.tokens, "_delete_tokens", AsyncMock(return_value=0))
    assert await backend.tokens.end_sessions(user.id) == 0


@pytest.mark.parametrize(
    ("limit", "error"), [(0, ValueError), (10_001, ValueError), ("1", TypeError)]
)
async def test_batches_are_bounded(backend: Backend, limit: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^limit must"):
        await backend.tokens.list_sessions(uuid.uuid4(), limit=limit)
    with pytest.raises(error, match=r"^batch_size must"):
        await backend.tokens.end_sessions(uuid.uuid4(), batch_size=limit)


class Blocked(Manager):
    def parse_id(self, value: Any) -> Any:
        raise managers.exceptions.InvalidID()


async def test_an_id_that_the_apps_manager_refuses_is_nobodys(backend: Backend, user: Any) -> None:
    strategy = strategy_of(backend)
    token = await strategy.write_token(user)
    assert await strategy.read_token(token, Blocked(backend.users)) is None
    manager = Manager(backend.users)
    manager.parse_id = Blocked(backend.users).parse_id
    assert await strategy.read_token(token, manager) is None


async def test_a_filter_on_tokens_by_a_listener_holds(backend: Backend, user: Any) -> None:
    if not backend.is_orm:
        pytest.skip("a listener of the ORM's")
    strategy, manager = strategy_of(backend), Manager(backend.users)
    token = await strategy.write_token(user)

    def filtered(state: Any) -> None:
        if state.is_select and state.bind_mapper.class_ is AccessToken:
            state.statement = state.statement.where(AccessToken.token != token)

    event.listen(backend.connection.sync_session, "do_orm_execute", filtered)
    assert await strategy.read_token(token, manager) is None


async def test_a_patch_of_the_class_holds(
    backend: Backend, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users)
    token = await strategy.write_token(user)
    monkeypatch.setattr(type(backend.users), "get", AsyncMock(return_value=None))
    assert await strategy.read_token(token, manager) is None


async def test_what_is_no_text_is_no_token(backend: Backend, user: Any) -> None:
    strategy, manager = strategy_of(backend), Manager(backend.users)
    for value in (b"abc", True, ["abc"], object()):
        with pytest.raises(TypeError, match="token must be a str"):
            await strategy.read_token(value, manager)
        with pytest.raises(TypeError, match="token must be a str"):
            await strategy.destroy_token(value, user)


@each_mode
async def test_no_token_is_destroyed_as_with_fastapi_users_own(
    backend: Backend, user: Any, strategy: str
) -> None:
    tokens = strategy_of(backend, strategy)
    await tokens.write_token(user)
    await super(authentication.DatabaseStrategy, tokens).destroy_token(None, user)
    await tokens.destroy_token(None, user)
    assert len(await stored(backend)) == 1


async def test_a_number_is_taken_for_its_text(backend: Backend, user: Any) -> None:
    """As `get_by_token` takes it, and in clear text only where that is accepted."""
    await backend.tokens.create({"token": "123", "user_id": user.id})
    manager, found = Manager(backend.users), {}
    for mode in MODES:
        strategy = strategy_of(backend, mode)
        found[mode] = await strategy.read_token(123, manager) is not None
    assert found == {"clear": True, "hashed": False, "change-over": True}
    await strategy_of(backend, "hashed").destroy_token(123, user)
    assert await stored(backend) == ["123"]
    await strategy_of(backend).destroy_token(123, user)
    assert await stored(backend) == []
