"""Sessions of a user: whatever is given for an id, no other user's are shown or ended."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from databases import Database
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    InvalidIDError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses, create_tables
from tests.people import ANNE
from tests.sharing import delete_rows

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


class IntBase(DeclarativeBase):
    pass


class IntUser(SQLAlchemyBaseUserTableInt, IntBase):
    __tablename__ = "int_user"


class IntToken(SQLAlchemyBaseAccessTokenTableInt, IntBase):
    __tablename__ = "int_token"


class StrBase(DeclarativeBase):
    pass


class StrUser(SQLAlchemyBaseUserTable[str], StrBase):
    __tablename__ = "str_user"
    id: Mapped[str] = mapped_column(String(20), primary_key=True)


class StrToken(SQLAlchemyBaseAccessTokenTable[str], StrBase):
    __tablename__ = "str_token"
    user_id: Mapped[str] = mapped_column(String(20), ForeignKey("str_user.id"), index=True)


class UUIDBase(DeclarativeBase):
    pass


class UUIDUser(SQLAlchemyBaseUserTableUUID, UUIDBase):
    __tablename__ = "uuid_user"


class UUIDToken(SQLAlchemyBaseAccessTokenTableUUID, UUIDBase):
    __tablename__ = "uuid_token"


@dataclass
class Sessions:
    """The token adapter, and Anne, whose three tokens are stored."""

    tokens: Any
    anne: Any
    stored: Callable[[], Awaitable[set[str]]]


KINDS = {"int": (IntUser, IntToken), "str": (StrUser, StrToken), "uuid": (UUIDUser, UUIDToken)}
IDS: dict[str, dict[str, Any]] = {"str": {"id": "anne"}}
TOKENS = {f"token {number}" for number in range(3)}


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    addresses = new_database(request.param)
    for base in (IntBase, StrBase, UUIDBase):
        asyncio.run(create_tables(addresses, base.metadata))
    return addresses


@pytest.fixture(params=["orm", "databases"])
async def adapter(
    request: pytest.FixtureRequest,
    addresses: Addresses,
    engine_of: Callable[[Addresses], AsyncEngine],
    database_of: Callable[[Addresses], Awaitable[Database]],
) -> AsyncIterator[Any]:
    engine = engine_of(addresses)

    async def stored(kind: str) -> set[str]:
        async with engine.begin() as connection:
            rows = await connection.execute(select(KINDS[kind][1].__table__.c.token))
            return set(rows.scalars())

    async def opened(connection: Any, users: Any, tokens: Any, kind: str) -> Sessions:
        user_table, token_table = KINDS[kind]
        anne = await users(connection, user_table).create({**ANNE, **IDS.get(kind, {})})
        adapter = tokens(connection, token_table)
        for token in TOKENS:
            await adapter.create({"token": token, "user_id": anne.id})
        return Sessions(adapter, anne, lambda: stored(kind))

    if request.param == "orm":
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield lambda kind: opened(
                session, SQLAlchemyUserDatabase, SQLAlchemyAccessTokenDatabase, kind
            )
    else:
        database = await database_of(addresses)
        yield lambda kind: opened(
            database, DatabasesUserDatabase, DatabasesAccessTokenDatabase, kind
        )
    for base in (IntBase, StrBase, UUIDBase):
        await delete_rows(engine, base.metadata)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_id_of_the_users_own_shows_and_ends_the_sessions(adapter: Any, kind: str) -> None:
    at = await adapter(kind)
    user_id = str(at.anne.id) if kind == "uuid" else at.anne.id
    first, *others = await at.tokens.list_sessions(user_id)
    assert len(others) == 2
    assert await at.tokens.end_session(user_id, first.id)
    assert await at.tokens.end_sessions(user_id) == 2
    assert await at.stored() == set()


OTHERS = [
    *(("int", value) for value in (0, -1, 2**31, 2**63, -(2**70))),
    *(("str", value) for value in ("ANNE", "Anne", "anne ", "änne", "an\0ne", "\ud800", "")),
    ("str", "x" * 100_000),
    ("uuid", uuid.UUID(int=0)),
    *((kind, None) for kind in KINDS),
]


@pytest.mark.parametrize(("kind", "other"), OTHERS)
async def test_an_id_of_nobody_has_no_sessions(adapter: Any, kind: str, other: Any) -> None:
    at = await adapter(kind)
    [session, *_] = await at.tokens.list_sessions(at.anne.id)
    assert await at.tokens.list_sessions(other) == []
    assert not await at.tokens.end_session(other, session.id)
    assert await at.tokens.end_sessions(other) == 0
    assert await at.stored() == TOKENS


NO_IDS = [
    *(("int", value) for value in ("1", "1abc", "", 1.0, True, b"1", [1], object())),
    *(("str", value) for value in (0, 1, b"anne", True, ["anne"])),
    *(("uuid", value) for value in ("", "1abc", "\ud800", "x" * 100_000, 1, b"0" * 16)),
]


@pytest.mark.parametrize(("kind", "value"), NO_IDS)
async def test_what_is_no_id_is_refused(adapter: Any, kind: str, value: Any) -> None:
    at = await adapter(kind)
    [session, *_] = await at.tokens.list_sessions(at.anne.id)
    for call in (
        at.tokens.list_sessions(value),
        at.tokens.end_session(value, session.id),
        at.tokens.end_sessions(value),
    ):
        with pytest.raises(InvalidIDError, match=r"Token\.user_id is"):
            await call
    assert await at.stored() == TOKENS


@pytest.mark.parametrize("value", [None, 3, True, b"abc", ["abc"]])
async def test_what_is_no_name_of_a_session_is_refused(adapter: Any, value: Any) -> None:
    at = await adapter("uuid")
    with pytest.raises(TypeError, match=r"session_id must be a str, .* not "):
        await at.tokens.end_session(at.anne.id, value)
    assert await at.stored() == TOKENS


@pytest.mark.parametrize("value", ["", "x", "\0", "\ud800", "ä", "token 1", "x" * 100_000])
async def test_no_other_name_is_one_of_a_session(adapter: Any, value: str) -> None:
    at = await adapter("uuid")
    assert not await at.tokens.end_session(at.anne.id, value)
    assert await at.stored() == TOKENS


@pytest.mark.parametrize("value", [3, True, b"token 1", ["token 1"]])
async def test_a_session_that_goes_on_is_named_by_its_token(adapter: Any, value: Any) -> None:
    at = await adapter("uuid")
    with pytest.raises(TypeError, match=r"but must be a str, .* not "):
        await at.tokens.end_sessions(at.anne.id, but=value)
    assert await at.stored() == TOKENS


@pytest.mark.parametrize("but", ["", "\0", "TOKEN 1", "token 1 ", "tökén 1", "x" * 100_000])
async def test_no_other_token_keeps_a_session(adapter: Any, but: str) -> None:
    at = await adapter("uuid")
    assert await at.tokens.end_sessions(at.anne.id, but=but) == 3
    assert await at.stored() == set()


@pytest.mark.parametrize(("token", "shown"), [("abc", ""), ("abcdef", "ef"), ("a" * 43, "aaaa")])
async def test_a_short_token_is_not_shown_as_its_last_four(
    adapter: Any, token: str, shown: str
) -> None:
    at = await adapter("uuid")
    await at.tokens.end_sessions(at.anne.id)
    await at.tokens.create({"token": token, "user_id": at.anne.id})
    [session] = await at.tokens.list_sessions(at.anne.id)
    assert session.last_four == shown
