"""`compare_type` sees no difference in a width that SQLite does not enforce."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    make_url,
)

from fastapi_users_db.alembic import compare_type
from tests.conftest import Addresses

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-aiomysql": "mysql+pymysql",
}


@pytest.fixture(params=DRIVERS)
def connection(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Iterator[Connection]:
    url = make_url(new_database(request.param).orm).set(drivername=DRIVERS[request.param])
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def table_with(type_: Any) -> MetaData:
    metadata = MetaData()
    Table("user", metadata, Column("id", Integer(), primary_key=True), Column("c", type_))
    return metadata


@pytest.mark.parametrize(
    ("live", "declared", "differs_on_sqlite"),
    [
        (String(72), String(1024), False),
        (String(1024), Text(), False),
        (String(72), Integer(), True),
        (Integer(), Text(), True),
    ],
)
def test_width_is_no_difference_on_sqlite(
    connection: Connection, live: Any, declared: Any, differs_on_sqlite: bool
) -> None:
    table_with(live).create_all(connection)
    context = MigrationContext.configure(connection, opts={"compare_type": compare_type})
    differences = compare_metadata(context, table_with(declared))
    assert bool(differences) == (differs_on_sqlite or connection.dialect.name != "sqlite")
