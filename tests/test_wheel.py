"""The wheel, installed without extras into an empty environment."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.environments import ROOT, uv

OPTIONAL = ["aiomysql", "aiosqlite", "alembic", "asyncmy", "asyncpg", "databases", "psycopg"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("dist")
    uv("build", "--wheel", "--out-dir", directory, ROOT)
    [wheel] = directory.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel and what it requires."""
    environment = tmp_path_factory.mktemp("environment") / "venv"
    python = environment / "bin" / "python"
    uv("venv", "--python", sys.executable, environment)
    uv("pip", "install", "--python", python, wheel)
    return python


def run(python: Path, program: str) -> str:
    """Run a program away from the source tree and return what it prints."""
    result = subprocess.run(
        [python, "-I", "-c", program],
        cwd=python.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert "fastapi_users_db/py.typed" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "fastapi_users_db",
        "fastapi_users_db_cli",
    }


@pytest.mark.thorough
def test_import_needs_nothing_optional(python: Path) -> None:
    program = f"""
from importlib.util import find_spec
import fastapi_users_db
print([name for name in {OPTIONAL} if find_spec(name)])
print(all(hasattr(fastapi_users_db, name) for name in fastapi_users_db.__all__))
"""

    assert run(python, program).splitlines() == ["[]", "True"]


@pytest.mark.thorough
def test_databases_adapter_names_the_extra_that_it_needs(python: Path) -> None:
    program = """
from sqlalchemy.orm import DeclarativeBase
from fastapi_users_db import *

class Base(DeclarativeBase):
    pass

class User(SQLAlchemyBaseUserTableUUID, Base):
    pass

class Database:
    async def fetch_one(self, query): ...

try:
    DatabasesUserDatabase(Database(), User)
except MissingDependencyError as error:
    print(error)
"""

    assert 'pip install "fastapi-users-db[databases,aiosqlite]"' in run(python, program)


@pytest.mark.thorough
def test_orm_adapter_needs_only_its_driver(python: Path) -> None:
    program = """
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase

class Base(DeclarativeBase):
    pass

class User(SQLAlchemyBaseUserTableUUID, Base):
    pass

print(SQLAlchemyUserDatabase(AsyncSession(), User).user_table.__name__)
"""

    assert run(python, program) == "User"
