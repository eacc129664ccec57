"""`doctor` on real databases: what it finds, and that its revisions mend it and lose nothing."""

import json
import os
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
from fastapi_users_db_cli.command import main
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


@every_database
def test_sound_tables_are_sound(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make(database).create(sound=True)
    assert main(["doctor", "app:get_user_db", "--tokens", "app:get_token_db"]) == 0
    assert capsys.readouterr().out == "The tables are sound.\n"


@every_database
def test_problems_are_in_the_order_of_what_they_break(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make(database).create()
    assert main(["doctor", "app:get_user_db", "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    breaks = [each["severity"] for each in value["problems"]]
    assert breaks == sorted(breaks, key=["login", "registration", "speed"].index)
    assert {"missing-column", "missing-email-index"} <= {each["code"] for each in value["problems"]}
    assert all(each["rewrites"] and each["address"] for each in value["problems"])
    assert main(["doctor", "app:get_user_db"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("BREAKS")
    assert "    fix   op.add_column('user', sa.Column('nickname'" in out


@every_database
def test_revisions_mend_the_tables_and_lose_no_row(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make(database)
    project.create()
    project.upgrade()
    project.insert("ada@example.com")
    project.insert("grace@example.com")
    arguments = ["doctor", "app:get_user_db", "--tokens", "app:get_token_db", "--revision"]
    assert main(arguments) == 1
    assert capsys.readouterr().err.count("Written: ") == 2
    assert main(arguments) == 2  # they wait to be run
    assert "run alembic upgrade head first" in capsys.readouterr().err
    before = project.counts()
    project.upgrade()
    assert project.counts() == before == [2, 2, 2]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("The tables are sound.\n", "")
    for path in (project.folder / "versions").glob("*indexes*.py"):
        assert ("postgresql_concurrently" in path.read_text()) == (database == "postgresql")


def test_revision_that_failed_can_be_run_again(make: Make) -> None:
    project = make("postgresql")
    project.create()
    project.upgrade()
    project.insert("ada@example.com")
    main(["doctor", "app:get_user_db", "--revision"])
    project.insert("Ada@example.com")
    with pytest.raises(Exception, match="could not create unique index"):
        project.upgrade()
    with project.engine.begin() as connection:
        connection.execute(text("DELETE FROM oauth_account WHERE account_email LIKE 'A%'"))
        connection.execute(text("DELETE FROM accesstoken"))
        connection.execute(text("DELETE FROM \"user\" WHERE email LIKE 'A%'"))
    project.upgrade()
    assert main(["doctor", "app:get_user_db"]) == 0


def test_addresses_of_several_users_are_a_persons_to_decide(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.create()
    project.upgrade()
    for email in ("ada@example.com", "Ada@example.com", "grace@example.com"):
        project.insert(email)
    assert main(["doctor", "app:get_user_db", "--revision"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("--   keep?") == captured.out.count("--   other") == 1
    assert "@example.com" not in captured.out + captured.err
    assert "By hand: user.email: emails-differing-by-case" in captured.err
    revisions = [path.read_text() for path in (project.folder / "versions").glob("*.py")]
    assert not any("ix_user_email" in revision for revision in revisions)
    assert any("ix_oauth_account_account" in revision for revision in revisions)


@pytest.mark.parametrize("target", ["get_user_db", "get_user_manager", "fastapi_users"])
def test_object_may_be_what_the_app_has(target: str, make: Make) -> None:
    make("sqlite").create(sound=True)
    assert main(["doctor", f"app:{target}"]) == 0


@every_database
def test_object_may_be_a_mapped_class(
    database: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(database)
    project.create(sound=True)
    plain = make_url(project.url).set(drivername=project.database)
    url = plain.render_as_string(hide_password=False)
    classes = ["app:User", "--oauth", "app:OAuthAccount", "--tokens", "app:AccessToken"]
    assert main(["doctor", *classes, "--database", url]) == 0
    monkeypatch.setenv("DATABASE_URL", project.url)
    assert main(["doctor", "app:User"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["app"], "'app' is not of the form MODULE:OBJECT"),
        (["nowhere:x"], "nowhere:x cannot be imported: ModuleNotFoundError: No module named"),
        (["app:nothing"], "app:nothing cannot be imported: AttributeError"),
        (["app:User"], "a mapped class needs a database: --database or $DATABASE_URL"),
        (["app:something"], "1 is no dependency, no FastAPIUsers and no mapped class"),
        (
            ["app:get_something"],
            "int is no adapter of fastapi-users-db that works through a session",
        ),
        (["app:get_unreachable"], "the database does not answer: "),
        (["app:get_failure"], "the database does not answer: OSError: refused"),
        (
            ["app:User", "--database", "postgresql://me:secret@127.0.0.1:1/x"],
            "the database does not answer: ",
        ),
    ],
)
def test_what_cannot_be_examined_is_said(
    arguments: list[str], message: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("sqlite").create(sound=True)
    assert main(["doctor", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"fastapi-users-db: {message}")
    assert "secret" not in err


def test_several_heads_or_no_environment_are_refused(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.create()
    arguments = ["doctor", "app:get_user_db", "--revision"]
    assert main(arguments) == 2
    assert "the database is at no revision, the head is first" in capsys.readouterr().err
    for name in ("two", "three"):
        (project.folder / "versions" / f"{name}.py").write_text(FIRST.format(name, "first"))
    assert main(arguments) == 2
    assert "several heads: " in capsys.readouterr().err
    assert main([*arguments, "--config", "nowhere.ini"]) == 2
    assert "nowhere.ini: No 'script_location' key found" in capsys.readouterr().err
    os.remove(project.folder / "versions" / "first.py")
    assert len(list((project.folder / "versions").glob("*.py"))) == 2


def test_rows_of_nobody_and_tables_that_are_missing_are_left(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.upgrade()
    assert main(["doctor", "app:get_user_db", "--revision"]) == 1
    captured = capsys.readouterr()
    assert "By hand: user: missing-table" in captured.err
    assert "Written" not in captured.err


def test_without_alembic_it_examines_and_writes_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make("sqlite").create()
    for module in ("alembic.migration", "alembic.config"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["doctor", "app:get_user_db"]) == 1
    assert main(["doctor", "app:get_user_db", "--revision"]) == 2
    assert "--revision needs Alembic" in capsys.readouterr().err


def test_outside_the_environment_of_an_app_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fastapi_users_db_cli.doctor", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi_users_db_cli.live", None)
    assert main(["doctor", "app:get_user_db"]) == 2
    assert "doctor runs in the environment of the app" in capsys.readouterr().err
