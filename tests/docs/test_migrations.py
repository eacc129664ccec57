"""The Alembic environment and recipes, on tables as older releases made them."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Engine,
    MetaData,
    String,
    Text,
    create_engine,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tests.conftest import Addresses
from tests.docs.samples import SOURCE

# One driver for each database is enough: what matters is the DDL.
SYNCHRONOUS_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-aiomysql": "mysql+pymysql",
}
sqlite_cannot_tell_the_index = pytest.mark.filterwarnings(
    "ignore:.*expression-based index:UserWarning",
    "ignore:.*expression-based index:sqlalchemy.exc.SAWarning",
)


@dataclass
class Project:
    """An app whose Alembic environment is the sample's."""

    address: Addresses
    engine: Engine
    config: Config
    models: Any

    def columns(self, table: str) -> dict[str, Any]:
        columns = inspect(self.engine).get_columns(table)
        return {column["name"]: column["type"] for column in columns}

    def create_old_tables(self) -> None:
        """Create the tables as the adapters of the FastAPI Users project once did."""
        old = MetaData()
        for table in self.models.Base.metadata.sorted_tables:
            table.to_metadata(old)
        users, accounts = old.tables["user"], old.tables["oauth_account"]
        users.c.hashed_password.type = String(72)
        accounts.c.access_token.type = accounts.c.refresh_token.type = String(1024)
        for table in old.sorted_tables:
            new = ("_user_id", "_email_lower", "_account_account")
            added = [i for i in table.indexes if i.name.endswith(new)]
            table.indexes.difference_update(added)
        old.create_all(self.engine)

    def insert_account(self, account_id: str) -> None:
        users, accounts = (getattr(self.models, n).__table__ for n in ("User", "OAuthAccount"))
        values = {"oauth_name": "acme", "access_token": "...", "account_email": "ada@example.com"}
        with self.engine.begin() as connection:
            [user_id] = connection.scalars(select(users.c.id))
            row = {**values, "user_id": user_id, "account_id": account_id}
            connection.execute(accounts.insert().values(**row))

    def insert_user(self, email: str) -> None:
        users = self.models.User.__table__
        with self.engine.begin() as connection:
            connection.execute(users.insert().values(email=email, hashed_password="..."))


@pytest.fixture(params=SYNCHRONOUS_DRIVERS)
def project(
    request: pytest.FixtureRequest,
    empty_database: Callable[[str], Addresses],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    """Give an app without tables."""
    shutil.copytree(SOURCE / "migrations", tmp_path, dirs_exist_ok=True)
    [package] = alembic.__path__
    shutil.copy(Path(package) / "templates" / "async" / "script.py.mako", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    address = empty_database(request.param)
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("sqlalchemy.url", address.orm)
    engine = create_engine(make_url(address.orm).set(drivername=SYNCHRONOUS_DRIVERS[address.name]))
    yield Project(address, engine, config, importlib.import_module("models"))
    engine.dispose()
    for module in ("models", "find_duplicates"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize("project", ["postgresql", "mariadb-aiomysql"], indirect=True)
def test_password_hashes_and_tokens_get_room(project: Project) -> None:
    project.create_old_tables()
    assert project.columns("user")["hashed_password"].length == 72
    command.upgrade(project.config, "head")
    assert project.columns("user")["hashed_password"].length == 1024
    accounts = project.columns("oauth_account")
    assert isinstance(accounts["access_token"], Text)
    assert isinstance(accounts["refresh_token"], Text)


def test_users_survive(project: Project) -> None:
    project.create_old_tables()
    project.insert_user("ada@example.com")
    command.upgrade(project.config, "head")
    with project.engine.connect() as connection:
        users = project.models.User.__table__
        assert connection.scalars(select(users.c.email)).all() == ["ada@example.com"]


def test_foreign_keys_are_indexed(project: Project) -> None:
    project.create_old_tables()
    command.upgrade(project.config, "head")
    for table in ("oauth_account", "accesstoken"):
        indexes = inspect(project.engine).get_indexes(table)
        assert ["user_id"] in [index["column_names"] for index in indexes]


def test_addresses_differ_by_more_than_case(project: Project) -> None:
    project.create_old_tables()
    command.upgrade(project.config, "head")
    project.insert_user("ada@example.com")
    with pytest.raises(IntegrityError):
        project.insert_user("ADA@example.com")


def test_external_accounts_are_linked_once(project: Project) -> None:
    project.create_old_tables()
    project.insert_user("ada@example.com")
    for account_id in ("1", "2", "2"):
        project.insert_account(account_id)
    statement = (SOURCE / "migrations" / "linked_twice.sql").read_text().rstrip(";\n")
    with project.engine.begin() as connection:
        assert connection.exec_driver_sql(statement).all() == [("acme", "2", 2)]
        connection.execute(project.models.OAuthAccount.__table__.delete())
    command.upgrade(project.config, "head")
    project.insert_account("2")
    with pytest.raises(IntegrityError):
        project.insert_account("2")


@sqlite_cannot_tell_the_index
def test_recipes_lead_to_the_tables_of_this_package(project: Project) -> None:
    project.create_old_tables()
    command.upgrade(project.config, "head")
    command.check(project.config)


@sqlite_cannot_tell_the_index
def test_autogenerated_revision_runs(project: Project, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "versions")
    (tmp_path / "versions").mkdir()
    command.revision(project.config, "create tables", autogenerate=True)
    command.upgrade(project.config, "head")
    command.check(project.config)


@pytest.mark.parametrize("project", ["sqlite", "postgresql"], indirect=True)
async def test_duplicates_are_found(project: Project) -> None:
    project.create_old_tables()
    for email in ("ada@example.com", "ADA@example.com", "bob@example.com"):
        project.insert_user(email)
    find_duplicates = importlib.import_module("find_duplicates").find_duplicates
    engine = create_async_engine(project.address.orm)
    async with AsyncSession(engine) as session:
        found = {user.email for user in await find_duplicates(session)}
    await engine.dispose()
    assert found == {"ada@example.com", "ADA@example.com"}
