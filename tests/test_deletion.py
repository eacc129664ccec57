"""Release 2.0 is a deletion: what is deprecated goes, and nothing else has to change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastapi_users_db

ROOT = Path(__file__).parent.parent
DEPRECATED = ["fastapi_users_db/adapters/databases.py", "fastapi_users_db/adapters/rows.py"]

pytestmark = pytest.mark.any_stack


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the repository without the `databases` adapters and without the shim."""
    for name in ("fastapi_users_db", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in DEPRECATED:
        (tmp_path / name).unlink()
    return tmp_path


def run(release: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where only the copy, and no shim, can be imported."""
    # A module that is None cannot be imported, as if it were not installed.
    hidden = "import sys; sys.modules['fastapi_users_db_sqlalchemy'] = None\n"
    (release / "sitecustomize.py").write_text(hidden)
    environment = {**os.environ, "PYTHONPATH": str(release)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=release,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_all_public_names_are_there_but_those_of_databases(release: Path) -> None:
    program = "import fastapi_users_db as p; from fastapi_users_db import *; print(len(p.__all__))"
    ran = run(release, "-c", program + "; from fastapi_users_db import DatabasesUserDatabase")
    number, _, error = ran.stdout.partition("\n")
    assert int(number) == len(fastapi_users_db.__all__) - 2
    assert "cannot import name 'DatabasesUserDatabase'" in error


@pytest.mark.thorough
def test_the_orm_adapter_passes_its_tests(release: Path) -> None:
    ran = run(release, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_orm.py")
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout
