"""What each driver says of a statement that a constraint has refused, and what is read of it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from databases import Database
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from fastapi_users_db.drivers import Violation, first_error, violation
from tests.conftest import Addresses

pytestmark = pytest.mark.any_stack

metadata = MetaData()
PERSON = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("email", String(40), nullable=False, unique=True, index=True),
    Column("name", String(40), unique=True),
    Column("first", String(40)),
    Column("last", String(40)),
    Column("E-mail", String(40)),
    UniqueConstraint("first", "last", name="names"),
    Index("spelled", "E-mail", unique=True),
)
LOWER = Index("person_lower_email", func.lower(PERSON.c.email), unique=True)
LINK = Table(
    "link",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("person_id", ForeignKey("person.id")),
)
TABLES = (PERSON, LINK)

DRIVERS = {
    "asyncpg": ("postgresql", "postgresql+asyncpg"),
    "psycopg": ("postgresql", "postgresql+psycopg"),
    "aiomysql": ("mariadb-aiomysql", "mysql+aiomysql"),
    "asyncmy": ("mariadb-asyncmy", "mysql+asyncmy"),
    "aiosqlite": ("sqlite", "sqlite+aiosqlite"),
    "databases-postgresql": ("postgresql", "postgresql"),
    "databases-aiomysql": ("mariadb-aiomysql", "mysql"),
    "databases-asyncmy": ("mariadb-asyncmy", "mysql+asyncmy"),
    "databases-sqlite": ("sqlite", "sqlite"),
}
"""Where an error comes from: the ORM's drivers, and those of `databases`."""

ADA = (
    "INSERT INTO person (id, email, name, first, last, {quoted}) "
    "VALUES (1, 'ada@example.com', 'ada', 'Ada', 'Byron', 'ada''s')"
)

Refused = Callable[..., Awaitable[BaseException]]


@pytest.fixture(scope="module")
async def prepared(
    new_database: Callable[[str], Addresses],
) -> Callable[[str], Awaitable[Addresses]]:
    """A database, by its name in `DATABASES`, where there is Ada, and a link to her."""
    kept: dict[str, Addresses] = {}

    async def prepared(name: str) -> Addresses:
        if name not in kept:
            kept[name] = new_database(name)
            await _prepare(kept[name])
        return kept[name]

    return prepared


async def _prepare(addresses: Addresses) -> None:
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    async with engine.begin() as connection:
        if addresses.name.startswith("mariadb"):  # has no index on an expression
            PERSON.indexes.discard(LOWER)
        await connection.run_sync(metadata.create_all)
        PERSON.indexes.add(LOWER)
        await connection.execute(text(ADA.format(quoted=_quoted(addresses.name))))
        await connection.execute(text("INSERT INTO link VALUES (1, 1)"))


def _quoted(database: str) -> str:
    return "`E-mail`" if database.startswith("mariadb") else '"E-mail"'


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database(driver: str) -> str:
    return DRIVERS[driver][0].partition("-")[0]


@pytest.fixture
async def refused(
    driver: str, database: str, prepared: Callable[[str], Awaitable[Addresses]]
) -> Refused:
    """What the driver raises for a statement, after others that it takes."""
    name, drivername = DRIVERS[driver]
    url = make_url((await prepared(name)).orm).set(drivername=drivername)
    address = url.render_as_string(hide_password=False)

    async def refused(statement: str, *before: str) -> BaseException:
        statements = [*before, statement.format(quoted=_quoted(database))]
        if database == "sqlite":
            statements.insert(0, "PRAGMA foreign_keys = ON")
        with pytest.raises(Exception) as raised:  # noqa: PT011  whatever a driver raises
            await (_by_databases if "databases" in driver else _by_engine)(address, statements)
        return raised.value

    return refused


async def _by_engine(address: str, statements: list[str]) -> None:
    engine = create_async_engine(address, poolclass=NullPool)
    async with engine.connect() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def _by_databases(address: str, statements: list[str]) -> None:
    options: Any = {} if address.startswith("sqlite") else {"min_size": 1}
    async with Database(address, **options) as database, database.connection() as connection:
        for statement in statements:
            await connection.execute(text(statement))


INSERT = "INSERT INTO person (id, email, {quoted}, name, first, last) VALUES "


def found(error: BaseException, *tables: Table) -> Violation:
    violated = violation(error, *(tables or TABLES))
    assert violated is not None
    return violated


async def test_a_taken_value_names_its_column(refused: Refused) -> None:
    violated = found(await refused(INSERT + "(2, 'ada@example.com', NULL, NULL, NULL, NULL)"))
    assert violated.kind == "unique"
    assert "email" in violated.columns


async def test_a_taken_primary_key_names_its_column(refused: Refused, database: str) -> None:
    violated = found(await refused(INSERT + "(1, 'bob@example.com', NULL, NULL, NULL, NULL)"))
    assert violated.kind == "unique"
    # MySQL and MariaDB call it PRIMARY, in each table.
    assert violated.columns == (frozenset() if database == "mariadb" else {"id"})


async def test_an_expression_names_its_column(refused: Refused, database: str) -> None:
    violated = found(await refused(INSERT + "(2, 'ADA@example.com', NULL, NULL, NULL, NULL)"))
    assert violated.kind == "unique"
    assert "email" in violated.columns
    assert violated.is_in(PERSON)
    assert not violated.is_in(LINK)


async def test_a_constraint_without_a_name_names_its_column(refused: Refused) -> None:
    violated = found(await refused(INSERT + "(2, 'bob@example.com', NULL, 'ada', NULL, NULL)"))
    assert violated == Violation("unique", frozenset({"name"}), "person")


async def test_a_constraint_names_all_its_columns(refused: Refused) -> None:
    violated = found(await refused(INSERT + "(2, 'b', NULL, NULL, 'Ada', 'Byron')"))
    assert violated == Violation("unique", frozenset({"first", "last"}), "person")


async def test_a_name_that_has_to_be_quoted_is_read_whole(refused: Refused) -> None:
    violated = found(await refused(INSERT + "(2, 'bob@example.com', 'ada''s', NULL, NULL, NULL)"))
    assert violated == Violation("unique", frozenset({"E-mail"}), "person")


async def test_what_is_named_otherwise_than_declared_may_be_any_of_the_columns(
    refused: Refused, database: str
) -> None:
    """Only MySQL and MariaDB say nothing but the name."""
    statement = INSERT + "(2, 'bob@example.com', NULL, NULL, 'Ada', 'Byron')"
    as_it_is = Table("person", MetaData(), *(Column(c.name, c.type) for c in PERSON.columns))
    violated = found(await refused(statement), as_it_is)
    columns = frozenset() if database == "mariadb" else {"first", "last"}
    assert (violated.kind, violated.columns) == ("unique", columns)
    assert violated.is_in(PERSON)


async def test_a_missing_value_names_its_column(refused: Refused) -> None:
    violated = found(await refused(INSERT + "(2, NULL, NULL, NULL, NULL, NULL)"))
    assert (violated.kind, violated.columns) == ("null", {"email"})


async def test_a_value_that_is_not_given_names_its_column(refused: Refused) -> None:
    violated = found(await refused("INSERT INTO person (id) VALUES (2)"))
    assert (violated.kind, violated.columns) == ("null", {"email"})


async def test_a_reference_to_nobody_is_one(refused: Refused, database: str) -> None:
    violated = found(await refused("INSERT INTO link VALUES (2, 2)"))
    assert violated.kind == "reference"
    # SQLite does not say which.
    assert violated.columns == (frozenset() if database == "sqlite" else {"person_id"})
    assert violated.is_in(LINK)


async def test_what_is_referred_to_is_a_reference(refused: Refused) -> None:
    assert found(await refused("DELETE FROM person")).kind == "reference"


@pytest.mark.parametrize("statement", ["SELECT * FROM nowhere", "this is no SQL"])
async def test_what_violates_nothing_is_nothing(refused: Refused, statement: str) -> None:
    assert violation(await refused(statement), *TABLES) is None


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg", "databases-postgresql"], indirect=True)
async def test_where_postgresql_hides_the_row_its_constraint_is_looked_up(refused: Refused) -> None:
    """It does for whoever may write a table, and not read it."""
    error = await refused(
        "INSERT INTO person (id, email, first, last) VALUES (2, 'b', 'Ada', 'Byron')",
        "GRANT INSERT ON person TO pg_monitor",
        "SET ROLE pg_monitor",
    )
    assert found(error) == Violation("unique", frozenset({"first", "last"}), "person")


class MySQLError(Exception):
    """What MySQL 8 raises, whichever driver, where MariaDB says less."""


class OtherError(Exception):
    """SQLAlchemy's own, which has the code and nothing else."""

    sqlstate = "23505"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            MySQLError(1062, "Duplicate entry 'a' for key 'person.ix_person_email'"),
            Violation("unique", frozenset({"email"}), "person"),
        ),
        (MySQLError(1062, "Doppelter Eintrag"), Violation("unique")),
        (MySQLError(1062), Violation("unique")),
        (
            MySQLError(1048, "Column 'email' cannot be null"),
            Violation("null", frozenset({"email"})),
        ),
        (MySQLError("1062", "is no number"), None),
        (MySQLError(), None),
        (OtherError("refused"), None),
        (ValueError("UNIQUE"), None),
    ],
    ids=str,
)
def test_what_no_server_here_says(error: Exception, expected: Violation | None) -> None:
    assert violation(error, *TABLES) == expected


def test_a_cause_is_found_wherever_it_is() -> None:
    error = RuntimeError("an app's own")
    with suppress(RuntimeError):
        raise error from MySQLError(1062, "Duplicate entry 'a' for key 'name'")
    assert found(error) == Violation("unique", frozenset({"name"}), "person")


def test_without_columns_and_table_it_may_be_any() -> None:
    assert Violation("unique").is_in(PERSON)


def test_with_columns_it_is_of_a_table_that_has_one() -> None:
    violated = Violation("unique", frozenset({"person_id"}))
    assert violated.is_in(LINK)
    assert not violated.is_in(PERSON)


class WrappedError(Exception):
    """What SQLAlchemy makes of a driver's error."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.orig = MySQLError(*args)


@pytest.mark.parametrize(
    ("arguments", "is_hiding"),
    [
        ((1305, "SAVEPOINT sa_savepoint_1 does not exist"), True),
        ((1305, "FUNCTION f does not exist"), False),
        ((1213, "Deadlock found"), False),
    ],
)
def test_a_savepoint_that_has_gone_hides_no_error(
    arguments: tuple[Any, ...], is_hiding: bool
) -> None:
    error, deadlock = WrappedError(*arguments), WrappedError(1213, "Deadlock found")
    assert first_error(error) is error
    error.__context__ = deadlock
    assert first_error(error) is (deadlock if is_hiding else error)
