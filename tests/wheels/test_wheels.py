"""The wheels of both distributions, in empty environments on the oldest and the newest stack."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import ROOT, uv
from tests.stacks import STACKS

PROGRAMS = Path(__file__).parent / "programs"
OLDEST, *_, NEWEST = STACKS


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    directory = tmp_path_factory.mktemp("dist")
    for project in (ROOT, ROOT / "compat"):
        uv("build", "--wheel", "--out-dir", directory, project)
    return sorted(directory.glob("*.whl"))


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
