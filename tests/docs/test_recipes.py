"""No recipe for Alembic loses a row or an index, whatever refers to the table and is on it.

Each runs on tables as older releases made them, with rows in all of them and an index on an
expression; on SQLite with foreign keys enforced, as many apps have them.
"""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import alembic
import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Engine,
    Index,
    MetaData,
    String,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.conftest import Addresses
from tests.docs.samples import SOURCE

# One driver for each database is enough: what matters is the DDL.
SYNCHRONOUS_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-aiomysql": "mysql+pymysql",
}
RECIPES = sorted(path.stem for path in (SOURCE / "migrations" / "versions").glob("*.py"))
ENFORCE = "PRAGMA foreign_keys=ON"
TABLES = ["user", "oauth_account", "accesstoken"]
# An app's own, which has never heard of this package.
OTHER_ENV_PY = """
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""
ALTER_IN_BATCH_MODE = """
from alembic import op
import sqlalchemy as sa

revision = "alter"
down_revision = None


def upgrade():
    with op.batch_alter_table("user") as batch:
        batch.alter_column("is_active", existing_type=sa.Boolean(), nullable=True)
"""
without_expression_indexes = pytest.mark.filterwarnings(
    "ignore:.*expression-based index", "ignore:.*reflection of expression"
)


@dataclass
class Project:
    """An app with tables of old, rows in each of them, and an Alembic environment."""

    directory: Path
    config: Config
    engine: Engine
    models: Any

    def create_tables(self) -> None:
        old = MetaData()
        for table in self.models.Base.metadata.sorted_tables:
            # Without the indexes that the recipes create.
            copy = table.to_metadata(old)
            copy.indexes = {index for index in copy.indexes if str(index.name).endswith("_email")}
        users, accounts = old.tables["user"], old.tables["oauth_account"]
        users.c.hashed_password.type = String(72)
        accounts.c.access_token.type = accounts.c.refresh_token.type = String(1024)
        if self.engine.dialect.name != "mysql":  # MariaDB has no such indexes
            Index("own_index", func.upper(users.c.email))
        old.create_all(self.engine)

    def insert_user(self, email: str, account_id: str) -> None:
        """Insert a user who has an OAuth account and an access token."""
        user_id = uuid4()
        users, accounts, tokens = (
            getattr(self.models, name).__table__ for name in ("User", "OAuthAccount", "AccessToken")
        )
        account = {"oauth_name": "acme", "account_email": email, "access_token": "..."}
        with self.engine.begin() as connection:
            connection.execute(
                users.insert().values(id=user_id, email=email, hashed_password="...")
            )
            connection.execute(
                accounts.insert().values(user_id=user_id, account_id=account_id, **account)
            )
            connection.execute(tokens.insert().values(user_id=user_id, token=uuid4().hex))

    def rows(self) -> dict[str, list[Any]]:
        """Return the rows of each table."""
        preparer = self.engine.dialect.identifier_preparer
        with self.engine.connect() as connection:
            return {
                table: sorted(
                    map(repr, connection.execute(text(f"SELECT * FROM {preparer.quote(table)}")))
                )
                for table in TABLES
            }

    def indexes(self) -> set[str]:
        """Return the names of the indexes that PostgreSQL would use."""
        if self.engine.dialect.name == "mysql":
            found = inspect(self.engine)
            return {str(i["name"]) for table in TABLES for i in found.get_indexes(table)}
        query = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
            "postgresql": "SELECT indexrelid::regclass::text FROM pg_index WHERE indisvalid "
            "AND indrelid::regclass::text IN ('\"user\"', 'oauth_account', 'accesstoken')",
        }[self.engine.dialect.name]
        with self.engine.connect() as connection:
            return set(connection.scalars(text(query)))

    def upgrade(self, revision: str) -> None:
        with self.engine.connect() as connection:
            self.config.attributes["connection"] = connection
            command.upgrade(self.config, revision)

    def use_other_env(self) -> None:
        """Take an `env.py` that leaves foreign keys as the app has them."""
        (self.directory / "env.py").write_text(OTHER_ENV_PY)


def enforce_foreign_keys(connection: Any, _: Any) -> None:
    if "sqlite" in type(connection).__module__:
        connection.execute(ENFORCE)


@pytest.fixture(params=SYNCHRONOUS_DRIVERS)
def project(
    request: pytest.FixtureRequest,
    empty_database: Callable[[str], Addresses],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    """Give an app with two users, whose engines all enforce foreign keys."""
    shutil.copytree(SOURCE / "migrations", tmp_path, dirs_exist_ok=True)
    [package] = alembic.__path__
    shutil.copy(Path(package) / "templates" / "async" / "script.py.mako", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    address = empty_database(request.param)
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("sqlalchemy.url", address.orm)
    event.listen(Engine, "connect", enforce_foreign_keys)
    engine = create_engine(make_url(address.orm).set(drivername=SYNCHRONOUS_DRIVERS[address.name]))
    project = Project(tmp_path, config, engine, importlib.import_module("models"))
    project.create_tables()
    project.insert_user("ada@example.com", "1")
    project.insert_user("bob@example.com", "2")
    yield project
    engine.dispose()
    event.remove(Engine, "connect", enforce_foreign_keys)
    for module in ("models", "find_duplicates"):
        sys.modules.pop(module, None)


def before(recipe: str, config: Config) -> str:
    """Return the revision that a recipe follows."""
    found: Any = ScriptDirectory.from_config(config).get_revision(recipe)
    return found.down_revision or "base"


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_recipe_loses_a_row_or_an_index(project: Project, recipe: str) -> None:
    project.use_other_env()
    project.upgrade(before(recipe, project.config))
    rows, indexes = project.rows(), project.indexes()
    assert [len(rows[table]) for table in TABLES] == [2, 2, 2]
    project.upgrade(recipe)
    assert project.rows() == rows
    assert project.indexes() >= indexes


@pytest.mark.parametrize("project", ["postgresql"], indirect=True)
@pytest.mark.parametrize("recipe", [name for name in RECIPES if "index" in name])
def test_recipe_of_an_index_can_run_again(project: Project, recipe: str) -> None:
    project.upgrade(recipe)
    indexes = project.indexes()
    with project.engine.begin() as connection:
        # Nothing says that it has run, as after a failure.
        earlier = {"earlier": before(recipe, project.config)}
        connection.execute(text("UPDATE alembic_version SET version_num = :earlier"), earlier)
    project.upgrade(recipe)
    assert project.indexes() == indexes


@pytest.mark.parametrize("project", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("recipe", "index", "email", "account_id"),
    [
        ("unique_email_index", "ix_user_email_lower", "ADA@example.com", "3"),
        ("unique_oauth_account_index", "ix_oauth_account_account", "eve@example.com", "2"),
    ],
)
def test_recipe_that_has_failed_can_run_again(
    project: Project, recipe: str, index: str, email: str, account_id: str
) -> None:
    project.insert_user(email, account_id)
    with pytest.raises(IntegrityError):
        project.upgrade(recipe)
    assert index not in project.indexes()
    with project.engine.begin() as connection:
        connection.execute(text('DELETE FROM "user" WHERE email = :email'), {"email": email})
    project.upgrade(recipe)
    assert index in project.indexes()


def test_env_py_loses_no_row(project: Project) -> None:
    rows, indexes = project.rows(), project.indexes()
    command.upgrade(project.config, "head")
    assert project.rows() == rows
    assert project.indexes() > indexes


@pytest.fixture
def in_batch_mode(project: Project) -> Project:
    """Give an app whose only revision alters the user table in batch mode."""
    versions = project.directory / "versions"
    shutil.rmtree(versions)
    versions.mkdir()
    (versions / "alter.py").write_text(ALTER_IN_BATCH_MODE)
    return project


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
@without_expression_indexes
def test_env_py_loses_no_row_in_batch_mode(in_batch_mode: Project) -> None:
    rows = in_batch_mode.rows()
    command.upgrade(in_batch_mode.config, "head")
    columns = inspect(in_batch_mode.engine).get_columns("user")
    assert [c["nullable"] for c in columns if c["name"] == "is_active"] == [True]
    assert in_batch_mode.rows() == rows
    # The rows refer to the new table, and the app's own engine still looks after that.
    with in_batch_mode.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text("UPDATE accesstoken SET user_id = 'nobody'"))


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
@without_expression_indexes
def test_another_env_py_loses_what_refers_to_the_table_in_batch_mode(
    in_batch_mode: Project,
) -> None:
    in_batch_mode.use_other_env()
    in_batch_mode.upgrade("head")
    assert [len(in_batch_mode.rows()[table]) for table in TABLES] == [2, 0, 0]


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
@without_expression_indexes
def test_batch_mode_loses_an_index_on_an_expression(in_batch_mode: Project) -> None:
    indexes = in_batch_mode.indexes()
    command.upgrade(in_batch_mode.config, "head")
    assert indexes - in_batch_mode.indexes() == {"own_index"}


@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_alter_a_column(project: Project) -> None:
    rows = project.rows()
    with project.engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with pytest.raises(OperationalError):
            operations.alter_column("user", "id", type_=String(36))
    assert project.rows() == rows
