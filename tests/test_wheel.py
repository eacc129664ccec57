"""The wheel, installed without extras into an empty environment."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from fastapi_users_db import __version__
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


def test_wheel_says_where_it_is_from_and_what_it_runs_on(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()

    for label in ("Documentation", "Repository", "Changelog", "Issues"):
        assert f"\nProject-URL: {label}, https://" in metadata
    for minor in range(10, 14):
        assert f"\nClassifier: Programming Language :: Python :: 3.{minor}\n" in metadata
    # That of the shim is the same.
    project, shim = ((ROOT / folder / "pyproject.toml").read_text() for folder in ("", "compat"))
    lines = re.findall(
        r'^ *"Programming.*|^\w+ = "https.*|^requires-python.*', project, re.MULTILINE
    )
    assert len(lines) == 10
    for line in lines:
        assert line in shim


def test_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    released = re.findall(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    shim = (ROOT / "compat/fastapi_users_db_sqlalchemy/__init__.py").read_text()
    assert released[0] == __version__
    assert f'__version__ = "{__version__}"' in shim


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
