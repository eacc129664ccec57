"""On SQLite ids come again, unless the table counts them: what the mixins declare, and what
`check_schema` says of tables that others have made."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import fastapi_users_db_sqlalchemy as old_name
import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.people import ANNE, BERT

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
SQLITE: Any = sa.create_engine("sqlite://").dialect


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableInt, Base):
    pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


@pytest.fixture
async def session(path: Path) -> AsyncIterator[AsyncSession]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


def ddl(table: Any, dialect: Any = SQLITE) -> str:
    return str(CreateTable(table).compile(dialect=dialect))


@pytest.mark.parametrize("table", [User.__table__, OAuthAccount.__table__])
def test_the_mixins_count_their_ids(table: Any) -> None:
    assert "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in ddl(table)
    for url in ("postgresql://", "mysql://"):
        elsewhere = ddl(table, sa.make_url(url).get_dialect()())
        assert "AUTOINCREMENT" not in elsewhere.upper()


def test_what_has_no_number_of_its_own_is_not_counted() -> None:
    assert "AUTOINCREMENT" not in ddl(AccessToken.__table__)

    class Other(DeclarativeBase):
        pass

    class ByUUID(SQLAlchemyBaseUserTableUUID, Other):
        __tablename__ = "by_uuid"

    class OfTwo(SQLAlchemyBaseUserTableInt, Other):
        __tablename__ = "of_two"
        tenant: Mapped[int] = mapped_column(primary_key=True)

    class Declined(SQLAlchemyBaseUserTableInt, Other):
        __tablename__ = "declined"
        __table_args__ = {"sqlite_autoincrement": False}  # noqa: RUF012

    class Own(SQLAlchemyBaseUserTable[int], Other):
        __tablename__ = "own"
        id: Mapped[int] = mapped_column(primary_key=True)

    class OfTheShim(old_name.SQLAlchemyBaseUserTable[int], Other):
        __tablename__ = "of_the_shim"
        id: Mapped[int] = mapped_column(primary_key=True)

    for table in Other.metadata.tables.values():
        assert "AUTOINCREMENT" not in ddl(table), table.name


def create(path: Path, *statements: str) -> None:
    """Create the tables, the users' as these statements say."""
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
        Base.metadata.create_all(connection)
    engine.dispose()


COLUMNS = """email VARCHAR(320) NOT NULL, hashed_password VARCHAR(1024) NOT NULL,
    is_active BOOLEAN NOT NULL, is_superuser BOOLEAN NOT NULL, is_verified BOOLEAN NOT NULL"""
INDEX = "CREATE UNIQUE INDEX ix_user_email ON user (email)"
COUNTED = [f"CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS})"]
TABLES = {
    "mixin": [],
    "in small letters": [f"create table user (id integer primary key autoincrement, {COLUMNS})"],
    "quoted": [f'CREATE TABLE "user" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, {COLUMNS})'],
    "plain": [f"CREATE TABLE user (id INTEGER NOT NULL, {COLUMNS}, PRIMARY KEY (id))"],
    "in a text": [
        f"CREATE TABLE user (id INTEGER PRIMARY KEY, {COLUMNS}, a TEXT DEFAULT 'AUTOINCREMENT')"
    ],
    "as a name": [f'CREATE TABLE user (id INTEGER PRIMARY KEY, {COLUMNS}, "autoincrement" INT)'],
    "in a comment": [f"CREATE TABLE user (id INTEGER PRIMARY KEY, {COLUMNS} /* AUTOINCREMENT */)"],
    "in a line": [f"CREATE TABLE user (id INTEGER PRIMARY KEY, {COLUMNS} -- AUTOINCREMENT\n)"],
}
COUNTING = {"mixin", "in small letters", "quoted"}


async def ids_come_again(session: AsyncSession) -> bool:
    users = SQLAlchemyUserDatabase(session, User)
    anne = await users.create(ANNE)
    before = anne.id
    await users.delete(anne)
    bert = await users.create(BERT)
    after = bert.id
    await users.delete(bert)
    return after == before


@pytest.mark.parametrize("kind", TABLES)
async def test_tables_whose_ids_come_again_are_reported(
    path: Path, session: AsyncSession, kind: str
) -> None:
    create(path, *TABLES[kind], *([INDEX] if TABLES[kind] else []))
    problems = await SQLAlchemyUserDatabase(session, User).check_schema()
    reported = [problem.code for problem in problems if problem.code == "ids-that-come-again"]
    # What the check says is what the database does.
    assert bool(reported) is await ids_come_again(session) is (kind not in COUNTING)


async def test_it_is_the_gravest_of_all_findings(path: Path, session: AsyncSession) -> None:
    narrow = COLUMNS.replace("hashed_password VARCHAR(1024)", "hashed_password BLOB")
    create(
        *(path, f"CREATE TABLE user (id INTEGER PRIMARY KEY, {narrow})"),
        "CREATE TABLE oauth_account (id TEXT PRIMARY KEY, user_id INTEGER)",
        *("INSERT INTO oauth_account VALUES ('a', 7)",),
    )
    users = SQLAlchemyUserDatabase(session, User)
    first, *others = await users.check_schema()
    assert (first.code, first.table, first.column) == ("ids-that-come-again", "user", "id")
    assert "the next user" in first.found
    assert {"wrong-type", "missing-email-index"} <= {problem.code for problem in others}


async def test_the_fix_mends_it_and_keeps_the_rows(path: Path, session: AsyncSession) -> None:
    create(path, *TABLES["plain"], INDEX)
    users = SQLAlchemyUserDatabase(session, User)
    tokens = SQLAlchemyAccessTokenDatabase(session, AccessToken)
    anne = await users.create(ANNE)
    anne_id = anne.id
    await tokens.create({"token": "of Anne", "user_id": anne_id})
    [problem] = await users.check_schema()
    await session.close()

    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        exec(problem.fix, {"op": operations, "sa": sa})
    engine.dispose()

    assert await users.check_schema() == []
    assert (await users.get_by_email(ANNE["email"])).id == anne_id  # type: ignore[union-attr]
    assert await tokens.get_by_token("of Anne") is not None
    await users.delete(await users.get(anne_id))
    bert = await users.create(BERT)
    assert bert.id != anne_id
