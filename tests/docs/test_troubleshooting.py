"""The page about messages: each is produced here, in the way that the page says, and mended."""

import asyncio
import gc
import os
import re
import subprocess
import sys
import sysconfig
import traceback
import uuid
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager
from sqlalchemy import Column, MetaData, String, Table, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import registry

from fastapi_users_db import SQLAlchemyUserDatabase
from fastapi_users_db.types import GUID
from tests.conftest import Addresses
from tests.docs.samples import ROOT, load

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
MESSAGES = {
    message: anchor
    for heading, anchor in re.findall(r"^## (`.+`) \{ #([\w-]+) \}$", PAGE, flags=re.MULTILINE)
    for message in heading.strip("`").split("` or `")
}
DRIVERS = ("MySQLdb", "aiosqlite", "psycopg")
ADA = {"email": "ada@example.com", "hashed_password": "..."}

EmptyDatabase = Callable[[str], Addresses]


# Each ends in an error where neither a driver nor the shim is installed.
PROGRAMS = {
    "no-module-psycopg": "create_async_engine('postgresql://localhost/app')",
    "no-module-mysqldb": "create_async_engine('mysql://localhost/app')",
    "async-driver": "create_async_engine('sqlite:///app.db')",
    "no-module-aiosqlite": "databases.Database('sqlite:///app.db')",
    "cannot-import-name": "from fastapi_users.db import SQLAlchemyUserDatabase",
}
RUN_ALL = f"""
import traceback
import databases
from sqlalchemy.ext.asyncio import create_async_engine

for program in {list(PROGRAMS.values())}:
    try:
        exec(program)
    except Exception as error:
        print("".join(traceback.format_exception_only(error)).strip())
"""


@pytest.fixture(scope="module")
def said_without_drivers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run the programs with every package that is installed here, but the drivers and the shim."""
    packages = tmp_path_factory.mktemp("packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith(DRIVERS):
            (packages / package.name).symlink_to(package)
    # Without the module `site` nothing leads to the packages that are left out.
    command = [sys.executable, "-S", "-c", RUN_ALL]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return dict(zip(PROGRAMS, output.stdout.splitlines(), strict=True))


async def raised_by(awaitable: Awaitable[Any]) -> str:
    """Return the end of the traceback that one sees."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  the page says which
        await awaitable
    return "".join(traceback.format_exception_only(raised.value))


@pytest.fixture
async def sample(empty_database: EmptyDatabase) -> AsyncIterator[Any]:
    """Give the page's classes, and a session over their tables with a user and what it has."""
    sample = load("troubleshooting.py")
    engine = create_async_engine(empty_database("sqlite").orm)
    async with engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.User)
        user = await user_db.create(ADA)
        session.add_all([sample.Post(user_id=user.id, title="x"), sample.Group(owner_id=user.id)])
        await session.commit()
    async with AsyncSession(engine, expire_on_commit=False) as session:
        user_db = SQLAlchemyUserDatabase(session, sample.User)
        user = await user_db.get_by_email(ADA["email"])
        yield SimpleNamespace(module=sample, session=session, user_db=user_db, user=user)
    await engine.dispose()


async def missing_greenlet(sample: Any, **_: Any) -> str:
    async def read() -> Any:
        return sample.user.groups

    await sample.session.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        shown = await raised_by(read())
        gc.collect()  # what SQLAlchemy could not await
    return shown


async def no_such_table(empty_database: EmptyDatabase, sample: Any, **_: Any) -> str:
    engine = create_async_engine(empty_database("sqlite").orm)
    async with AsyncSession(engine) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.module.User)
        shown = await raised_by(user_db.get_by_email(ADA["email"]))
    await engine.dispose()
    return shown


async def session_in_use(sample: Any, **_: Any) -> str:
    ask = sample.user_db.get_by_email
    first, second = asyncio.ensure_future(ask("a@example.com")), ask("b@example.com")
    await asyncio.sleep(0)  # the first has begun
    shown = await raised_by(second)
    await first
    return shown


async def unknown_hash(sample: Any, **_: Any) -> str:
    manager = BaseUserManager[Any, uuid.UUID](sample.user_db)
    form = OAuth2PasswordRequestForm(username=ADA["email"], password="secret")
    return await raised_by(manager.authenticate(form))


async def lost_statement(empty_database: EmptyDatabase, sample: Any, **_: Any) -> str:
    engine = create_async_engine(empty_database("postgresql").orm)
    async with engine.begin() as connection:
        await connection.run_sync(sample.module.Base.metadata.create_all)
    async with AsyncSession(engine) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, sample.module.User)
        await user_db.get_by_email(ADA["email"])
        # What a pooler does, as seen from here: the connection is another one.
        await session.execute(text("DEALLOCATE ALL"))
        shown = await raised_by(user_db.get_by_email(ADA["email"]))
        await session.rollback()
    await engine.dispose()
    return shown


async def multiple_results(empty_database: EmptyDatabase, **_: Any) -> str:
    metadata = MetaData()
    names = ("is_active", "is_superuser", "is_verified")
    flags = [Column(name, String(5), default="true") for name in names]
    table = Table(
        "user",
        metadata,
        Column("id", GUID, primary_key=True, default=uuid.uuid4),
        Column("email", String(320)),
        Column("hashed_password", String(1024)),
        *flags,
    )
    user_class: Any = registry().mapped(type("User", (), {"__table__": table}))
    engine = create_async_engine(empty_database("sqlite").orm)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(table.insert(), [dict(ADA), dict(ADA)])
    async with AsyncSession(engine) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, user_class)
        shown = await raised_by(user_db.get_by_email(ADA["email"]))
    await engine.dispose()
    return shown


PRODUCERS: dict[str, Callable[..., Awaitable[str]]] = {
    "missing-greenlet": missing_greenlet,
    "no-such-table": no_such_table,
    "session-in-use": session_in_use,
    "unknown-hash": unknown_hash,
    "pooler": lost_statement,
    "multiple-results": multiple_results,
}


@pytest.mark.parametrize("message", [m for m in MESSAGES if MESSAGES[m] not in PROGRAMS])
async def test_the_message_is_the_one_that_is_seen(
    message: str, sample: Any, empty_database: EmptyDatabase
) -> None:
    produce = PRODUCERS[MESSAGES[message]]
    assert message in await produce(sample=sample, empty_database=empty_database)


@pytest.mark.parametrize("anchor", PROGRAMS)
def test_the_message_is_the_one_that_is_seen_without_a_driver(
    anchor: str, said_without_drivers: dict[str, str]
) -> None:
    # SQLAlchemy 2.1 takes another driver than those before, where none is named.
    messages = [message for message in MESSAGES if MESSAGES[message] == anchor]
    assert any(message in said_without_drivers[anchor] for message in messages)


def test_every_message_of_the_page_is_produced() -> None:
    assert {*PRODUCERS, *PROGRAMS} == set(MESSAGES.values())


@pytest.mark.parametrize(
    ("database", "message"),
    [("postgresql", 'relation "user" does not exist'), ("mariadb-aiomysql", "doesn't exist")],
)
async def test_other_databases_say_it_like_this(
    database: str, message: str, empty_database: EmptyDatabase
) -> None:
    engine = create_async_engine(empty_database(database).orm)
    async with AsyncSession(engine) as session:
        user_db: Any = SQLAlchemyUserDatabase(session, load("troubleshooting.py").User)
        assert message in await raised_by(user_db.get_by_email(ADA["email"]))
        await session.rollback()
    await engine.dispose()


async def test_relationships_are_loaded_as_the_page_says(sample: Any) -> None:
    assert [post.title for post in sample.user.posts] == ["x"]
    groups = await sample.module.groups_of(sample.session, sample.user)
    assert len(groups) == 1
