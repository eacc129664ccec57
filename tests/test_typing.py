"""The programs under `typing/` are an app's code: mypy and Pyright accept them as they are.

Of the mistakes among them each line carries the comment that silences it, and a comment that
silences nothing is an error: the checkers find every mistake.
"""

import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).parent / "typing"


def check(*command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command, str(PROGRAMS)],
        cwd=PROGRAMS.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_mypy_accepts_the_programs() -> None:
    check("mypy", "--strict")


def test_pyright_accepts_the_programs() -> None:
    check("pyright", f"--pythonpath={sys.executable}", "--project")
