"""The wheels of both distributions, in empty environments on the oldest and the newest stack."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import uv
from tests.stacks import STACKS

PROGRAMS = Path(__file__).parent / "programs"
# Of those that run on this Python too.
OLDEST, *_, NEWEST = (name for name, stack in STACKS.items() if stack.python is None)


@pytest.mark.parametrize(("stack", "program"), [(OLDEST, "legacy.py"), (NEWEST, "current.py")])
def test_program_runs_on_the_wheels(
    stack: str, program: str, wheels: list[Path], tmp_path: Path
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "--python", sys.executable, python.parents[1])
    requirements = [*STACKS[stack].requirements, "aiosqlite"]
    uv("pip", "install", "--python", python, *wheels, *requirements)

    result = subprocess.run(
        [python, "-I", PROGRAMS / program, tmp_path / "app.db"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert len(wheels) == 2
    assert result.stdout == "ada@example.com True\n", result.stderr
    assert "FastAPIUsersDBDeprecationWarning" in result.stderr
