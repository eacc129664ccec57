"""The revision that Alembic asks for once an app's tables are no longer upstream's."""

import ast
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fastapi_users_db_sqlalchemy
import fastapi_users_db_sqlalchemy.access_token
import pytest
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, MetaData, create_engine, event, make_url
from sqlalchemy.orm import DeclarativeBase

import fastapi_users_db
from fastapi_users_db.alembic import compare_type, include_object
from tests.docs.samples import SOURCE, load

SAMPLE = "migrating/upstream_revision.py"
pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")


def tables(package: ModuleType, tokens: ModuleType) -> MetaData:
    """Declare an app's tables with the mixins of a package."""

    class Base(DeclarativeBase):
        pass

    mixins: list[Any] = [
        package.SQLAlchemyBaseUserTableUUID,
        package.SQLAlchemyBaseOAuthAccountTableUUID,
        tokens.SQLAlchemyBaseAccessTokenTableUUID,
    ]
    for mixin in mixins:
        type(Base)(mixin.__name__, (mixin, Base), {})
    return Base.metadata


DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-aiomysql": "mysql+pymysql",
}


@pytest.fixture(params=DRIVERS)
def connection(request: pytest.FixtureRequest, new_database: Any) -> Iterator[Connection]:
    """Give a database with upstream's tables, which are the shim's."""
    url = make_url(new_database(request.param).orm)
    engine = create_engine(url.set(drivername=DRIVERS[request.param]))
    if request.param == "sqlite":
        event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA foreign_keys=ON"))
    shim = fastapi_users_db_sqlalchemy
    with engine.begin() as connection:
        tables(shim, shim.access_token).create_all(connection)
        yield connection
    engine.dispose()


@pytest.fixture
def context(connection: Connection) -> MigrationContext:
    options = {"include_object": include_object, "compare_type": compare_type}
    return MigrationContext.configure(connection, opts=options)


ROW = {
    "user": {"email": "ada@example.com", "hashed_password": "..."},
    "oauth_account": {
        "oauth_name": "acme",
        "access_token": "...",
        "account_id": "1",
        "account_email": "ada@example.com",
    },
    "accesstoken": {"token": "..."},
}


@pytest.fixture
def rows(connection: Connection, new_tables: MetaData) -> dict[str, list[Any]]:
    """Insert a user with an OAuth account and an access token, and return what is there."""
    user_id = uuid.uuid4()
    for table in new_tables.sorted_tables:
        key = "id" if table.name == "user" else "user_id"
        connection.execute(table.insert().values(**ROW[table.name], **{key: user_id}))
    return rows_of(connection, new_tables)


def rows_of(connection: Connection, metadata: MetaData) -> dict[str, list[Any]]:
    return {
        table.name: list(connection.execute(table.select())) for table in metadata.sorted_tables
    }


def invoke(context: MigrationContext, operations: Any) -> None:
    """Do what Alembic has written, table by table."""
    for operation in operations.ops:
        if hasattr(operation, "ops"):
            invoke(context, operation)
        else:
            Operations(context).invoke(operation)


@pytest.fixture
def new_tables() -> MetaData:
    return tables(fastapi_users_db, fastapi_users_db)


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_revision_is_the_one_that_alembic_writes(
    context: MigrationContext, new_tables: MetaData
) -> None:
    operations: Any = produce_migrations(context, new_tables).upgrade_ops
    written = ast.parse(render_python_code(operations).replace("\n    ", "\n"))

    [shown] = [
        node
        for node in ast.parse((SOURCE / SAMPLE).read_text()).body
        if isinstance(node, ast.FunctionDef)
    ]
    assert ast.unparse(shown.body) == ast.unparse(written.body)  # type: ignore[arg-type]


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_nothing_is_left_to_do_after_it(context: MigrationContext, new_tables: MetaData) -> None:
    with Operations.context(context):
        load(SAMPLE).upgrade()

    assert compare_metadata(context, new_tables) == []


def test_it_loses_no_row(
    connection: Connection,
    context: MigrationContext,
    new_tables: MetaData,
    rows: dict[str, list[Any]],
) -> None:
    invoke(context, produce_migrations(context, new_tables).upgrade_ops)

    assert compare_metadata(context, new_tables) == []
    assert rows_of(connection, new_tables) == rows
    assert {table: len(found) for table, found in rows.items()} == dict.fromkeys(ROW, 1)


@pytest.mark.parametrize("connection", ["postgresql"], indirect=True)
def test_what_the_page_shows_loses_no_row(
    connection: Connection,
    context: MigrationContext,
    new_tables: MetaData,
    rows: dict[str, list[Any]],
) -> None:
    with Operations.context(context):
        load(SAMPLE).upgrade()

    assert rows_of(connection, new_tables) == rows


@pytest.mark.parametrize("connection", ["postgresql", "mariadb-aiomysql"], indirect=True)
def test_alembic_would_take_it_back_where_the_tables_are_still_the_shims(
    context: MigrationContext, new_tables: MetaData
) -> None:
    old_tables = tables(fastapi_users_db_sqlalchemy, fastapi_users_db_sqlalchemy.access_token)
    assert compare_metadata(context, old_tables) == []

    invoke(context, produce_migrations(context, new_tables).upgrade_ops)

    operations: Any = produce_migrations(context, old_tables).upgrade_ops
    assert "type_=sa.String(length=1024)" in render_python_code(operations)


@pytest.mark.parametrize("connection", ["mariadb-aiomysql"], indirect=True)
def test_mariadb_needs_no_indexes(context: MigrationContext, new_tables: MetaData) -> None:
    operations: Any = produce_migrations(context, new_tables).upgrade_ops
    assert "create_index" not in render_python_code(operations)
    assert "access_token" in render_python_code(operations)
