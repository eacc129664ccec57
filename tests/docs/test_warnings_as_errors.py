"""What turns deprecation warnings into errors, and what only looks as if it did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.samples import ROOT, SOURCE

pytest.importorskip("fastapi_users_db_sqlalchemy")

OURS = "error::fastapi_users_db.FastAPIUsersDBDeprecationWarning"
LINE = (SOURCE / "deprecations" / "errors.py").read_text()
APP = """
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession


class User:
    id = email = None


def test_adapter():
    SQLAlchemyUserDatabase(AsyncSession(), User)


test_adapter()
"""
IGNORED = "Invalid -W option ignored: invalid module name: 'fastapi_users_db'"


def run_python(
    *arguments: str, folder: Path = ROOT, warnings: str = ""
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": warnings},
        capture_output=True,
        text=True,
    )


@pytest.mark.thorough
def test_python_takes_no_class_of_a_package() -> None:
    for result in (run_python("-W", OURS, "-c", APP), run_python("-c", APP, warnings=OURS)):
        assert result.returncode == 0
        assert IGNORED in result.stderr
        assert "FastAPIUsersDBDeprecationWarning: " in result.stderr


@pytest.mark.parametrize("arguments", [["-W", "error::UserWarning", "-c", APP], ["-c", LINE + APP]])
def test_app_stops_at_a_warning(arguments: list[str]) -> None:
    result = run_python(*arguments)
    assert result.returncode == 1
    assert "FastAPIUsersDBDeprecationWarning: " in result.stderr.splitlines()[-1]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("before", "after", "status"), [([], ["-W", OURS], 1), (["-W", OURS], [], 0)]
)
def test_pytest_takes_it_as_its_own_option_only(
    tmp_path: Path, before: list[str], after: list[str], status: int
) -> None:
    (tmp_path / "test_app.py").write_text(APP.removesuffix("test_adapter()\n"))
    pytest_ = ["-m", "pytest", "-p", "no:cacheprovider"]
    assert run_python(*before, *pytest_, *after, folder=tmp_path).returncode == status


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("lines", "status"),
    [([OURS], 1), (["error"], 1), (["error", OURS.replace("error", "ignore")], 0)],
)
def test_pytest_takes_it_from_its_configuration(
    tmp_path: Path, lines: list[str], status: int
) -> None:
    (tmp_path / "test_app.py").write_text(APP.removesuffix("test_adapter()\n"))
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.pytest.ini_options]\nfilterwarnings = {lines}\n"
    )
    # pytest-asyncio warns too, of what it wants to be told in the configuration.
    pytest_ = ["-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    assert run_python(*pytest_, folder=tmp_path).returncode == status
