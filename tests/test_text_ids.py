"""Ids of text, tokens and external accounts are found in exactly their letters, and by an index,
whatever the collation of their columns takes for the same."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from fastapi_users_db.comparison import is_same_text, same_text
from tests.conftest import Addresses
from tests.test_schema import SYNCHRONOUS_DRIVERS

ICU = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false)"
LOOSE_UNICODE = "CREATE TABLE people (id varchar(40) COLLATE loose PRIMARY KEY)"


@dataclass(frozen=True)
class Column:
    """A column by its DDL, and what its database takes for "alice"."""

    database: str
    ddl: tuple[str, ...]
    explain: str = "EXPLAIN"
    by_index: str = "Index"
    wider: frozenset[str] = frozenset()
    type: Any = sa.String


SQLITE = {"explain": "EXPLAIN QUERY PLAN", "by_index": "USING COVERING INDEX"}
COLUMNS = {
    "sqlite": Column("sqlite", ("CREATE TABLE people (id VARCHAR(40) PRIMARY KEY)",), **SQLITE),
    "sqlite-nocase": Column(
        "sqlite",
        ("CREATE TABLE people (id VARCHAR(40) COLLATE NOCASE PRIMARY KEY)",),
        wider=frozenset({"ALICE"}),
        **SQLITE,
    ),
    "postgresql": Column("postgresql", ("CREATE TABLE people (id varchar(40) PRIMARY KEY)",)),
    "postgresql-icu": Column(
        "postgresql", (ICU, LOOSE_UNICODE), wider=frozenset({"ALICE", "\xe1lice"})
    ),
    "postgresql-citext": Column(
        "postgresql",
        ("CREATE EXTENSION citext", "CREATE TABLE people (id citext PRIMARY KEY)"),
        wider=frozenset({"ALICE"}),
        type=getattr(postgresql, "CITEXT", None),
    ),
    "postgresql-char": Column("postgresql", ("CREATE TABLE people (id char(40) PRIMARY KEY)",)),
    "mariadb": Column(
        "mariadb-asyncmy", ("CREATE TABLE people (id VARCHAR(40) PRIMARY KEY)",), by_index="PRIMARY"
    ),
    "mariadb-latin1": Column(
        "mariadb-asyncmy",
        ("CREATE TABLE people (id VARCHAR(40) PRIMARY KEY) CHARACTER SET latin1",),
        by_index="PRIMARY",
    ),
    "mariadb-char": Column(
        "mariadb-asyncmy", ("CREATE TABLE people (id CHAR(40) PRIMARY KEY)",), by_index="PRIMARY"
    ),
}


@pytest.fixture(scope="module", params=COLUMNS)
def column(request: pytest.FixtureRequest) -> Column:
    column = COLUMNS[request.param]
    if column.type is None:
        pytest.skip("This SQLAlchemy has no CITEXT.")
    return column


@pytest.fixture(scope="module")
def ids(column: Column) -> sa.Column[Any]:
    return sa.Table("people", sa.MetaData(), sa.Column("id", column.type, primary_key=True)).c.id


@pytest.fixture(scope="module")
def connection(
    column: Column, ids: sa.Column[Any], new_database: Callable[[str], Addresses]
) -> Iterator[sa.Connection]:
    """A connection to a database where alice is one of a thousand."""
    driver = SYNCHRONOUS_DRIVERS[column.database]
    url = sa.make_url(new_database(column.database).orm).set(drivername=driver)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for statement in column.ddl:
            connection.execute(sa.text(statement))
        people = ["alice", *(f"person {number}" for number in range(1000))]
        connection.execute(ids.table.insert(), [{"id": person} for person in people])
        if column.database == "postgresql":
            connection.execute(sa.text("ANALYZE people"))
        yield connection
    engine.dispose()


def found(connection: sa.Connection, ids: sa.Column[Any], given: str) -> str | None:
    return connection.scalar(sa.select(ids).where(same_text(ids, given)))


OTHERS = ["ALICE", "Alice", "alice ", " alice", "\xe1lice", "alic", "alice\xad"]


def test_text_is_found_in_its_own_letters(connection: sa.Connection, ids: sa.Column[Any]) -> None:
    person = found(connection, ids, "alice")
    assert person is not None
    assert is_same_text(person, "alice")


@pytest.mark.parametrize("given", OTHERS)
def test_text_in_other_letters_is_another(
    connection: sa.Connection, ids: sa.Column[Any], given: str
) -> None:
    person = found(connection, ids, given)
    if person is not None and given.rstrip() == person.rstrip():
        assert len(person) == 40  # a CHAR of PostgreSQL, all of which end in spaces
    else:
        assert person is None or not is_same_text(person, given)


def test_last_look_is_needed_where_the_column_compares_loosely(
    connection: sa.Connection, column: Column, ids: sa.Column[Any]
) -> None:
    for given in column.wider:
        assert found(connection, ids, given) == "alice"
        assert not is_same_text("alice", given)


def test_text_is_found_by_the_index(
    connection: sa.Connection, column: Column, ids: sa.Column[Any]
) -> None:
    statement = sa.select(ids).where(same_text(ids, "alice"))
    sql = statement.compile(connection, compile_kwargs={"literal_binds": True})
    plan = connection.exec_driver_sql(f"{column.explain} {sql}").all()
    assert column.by_index in str(plan)


@pytest.mark.parametrize(("one", "other"), [(1, 1), (1, None), (None, "1"), (1, "1")])
def test_what_is_no_text_is_left_to_the_database(one: Any, other: Any) -> None:
    assert is_same_text(one, other)
