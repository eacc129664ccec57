"""A write that the database has undone is begun anew, unless something of the app's own is lost."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from datetime import datetime, timezone
from typing import Any
from uuid import uuid4

import pytest
from databases import Database
from sqlalchemy import Integer, column, func, insert, literal_column, select, text, update, values
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.sql.elements import ColumnElement

from fastapi_users_db import (
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyUserDatabase,
    is_retryable,
)
from tests.conformance.models import AccessToken, OAuthAccount, User
from tests.people import ACCOUNT, ANNE, BERT
from tests.retries.conftest import Conflicts, Open, Repeating

# What the triggers count is to stay.
pytestmark = pytest.mark.filterwarnings("ignore:Some non-transactional changed tables:Warning")

NOW = datetime(2100, 1, 1, tzinfo=timezone.utc)
OTHER = {**ACCOUNT, "oauth_name": "other"}

Write = Callable[[Repeating, Any], Awaitable[Any]]


async def token_of(adapters: Repeating) -> Any:
    return await adapters.tokens.get_by_token("token")


WRITES: dict[str, Write] = {
    "create": lambda a, _: a.users.create({**BERT, "oauth_accounts": [OTHER]}),
    "update": lambda a, user: a.users.update(user, {"email": "new@example.com"}),
    "update-by-name": lambda a, u: a.users.update(user=u, update_dict={"email": "n@example.com"}),
    "update-with-accounts": lambda a, u: a.users.update(u, {"oauth_accounts": [OTHER]}),
    "delete": lambda a, user: a.users.delete(user),
    "add-oauth-account": lambda a, user: a.users.add_oauth_account(user, OTHER),
    "update-oauth-account": lambda a, user: a.users.update_oauth_account(
        user, user.oauth_accounts[0], {"access_token": "new"}
    ),
    "create-token": lambda a, user: a.tokens.create({"token": "other", "user_id": user.id}),
    "delete-expired": lambda a, _: a.tokens.delete_expired(NOW),
}


async def update_token(adapters: Repeating, _: Any) -> Any:
    return await adapters.tokens.update(await token_of(adapters), {"token": "new"})


async def delete_token(adapters: Repeating, _: Any) -> Any:
    return await adapters.tokens.delete(await token_of(adapters))


WRITES.update({"update-token": update_token, "delete-token": delete_token})


@pytest.fixture(params=WRITES)
def write(request: pytest.FixtureRequest) -> Write:
    return WRITES[request.param]


async def stored(engine: AsyncEngine) -> list[Any]:
    """Return all that is committed, but for what differs from run to run."""
    columns = [
        (User.email, User.changes),
        (OAuthAccount.oauth_name, OAuthAccount.access_token),
        (AccessToken.token, AccessToken.token),
    ]
    async with engine.connect() as connection:
        found = [(await connection.execute(select(*c).order_by(c[0]))).all() for c in columns]
    return [list(map(tuple, rows)) for rows in found]


async def test_a_write_is_begun_anew(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, write: Write
) -> None:
    adapters = await open_adapters(adapter, 2)
    user = await adapters.users.get_by_email(ANNE["email"])
    before = await stored(conflicts.engine)
    await conflicts.refuse(2)
    await write(adapters, user)
    assert adapters.attempts == ["again", "again"]
    assert await stored(conflicts.engine) != before


@pytest.mark.thorough
async def test_a_write_is_what_it_is_without_conflicts(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, write: Write
) -> None:
    outcomes = []
    for conflicting in (0, 1):
        adapters = await open_adapters(adapter, 1)
        user = await adapters.users.get_by_email(ANNE["email"])
        await conflicts.refuse(conflicting)
        result = await write(adapters, user)
        seen = getattr(result, "email", getattr(result, "token", result))
        outcomes.append((seen, await stored(conflicts.engine)))
        for row in (AccessToken, OAuthAccount, User):
            async with conflicts.engine.begin() as connection:
                await connection.execute(row.__table__.delete())
        if not conflicting:
            again = await open_adapters(adapter, 0)
            anew = await again.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
            await again.tokens.create({"token": "token", "user_id": anew.id})
            if adapter == "orm":
                await again.connection.close()
    assert outcomes[0] == outcomes[1]


@pytest.mark.thorough
@pytest.mark.parametrize("retries", [0, 1])
async def test_a_write_is_begun_anew_as_often_as_was_asked_for(
    open_adapters: Open,
    adapter: str,
    conflicts: Conflicts,
    anne: Any,
    write: Write,
    retries: int,
) -> None:
    adapters = await open_adapters(adapter, retries)
    user = await adapters.users.get_by_email(ANNE["email"])
    before = await stored(conflicts.engine)
    await conflicts.refuse(2)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        await write(adapters, user)
    assert is_retryable(caught.value)
    assert len(adapters.attempts) == retries
    assert await stored(conflicts.engine) == before
    if conflicts.lock is not None and conflicts.lock.in_transaction:
        conflicts.lock.rollback()
    await conflicts.refuse(0)
    assert (await adapters.users.get_by_email(ANNE["email"])).id == anne.id


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_a_write_is_begun_anew_after_a_conflict_at_commit(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, write: Write
) -> None:
    tables = [table.__table__.name for table in (User, OAuthAccount, AccessToken)]
    switch = [f'ALTER TABLE "{table}" {{0}} TRIGGER {{1}}' for table in tables]
    before = await stored(conflicts.engine)
    try:
        await conflicts.execute(
            *(s.format("DISABLE", "conflict") for s in switch),
            *(s.format("ENABLE", "conflict_at_commit") for s in switch),
        )
        adapters = await open_adapters(adapter, 2)
        user = await adapters.users.get_by_email(ANNE["email"])
        await conflicts.refuse(1)
        await write(adapters, user)
    finally:
        await conflicts.execute(
            *(s.format("ENABLE", "conflict") for s in switch),
            *(s.format("DISABLE", "conflict_at_commit") for s in switch),
        )
    assert adapters.attempts == ["again"]
    assert await stored(conflicts.engine) != before


async def update_through_the_session(session: AsyncSession) -> None:
    await session.execute(update(User).values(name="app"))


async def update_through_the_connection(session: AsyncSession) -> None:
    await (await session.connection()).execute(update(User).values(name="app"))


async def update_in_text(session: AsyncSession) -> None:
    await session.execute(text(f"UPDATE {session_table(session)} SET name = 'app'"))


async def update_in_a_string(session: AsyncSession) -> None:
    connection = await session.connection()
    await connection.exec_driver_sql(f"UPDATE {session_table(session)} SET name = 'app'")


def session_table(session: AsyncSession) -> str:
    preparer = session.get_bind().dialect.identifier_preparer
    return preparer.format_table(User.__table__)


async def update_by_flush(session: AsyncSession) -> None:
    user = (await session.execute(select(User))).unique().scalar_one()
    user.name = "app"
    await session.flush()


async def change_and_not_flush(session: AsyncSession) -> None:
    (await session.execute(select(User))).unique().scalar_one().name = "app"


async def add_and_not_flush(session: AsyncSession) -> None:
    session.add(User(**BERT))


async def insert_in_a_savepoint(session: AsyncSession) -> None:
    async with session.begin_nested():
        await session.execute(insert(User).values(**BERT))


async def stay_in_a_savepoint(session: AsyncSession) -> None:
    await session.begin_nested()


async def lock_a_row(session: AsyncSession) -> None:
    await session.execute(select(User.id).with_for_update())


async def call_a_function(session: AsyncSession) -> None:
    await session.execute(select(func.abs(-1)))


async def select_a_literal(session: AsyncSession) -> None:
    await session.execute(select(literal_column("abs(-1)")))


async def select_in_text(session: AsyncSession) -> None:
    await session.execute(select(User.id).where(text("abs(-1) = 1")))


async def call_a_function_of_a_schema(session: AsyncSession) -> None:
    schema = "pg_catalog" if session.get_bind().dialect.name == "postgresql" else "sys"
    now = func.pg_catalog.now if schema == "pg_catalog" else func.sys.version_major
    await session.execute(select(now()))


async def call_a_function_in_values(session: AsyncSession) -> None:
    data = values(column("a", Integer), name="v").data([(1,)])
    with suppress(DBAPIError):  # MariaDB has another syntax
        await session.execute(select(data))
        return
    await session.rollback()
    await session.execute(select(func.abs(1)))


class Construct(ColumnElement[int]):
    inherit_cache = True
    type = Integer()


@compiles(Construct)
def _compiled(element: Any, compiler: Any, **options: Any) -> str:
    return "abs(1)"


async def select_a_construct_of_its_own(session: AsyncSession) -> None:
    await session.execute(select(Construct()))


async def select_with_a_suffix(session: AsyncSession) -> None:
    await session.execute(select(User.id).suffix_with(text("FOR UPDATE")))


async def select_with_a_hint(session: AsyncSession) -> None:
    await session.execute(select(User.id).with_statement_hint("FOR UPDATE"))


async def select_with_an_option(session: AsyncSession) -> None:
    """What a loader option adds is no part of the statement itself."""
    option = with_loader_criteria(User, func.abs(-1) == 1)
    await session.execute(select(User.id).options(option))


async def call_an_operator(session: AsyncSession) -> None:
    await session.execute(select(literal_column("5").op("&")(literal_column("3"))))


async def open_with_options(session: AsyncSession) -> None:
    await session.connection(execution_options={"isolation_level": "SERIALIZABLE"})


OF_THE_APP = [
    call_a_function_of_a_schema,
    call_a_function_in_values,
    select_a_construct_of_its_own,
    select_with_a_suffix,
    select_with_a_hint,
    select_with_an_option,
    call_an_operator,
    open_with_options,
    update_through_the_session,
    update_through_the_connection,
    update_in_text,
    update_in_a_string,
    update_by_flush,
    change_and_not_flush,
    add_and_not_flush,
    insert_in_a_savepoint,
    stay_in_a_savepoint,
    lock_a_row,
    call_a_function,
    select_a_literal,
    select_in_text,
]


@pytest.mark.parametrize("adapter", ["orm"])
@pytest.mark.parametrize("addresses", ["postgresql", "mariadb-aiomysql"], indirect=True)
@pytest.mark.parametrize("act", OF_THE_APP)
async def test_what_the_app_has_done_is_not_lost_in_silence(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, act: Any
) -> None:
    adapters = await open_adapters(adapter, 5)
    session: AsyncSession = adapters.connection
    assert await adapters.users.get_by_email(BERT["email"]) is None
    carl = await adapters.users.create({**BERT, "email": "carl@example.com"})
    await adapters.users.delete(carl)  # from here on the engine's transactions are known
    await conflicts.refuse(0)
    await act(session)
    await conflicts.refuse(1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        await adapters.tokens.create({"token": "other", "user_id": anne.id})
    assert is_retryable(caught.value)
    assert adapters.attempts == []


@pytest.mark.parametrize("addresses", ["postgresql", "mariadb-aiomysql"], indirect=True)
@pytest.mark.parametrize("retries", [0, 5])
async def test_no_write_loses_a_statement_of_the_apps_own(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, write: Write, retries: int
) -> None:
    adapters = await open_adapters(adapter, retries)
    before = await stored(conflicts.engine)
    # `databases` knows no defaults.
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    row = {**BERT, **flags, "id": uuid4(), "email": "carl@example.com", "changes": 0}
    own = insert(User.__table__).values(**row, greeting="hello")

    async def act() -> None:
        user = await adapters.users.get_by_email(ANNE["email"])
        await adapters.connection.execute(own)
        await conflicts.refuse(1)
        await write(adapters, user)

    in_transaction = nullcontext() if adapter == "orm" else adapters.connection.transaction()
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        async with in_transaction:
            await act()
    assert is_retryable(caught.value)
    assert adapters.attempts == []
    if adapter == "orm":
        await adapters.connection.commit()
    assert await stored(conflicts.engine) == before


@pytest.mark.parametrize("adapter", ["orm"])
@pytest.mark.parametrize("addresses", ["postgresql", "mariadb-aiomysql"], indirect=True)
async def test_what_was_read_is_read_again_if_need_be(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 1)
    session: AsyncSession = adapters.connection
    # Where nobody has the address the catalogue is read too, on MariaDB.
    assert await adapters.users.get_by_email(BERT["email"]) is None
    await adapters.users.get_by_email(ANNE["email"])
    await session.execute(select(func.count()).select_from(User).where(func.lower(User.email) > ""))
    await (await session.connection()).execute(
        select(User.id, func.max(User.name)).group_by(User.id)
    )
    await conflicts.refuse(1)
    await adapters.tokens.create({"token": "other", "user_id": anne.id})
    assert adapters.attempts == ["again"]


@pytest.mark.parametrize("adapter", ["orm"])
@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_the_apps_own_block_is_not_begun_anew(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 1)
    await conflicts.refuse(1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        async with adapters.connection.begin():
            await adapters.users.create(BERT)
    assert is_retryable(caught.value)
    assert adapters.attempts == []


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_a_connection_of_the_apps_own_is_not_begun_anew(
    engine: AsyncEngine, conflicts: Conflicts
) -> None:
    async with engine.connect() as connection:
        await connection.execute(insert(User).values(**BERT))
        await conflicts.refuse(1)
        async with AsyncSession(connection) as session:
            with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
                await SQLAlchemyUserDatabase(session, User, retries=1).create(ANNE)
    assert is_retryable(caught.value)


@pytest.mark.parametrize("adapter", ["databases"])
async def test_a_transaction_of_the_apps_own_over_databases_is_not_begun_anew(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 1)
    await conflicts.refuse(1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        async with adapters.connection.transaction():
            await adapters.users.create(BERT)
    assert is_retryable(caught.value)
    assert adapters.attempts == []


async def test_a_changed_object_is_not_begun_anew(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 1)
    anne.name = "app"
    await conflicts.refuse(1)
    with pytest.raises(Exception) as caught:  # noqa: PT011  the backend's own
        await adapters.users.update(update_dict={"email": "new@example.com"}, user=anne)
    assert is_retryable(caught.value)
    assert adapters.attempts == []


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_another_error_is_raised_at_once(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 5)
    await adapters.users.create(BERT)
    with pytest.raises(Exception) as caught:  # noqa: PT011  also the backend's own
        await adapters.users.create(BERT)
    assert not is_retryable(caught.value)
    assert adapters.attempts == []


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_a_read_is_begun_anew(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any, monkeypatch: Any
) -> None:
    adapters = await open_adapters(adapter, 1)
    may_be_refused = func.refuse()
    for of, select_ in ((adapters.users, "_select_user"), (adapters.tokens, "_select_token")):
        selecting = getattr(type(of), select_)
        monkeypatch.setattr(
            type(of), select_, lambda self, s=selecting: s(self).where(may_be_refused)
        )
    anne_id = anne.id
    for read in (
        lambda: adapters.users.get(anne_id),
        lambda: adapters.users.get_by_email(ANNE["email"]),
        lambda: adapters.users.get_by_oauth_account("provider", "1"),
        lambda: token_of(adapters),
    ):
        if adapter == "orm":
            await adapters.connection.commit()
        adapters.attempts.clear()
        await conflicts.refuse(1)
        assert await read() is not None
        assert adapters.attempts == ["again"]


@pytest.mark.parametrize("addresses", ["postgresql", "mariadb-aiomysql"], indirect=True)
async def test_a_batch_is_begun_anew_and_counted_once(
    open_adapters: Open, adapter: str, conflicts: Conflicts, anne: Any
) -> None:
    adapters = await open_adapters(adapter, 3)
    for number in range(5):
        await adapters.tokens.create({"token": str(number), "user_id": anne.id})
    await conflicts.refuse(2)
    assert await adapters.tokens.delete_expired(NOW, batch_size=2) == 6
    assert adapters.attempts == ["again", "again"]
    assert (await stored(conflicts.engine))[2] == []


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
@pytest.mark.parametrize("retries", [True, "1", 1.0, None])
def test_retries_of_another_type(retries: Any) -> None:
    for opened in (
        lambda: SQLAlchemyUserDatabase(AsyncSession(), User, retries=retries),
        lambda: SQLAlchemyAccessTokenDatabase(AsyncSession(), AccessToken, retries=retries),
        lambda: DatabasesUserDatabase(Database("sqlite://"), User, retries=retries),
        lambda: DatabasesAccessTokenDatabase(Database("sqlite://"), AccessToken, retries=retries),
    ):
        with pytest.raises(TypeError, match="retries must be an int"):
            opened()


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
def test_retries_that_cannot_be() -> None:
    for opened in (
        lambda: SQLAlchemyUserDatabase(AsyncSession(), User, retries=-1),
        lambda: SQLAlchemyAccessTokenDatabase(AsyncSession(), AccessToken, retries=-1),
        lambda: DatabasesUserDatabase(Database("sqlite://"), User, retries=-1),
        lambda: DatabasesAccessTokenDatabase(Database("sqlite://"), AccessToken, retries=-1),
    ):
        with pytest.raises(ValueError, match="retries must be 0 or more"):
            opened()
    for opened in (
        lambda: SQLAlchemyUserDatabase(AsyncSession(), User, commit=False, retries=1),
        lambda: SQLAlchemyAccessTokenDatabase(AsyncSession(), AccessToken, commit=False, retries=1),
    ):
        with pytest.raises(ValueError, match=r"commit=True.*is_retryable"):
            opened()
