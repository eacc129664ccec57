"""Every row that a generation of upstream has written reads the same through us, and back.

Equal means: the same value of the same type, for every column of every row, by every public
method that reads. The one thing that may differ is whether a time says that it is in UTC:
upstream 1.1.0 gives naive datetimes on SQLite and MariaDB, we never do. MariaDB's columns hold
no microseconds, whoever writes them.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import create_engine, text

from tests.conftest import Addresses
from tests.programs import Program, Side
from tests.same_bytes.data import CHANGES, MARIA, WRITES, Reference, in_utc, token
from tests.same_bytes.sides import (
    LEGACY_DATABASES,
    LEGACY_ORM,
    OTHERS,
    UPSTREAM,
    as_text,
    ask,
)


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[Side], Program]]:
    """Start a program, unless it runs already."""
    programs: dict[Side, Program] = {}

    def started(side: Side) -> Program:
        if side not in programs:
            programs[side] = stack.enter_context(side.running())
        return programs[side]

    with ExitStack() as stack:
        yield started


@pytest.fixture(scope="session", params=UPSTREAM, ids=lambda side: side.name)
def upstream(request: pytest.FixtureRequest, start: Callable[[Side], Program]) -> Program:
    return start(request.param)


@pytest.fixture(scope="session", params=OTHERS, ids=lambda side: side.name)
def other(request: pytest.FixtureRequest, start: Callable[[Side], Program]) -> Program:
    return start(request.param)


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mariadb-aiomysql"])
def database(request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]) -> Addresses:
    return new_database(request.param)


@pytest.fixture
def upstreams_tables(upstream: Program, database: Addresses) -> Iterator[Addresses]:
    """A database with the tables as this generation of upstream creates them."""
    ask(upstream, database, ("create_tables",))
    yield database
    drop_tables(database)


@pytest.fixture
def reference(database: Addresses, other: Program) -> Reference:
    return Reference(
        microseconds=not database.name.startswith("mariadb"),
        returns_given=other.side.file in (LEGACY_DATABASES, LEGACY_ORM),
    )


def drop_tables(database: Addresses) -> None:
    drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
    _, _, rest = database.orm.partition(":")
    engine = create_engine(f"{drivers.get(database.name, 'mysql+pymysql')}:{rest}")
    quote = engine.dialect.identifier_preparer.quote
    with engine.begin() as connection:
        for table in ("accesstoken", "oauth_account", "user"):
            connection.execute(text(f"DROP TABLE {quote(table)}"))
    engine.dispose()


def test_we_read_what_upstream_wrote(
    upstream: Program, other: Program, upstreams_tables: Addresses, reference: Reference
) -> None:
    ask(upstream, upstreams_tables, *WRITES)
    reference.ask(WRITES)
    questions = reference.questions()

    read = ask(other, upstreams_tables, *questions)

    assert as_text(read) == as_text(reference.ask(questions))
    assert as_text(read) == as_text(in_utc(ask(upstream, upstreams_tables, *questions)))


def test_upstream_reads_what_we_changed(
    upstream: Program, other: Program, upstreams_tables: Addresses, reference: Reference
) -> None:
    ask(upstream, upstreams_tables, *WRITES)
    reference.ask(WRITES)

    returned = ask(other, upstreams_tables, *CHANGES)

    assert as_text(returned) == as_text(reference.ask(CHANGES))
    questions = reference.questions()
    read = in_utc(ask(upstream, upstreams_tables, *questions))
    assert as_text(read) == as_text(reference.ask(questions))
    assert as_text(read) == as_text(ask(other, upstreams_tables, *questions))


def test_upstream_reads_the_tables_that_we_created(
    upstream: Program, other: Program, database: Addresses, reference: Reference
) -> None:
    ask(other, database, ("create_tables",), *WRITES)
    reference.ask(WRITES)
    questions = reference.questions()

    read = in_utc(ask(upstream, database, *questions))

    drop_tables(database)
    assert as_text(read) == as_text(reference.ask(questions))


def test_we_read_the_time_that_upstream_reads_where_it_lost_the_offset(
    upstream: Program, other: Program, upstreams_tables: Addresses
) -> None:
    # SQLite and MariaDB keep the hour of a time that is not in UTC, and drop its offset.
    local = datetime(2022, 6, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    ask(upstream, upstreams_tables, WRITES[0], ("create_token", token("local", MARIA, local)))
    question = ("get_by_token", token("local", MARIA, local)["token"])

    read = ask(other, upstreams_tables, question)

    assert as_text(read) == as_text(in_utc(ask(upstream, upstreams_tables, question)))
