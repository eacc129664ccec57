"""The page about testing: its tests pass, again and again, and its table of modes is right."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Addresses
from tests.docs.samples import ROOT, SOURCE

FILES = ["app.py", "conftest.py", "pytest.ini", "test_app.py"]
AFTER_AN_ERROR = """
import pytest
from app import User
from fastapi_users_db import SQLAlchemyUserDatabase, UserAlreadyExistsError

ADA = {"email": "ada@example.com", "hashed_password": "..."}


async def test_what_was_committed_is_still_there(session):
    user_db = SQLAlchemyUserDatabase(session, User)
    await user_db.create(ADA)
    with pytest.raises(UserAlreadyExistsError):
        await user_db.create(ADA)
    assert await user_db.get_by_email(ADA["email"]) is not None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(SOURCE / "orm" / name, tmp_path)
    return tmp_path


def run(folder: Path, address: str) -> tuple[int, str]:
    """Run the tests of a folder; return the exit code, and what pytest has printed."""
    command = [sys.executable, "-m", "pytest", "-q", "--disable-warnings", folder]
    environment = {**os.environ, "TEST_DATABASE_URL": address, "PYTHONPATH": str(ROOT)}
    # Workers of this run have variables for pytest that are not meant for that one.
    environment.pop("PYTEST_XDIST_WORKER", None)
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return result.returncode, result.stdout


@pytest.mark.parametrize(
    "database",
    [
        "sqlite",
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in ("postgresql", "mariadb-aiomysql")
        ),
    ],
)
def test_the_tests_pass_and_leave_nothing(
    database: str, folder: Path, empty_database: Callable[[str], Addresses]
) -> None:
    (folder / "test_error.py").write_text(AFTER_AN_ERROR)
    code, output = run(folder, empty_database(database).orm)
    assert code == 0, output
    assert "4 passed" in output


@pytest.mark.thorough
def test_with_the_other_mode_an_error_undoes_all(
    folder: Path, empty_database: Callable[[str], Addresses]
) -> None:
    conftest = folder / "conftest.py"
    conftest.write_text(conftest.read_text().replace('"create_savepoint"', '"rollback_only"'))
    address = empty_database("postgresql").orm
    assert run(folder, address)[0] == 0
    (folder / "test_error.py").write_text(AFTER_AN_ERROR)
    code, output = run(folder, address)
    assert code == 1
    assert "test_what_was_committed_is_still_there - assert None" in output
