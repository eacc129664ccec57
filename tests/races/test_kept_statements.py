"""What the app has executed in the transaction is there after a call that was begun anew in it.

Another connection changes the OAuth accounts just before they are written.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Column, ForeignKey, delete, event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship
from sqlalchemy.util import await_only

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    unique_oauth_account_index,
)
from fastapi_users_db.adapters.history import watch
from tests.conftest import Addresses, create_tables
from tests.people import ACCOUNT, ANNE, BERT

Base: Any = declarative_base()


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    # Without ON DELETE CASCADE.
    user_id = Column(GUID, ForeignKey("user.id"), nullable=False)


class User(SQLAlchemyBaseUserTableUUID, Base):
    oauth_accounts = relationship("OAuthAccount", lazy="joined")


unique_oauth_account_index(OAuthAccount)

accounts = OAuthAccount.__table__


@pytest.fixture(scope="module", params=["postgresql", "mariadb-aiomysql"])
async def engine(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> AsyncIterator[AsyncEngine]:
    addresses = new_database(request.param)
    await create_tables(addresses, Base.metadata)
    engine = create_async_engine(addresses.orm)
    yield engine
    await engine.dispose()


@pytest.fixture(params=[0, 2], ids=["no-retries", "retries"])
async def users(request: pytest.FixtureRequest, engine: AsyncEngine) -> AsyncIterator[Any]:
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount, retries=request.param)
        await session.rollback()
    async with engine.begin() as connection:
        await connection.execute(delete(accounts))
        await connection.execute(delete(User.__table__))


@pytest.fixture
async def anne(users: Any) -> Any:
    """Anne, read by a request that has executed something of its own since."""
    await users.create(ANNE)
    return await users.get_by_email(ANNE["email"])


async def register_past_the_adapter(users: Any) -> None:
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    row = {**BERT, **flags, "id": uuid4()}
    await users.session.execute(insert(User.__table__).values(**row))


def before_the_first(engine: AsyncEngine, beginning: str, statement: Any) -> Any:
    """Execute a statement on another connection before the first that begins so."""
    watched = engine.execution_options()
    numbers = itertools.count()

    async def act() -> None:
        async with engine.begin() as connection:
            await connection.execute(statement)

    def listener(_: Any, __: Any, text: str, *___: Any) -> None:
        if text.replace("`", "").replace('"', "").startswith(beginning) and not next(numbers):
            await_only(act())

    event.listen(watched.sync_engine, "before_cursor_execute", listener)
    return watched


def link(anne: Any) -> Any:
    return insert(accounts).values(**ACCOUNT, id=uuid4(), user_id=anne.id)


async def emails(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return sorted((await connection.execute(select(User.email))).scalars())


async def tokens(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(accounts.c.access_token))).scalars())


async def test_linked_meanwhile(users: Any, anne: Any, engine: AsyncEngine) -> None:
    users.session.sync_session.bind = before_the_first(
        engine, "INSERT INTO oauth_account", link(anne)
    ).sync_engine
    await users.session.commit()
    user = await users.get_by_email(ANNE["email"])
    await register_past_the_adapter(users)
    linked = await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
    assert [account.access_token for account in linked.oauth_accounts] == ["new"]
    assert await tokens(engine) == ["new"]
    assert await emails(engine) == [ANNE["email"], BERT["email"]]


@pytest.mark.parametrize("has_written", [False, True])
async def test_linked_meanwhile_where_account_is_kept(
    users: Any, anne: Any, engine: AsyncEngine, has_written: bool
) -> None:
    """Where the transaction is known to have only read, all of it is begun anew."""
    watched = before_the_first(engine, "INSERT INTO oauth_account", link(anne)).sync_engine
    watch(watched, beside_others=True)
    savepoints: list[str] = []
    event.listen(watched, "savepoint", lambda _, name: savepoints.append(name))
    users.session.sync_session.bind = watched
    await users.session.commit()
    user = await users.get_by_email(ANNE["email"])
    if has_written:
        await register_past_the_adapter(users)
    linked = await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
    assert [account.access_token for account in linked.oauth_accounts] == ["new"]
    assert await tokens(engine) == ["new"]
    assert await emails(engine) == [ANNE["email"], *([BERT["email"]] if has_written else [])]
    assert bool(savepoints) is has_written


async def test_unlinked_meanwhile(users: Any, anne: Any, engine: AsyncEngine) -> None:
    await users.add_oauth_account(anne, ACCOUNT)
    users.session.sync_session.bind = before_the_first(
        engine, "UPDATE oauth_account", delete(accounts)
    ).sync_engine
    user = await users.get_by_email(ANNE["email"])
    await register_past_the_adapter(users)
    await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
    assert await tokens(engine) == ["new"]
    assert await emails(engine) == [ANNE["email"], BERT["email"]]


async def test_linked_while_the_user_is_deleted(users: Any, anne: Any, engine: AsyncEngine) -> None:
    users.session.sync_session.bind = before_the_first(
        engine, "DELETE FROM user", link(anne)
    ).sync_engine
    await users.session.commit()
    user = await users.get_by_email(ANNE["email"])
    await register_past_the_adapter(users)
    await users.delete(user)
    assert await tokens(engine) == []
    assert await emails(engine) == [BERT["email"]]


async def test_another_error_undoes_all(users: Any, anne: Any, engine: AsyncEngine) -> None:
    """As any error does with `commit=True`."""
    await register_past_the_adapter(users)
    with pytest.raises(IntegrityError):
        await users.add_oauth_account(anne, {**ACCOUNT, "access_token": None})
    await users.session.commit()
    assert await emails(engine) == [ANNE["email"]]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # MariaDB's lock is on the user
async def test_an_object_that_is_changed_stays_so(
    users: Any, anne: Any, engine: AsyncEngine
) -> None:
    """What the app has changed and not yet written is written, whatever is begun anew."""
    users.session.sync_session.bind = before_the_first(
        engine, "INSERT INTO oauth_account", link(anne)
    ).sync_engine
    await users.session.commit()
    user = await users.get_by_email(ANNE["email"])
    await register_past_the_adapter(users)
    user.is_verified = True
    await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})
    assert await tokens(engine) == ["new"]
    async with engine.connect() as connection:
        verified = select(User.email).where(User.is_verified)
        assert (await connection.execute(verified)).scalars().all() == [ANNE["email"]]
    assert await emails(engine) == [ANNE["email"], BERT["email"]]


def refuse(*_: Any) -> None:
    raise RuntimeError("refused")


@pytest.fixture
def refusing_accounts() -> Iterator[None]:
    event.listen(OAuthAccount, "before_insert", refuse)
    yield
    event.remove(OAuthAccount, "before_insert", refuse)


@pytest.mark.usefixtures("refusing_accounts")
async def test_what_was_written_before_another_error_can_be_read(
    users: Any, anne: Any, engine: AsyncEngine
) -> None:
    bert = await users.create(BERT)
    await users.session.commit()
    for user in (anne, bert):
        await users.session.refresh(user)
        user.is_verified = True
    await users.session.flush()
    with pytest.raises(RuntimeError, match="refused"):
        await users.add_oauth_account(anne, ACCOUNT)

    assert [(user.email, user.is_verified) for user in (anne, bert)] == [
        (ANNE["email"], False),
        (BERT["email"], False),
    ]


async def test_what_a_commit_has_refused_is_as_before(
    users: Any, anne: Any, engine: AsyncEngine
) -> None:
    """The savepoint is released then, and what was written before it is undone, too."""
    bert = await users.create(BERT)
    session = users.session.sync_session

    def refuse_to_commit(session: Any) -> None:
        if not session.in_nested_transaction():
            refuse()

    await users.session.refresh(bert)
    bert.is_verified = True
    await users.session.flush()
    event.listen(session, "before_commit", refuse_to_commit)
    with pytest.raises(RuntimeError, match="refused"):
        await users.add_oauth_account(anne, ACCOUNT)
    event.remove(session, "before_commit", refuse_to_commit)
    is_verified = bert.is_verified
    await users.update(bert, {"is_verified": True})

    assert is_verified is False
    async with engine.connect() as connection:
        verified = select(User.email).where(User.is_verified)
        assert (await connection.execute(verified)).scalars().all() == [BERT["email"]]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # MariaDB's lock is on the user
async def test_what_was_changed_while_it_was_detached_stays_so(
    users: Any, anne: Any, engine: AsyncEngine
) -> None:
    await users.session.commit()
    users.session.expunge(anne)
    anne.is_verified = True
    users.session.sync_session.bind = before_the_first(
        engine, "INSERT INTO oauth_account", link(anne)
    ).sync_engine
    await users.add_oauth_account(anne, {**ACCOUNT, "access_token": "new"})

    assert await tokens(engine) == ["new"]
    async with engine.connect() as connection:
        verified = select(User.email).where(User.is_verified)
        assert (await connection.execute(verified)).scalars().all() == [ANNE["email"]]


async def test_a_transaction_that_only_the_app_begins_is_kept(
    users: Any, anne: Any, engine: AsyncEngine
) -> None:
    watched = before_the_first(engine, "INSERT INTO oauth_account", link(anne))
    watch(watched.sync_engine, beside_others=True)
    options: Any = {"autobegin": False}
    try:
        session = AsyncSession(watched, expire_on_commit=False, **options)
    except TypeError:
        pytest.skip("SQLAlchemy 2.0 brought it")
    async with session:
        await session.begin()
        users = SQLAlchemyUserDatabase(session, User, OAuthAccount, retries=users._retries)
        user = await users.get_by_email(ANNE["email"])
        await users.add_oauth_account(user, {**ACCOUNT, "access_token": "new"})

    assert await tokens(engine) == ["new"]
