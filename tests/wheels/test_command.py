"""The command line out of the wheel: on an old stack, on today's, and on none."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.cli.crossing import APPS
from tests.environments import uv
from tests.stacks import STACKS

EXAMPLE = "example_on_databases_with_oauth"
OLD, NEW = "9.3-databases", "15"
OLD_DATABASE = APPS.parent / "old_example.sql"


def environment(folder: Path, *requirements: str | Path) -> Path:
    """Make an environment, and return where its programs are."""
    programs = folder / "venv" / "bin"
    uv("venv", "--python", sys.executable, programs.parent)
    uv("pip", "install", "--python", programs / "python", *requirements)
    return programs


def run(folder: Path, *command: str | Path) -> tuple[int, str]:
    """Run a program in the folder of an app, where nothing of the checkout is imported."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode < 2, done.stderr
    return done.returncode, done.stdout


def test_both_sides_say_the_same_of_the_users_of_one_database(
    wheels: list[Path], tmp_path: Path
) -> None:
    said = []
    for stack, side in ((OLD, "before"), (NEW, "after")):
        folder = tmp_path / side
        shutil.copytree(APPS / EXAMPLE / side, folder)
        with closing(sqlite3.connect(folder / "test.db")) as connection:
            connection.executescript(OLD_DATABASE.read_text())
        requirements = [*STACKS[stack].requirements, "aiosqlite"]
        programs = environment(tmp_path / stack, *wheels, *requirements)
        tool = programs / "fastapi-users-db"
        # The old stack has pydantic 1, the new one pydantic 2: code is read on both.
        code, output = run(folder, tool, "check", "--exclude", "*/venv/*")
        assert (code, "FUD505" in output) == ((1, True) if side == "before" else (0, False))
        code, output = run(folder, tool, "verify", "app.users:fastapi_users", "--format", "json")
        assert code == 0, output
        said.append(output)

    before, after = said
    assert '"loaded": {\n      "good": 2,\n      "bad": 0' in before
    assert '"accounts": {\n      "good": 1,\n      "bad": 0' in before
    assert before == after


def test_code_is_read_without_the_packages_of_the_app(wheels: list[Path], tmp_path: Path) -> None:
    """As where one of them is missing, or of another generation."""
    programs = environment(tmp_path, "--no-deps", *wheels)
    folder = tmp_path / "app"
    shutil.copytree(APPS / EXAMPLE / "before", folder)
    for command in (
        [programs / "fastapi-users-db"],
        [programs / "python", "-m", "fastapi_users_db_cli"],
    ):
        assert run(folder, *command, "check")[0] == 1
    assert run(folder, *command, "migrate", "--step", "all", "--unsafe", "--write")[0] == 0
    assert run(folder, *command, "check") == (0, "Nothing to do.\n")
    assert (folder / "app/db.py").read_text() == (APPS / EXAMPLE / "after/app/db.py").read_text()
