"""An app on a real database, with tables as older releases made them."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import alembic
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, String, create_engine, event, make_url, text

from tests.conftest import Addresses

APP = """\
from fastapi import Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship
from sqlalchemy.pool import NullPool

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    unique_email_index,
    unique_oauth_account_index,
)

engine = create_async_engine({url!r}, poolclass=NullPool)
Base = declarative_base()


class User(SQLAlchemyBaseUserTableUUID, Base):
    nickname = Column(String(20))
    oauth_accounts = relationship("OAuthAccount")


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


unique_email_index(User)
unique_oauth_account_index(OAuthAccount)


async def get_user_db():
    async with AsyncSession(engine) as session:
        yield SQLAlchemyUserDatabase(session, User, OAuthAccount)


async def get_token_db():
    async with AsyncSession(engine) as session:
        yield SQLAlchemyAccessTokenDatabase(session, AccessToken)


class UserManager(UUIDIDMixin, BaseUserManager):
    pass


async def get_user_manager(user_db=Depends(get_user_db)):
    yield UserManager(user_db)


fastapi_users = FastAPIUsers(get_user_manager, [])
something = 1


def get_something():
    return something


async def get_unreachable():
    unreachable = create_async_engine("postgresql+asyncpg://me:secret@127.0.0.1:1/x")
    async with AsyncSession(unreachable) as session:
        yield SQLAlchemyUserDatabase(session, User)


def get_failure():
    raise OSError("refused")
"""
ENV_PY = """
from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""
FIRST = """\
from alembic import op

revision = {0!r}
down_revision = {1!r}


def upgrade():
    pass
"""
SYNCHRONOUS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}
TABLES = ("user", "oauth_account", "accesstoken")
every_database = pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb-aiomysql"])


class Project:
    """An app with tables of old, and an environment of Alembic's at its head."""

    def __init__(self, folder: Path, addresses: Addresses) -> None:
        (folder / "app.py").write_text(APP.format(url=addresses.orm))
        self.folder = folder
        self.url = addresses.orm
        url = make_url(addresses.orm)
        self.database = url.get_backend_name()
        self.engine = create_engine(url.set(drivername=SYNCHRONOUS[self.database]))
        if self.database == "sqlite":
            event.listen(self.engine, "connect", _enforce)
        shutil.copy(
            Path(alembic.__file__).parent / "templates" / "generic" / "script.py.mako",
            folder / "script.py.mako",
        )
        (folder / "env.py").write_text(ENV_PY)
        (folder / "versions").mkdir()
        (folder / "versions" / "first.py").write_text(FIRST.format("first", None))
        (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = {folder}\n")
        self.models: Any = ModuleType("models")
        exec(compile((folder / "app.py").read_text(), "models", "exec"), self.models.__dict__)

    def create(self, *, sound: bool = False) -> None:
        """Create the tables, as older releases did or as they should be."""
        metadata = MetaData()
        for table in self.models.Base.metadata.sorted_tables:
            copy = table.to_metadata(metadata)
            if not sound:
                copy.indexes.clear()
        if not sound:
            users, accounts = metadata.tables["user"], metadata.tables["oauth_account"]
            users.c.hashed_password.type = String(72)
            accounts.c.access_token.type = accounts.c.refresh_token.type = String(1024)
            users._columns.remove(users.c.nickname)  # type: ignore[attr-defined]
        elif self.database == "mysql":
            metadata.tables["user"].indexes = {
                each for each in metadata.tables["user"].indexes if "lower" not in str(each.name)
            }
        metadata.create_all(self.engine)

    def insert(self, email: str) -> None:
        """Insert a user with an account and a token."""
        key = str(uuid4())
        quote = self.engine.dialect.identifier_preparer.quote
        with self.engine.begin() as connection:
            for statement in (
                f"INSERT INTO {quote('user')} (id, email, hashed_password, is_active, "
                "is_superuser, is_verified) VALUES (:id, :email, 'x', true, false, false)",
                "INSERT INTO oauth_account (id, user_id, oauth_name, access_token, account_id, "
                "account_email) VALUES (:id, :id, 'acme', 't', :email, :email)",
                "INSERT INTO accesstoken (token, user_id, created_at) "
                "VALUES (:token, :id, '2020-01-01 00:00:00')",
            ):
                values = {"id": key, "email": email, "token": key}
                names = {name: values[name] for name in values if f":{name}" in statement}
                connection.execute(text(statement), names)

    def counts(self) -> list[int]:
        quote = self.engine.dialect.identifier_preparer.quote
        with self.engine.connect() as connection:
            return [
                connection.execute(text(f"SELECT count(*) FROM {quote(table)}")).scalar_one()
                for table in TABLES
            ]

    def upgrade(self) -> None:
        """Run all revisions."""
        config = Config(self.folder / "alembic.ini")
        with self.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()


def _enforce(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")


Make = Callable[[str], Project]


@pytest.fixture
def make(
    new_database: Callable[[str], Addresses], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    engines: list[Engine] = []

    def make(database: str) -> Project:
        project = Project(tmp_path, new_database(database))
        engines.append(project.engine)
        return project

    yield make
    sys.modules.pop("app", None)
    for engine in engines:
        engine.dispose()
