"""The programs under `typing/` are an app's code: mypy and Pyright accept them as they are.

Of the mistakes among them each line carries the comment that silences it, and a comment that
silences nothing is an error: the checkers find every mistake.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.thorough

PROGRAMS = Path(__file__).parent / "typing"


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a checker, with a cache for mypy that is this run's own."""
    return {**os.environ, "MYPY_CACHE_DIR": str(tmp_path_factory.getbasetemp() / "mypy")}


def check(environment: dict[str, str], *command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command, str(PROGRAMS)],
        cwd=PROGRAMS.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_mypy_accepts_the_programs(environment: dict[str, str]) -> None:
    check(environment, "mypy", "--strict")


def test_pyright_accepts_the_programs(environment: dict[str, str]) -> None:
    check(environment, "pyright", f"--pythonpath={sys.executable}", "--project")
