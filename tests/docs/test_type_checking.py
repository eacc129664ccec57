"""The samples are what readers copy: both type checkers accept them in strict mode."""

import os
import subprocess
import sys

import pytest

from tests.docs.samples import ROOT

pytestmark = pytest.mark.thorough

MYPY = [
    "mypy",
    "--strict",
    "--explicit-package-bases",
    "--exclude=/migrations/|/orm/(conftest|test_)",
]
PYRIGHT = ["pyright", f"--pythonpath={sys.executable}"]


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_samples_are_accepted(checker: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    command = [sys.executable, "-m", *checker, "docs/src"]
    # A cache of this run's own: mypy's default is one for all that run at the same time.
    environment = {**os.environ, "MYPY_CACHE_DIR": str(tmp_path_factory.getbasetemp() / "mypy")}
    # Some are files beside the tutorial's.
    environment |= dict.fromkeys(["MYPYPATH", "PYTHONPATH"], str(ROOT / "docs" / "src" / "orm"))
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
