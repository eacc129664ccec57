"""A whole app of a thousand lines: run where it was written, crossed by the tool, and run today."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check, migrate

from tests.cli.crossing import APPS, read
from tests.environments import ROOT, python_for_test

LENDERY = APPS / "lendery"
UNSAFE = Options(unsafe=True)

# What a person writes: file, what the tool has left, and what it becomes.
BY_HAND = [
    ("Dockerfile", "python:3.9-slim", "python:3.11-slim"),
    (".github/workflows/test.yml", '"3.9"', '"3.11"'),
    ("tests/test_auth.py", "status_code == 200", "status_code == 204"),
]


def visit(python: str | Path, side: str, folder: Path) -> dict[str, object]:
    """Visit the app of a folder with an interpreter."""
    path = str(ROOT) if side == "after" else ""
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}

    def run(*arguments: str) -> str:
        command = [python, "-W", "ignore", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    if side == "before":
        run("-m", "scripts.create_keeper", "keeper@example.com", "keep it well")
    answers: dict[str, object] = json.loads(run(str(LENDERY / "visit.py"), side))
    return answers


@pytest.mark.thorough
def test_app_of_a_thousand_lines_answers_as_before(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(LENDERY / "before", old)
    answers = visit(python_for_test("up-1.1.0"), "before", old)
    crossed = migrate(read(LENDERY / "before"), STEPS, UNSAFE)
    assert not crossed.failures
    for path, text in crossed.texts.items():
        file = new / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path, one, other in BY_HAND:
        assert one in (new / path).read_text()
        (new / path).write_text((new / path).read_text().replace(one, other))
    shutil.copy(old / "lendery.db", new / "lendery.db")
    assert visit(sys.executable, "after", new) == answers


@pytest.mark.thorough
def test_app_of_a_thousand_lines_is_crossed_but_for_three_lines() -> None:
    before = read(LENDERY / "before")
    left = [each for each in migrate(before, STEPS, UNSAFE).left if each.kind != "none"]
    kinds = Counter((each.rule.code, each.kind) for each in left)
    # Its own queries go on through `databases`, and need not change.
    assert kinds == {("FUD104", "manual"): 2, ("FUD404", "manual"): 10}
    found = Counter(each.kind for each in check(before, STEPS, UNSAFE).left)
    assert found == {"safe": 83, "unsafe": 9, "manual": 14, "none": 15}
