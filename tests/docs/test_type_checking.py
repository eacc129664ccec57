"""The samples are what readers copy: both type checkers accept them in strict mode."""

import subprocess
import sys

import pytest

from tests.docs.samples import ROOT

MYPY = ["mypy", "--strict", "--explicit-package-bases", "--exclude=/migrations/"]
PYRIGHT = ["pyright", f"--pythonpath={sys.executable}"]


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_samples_are_accepted(checker: list[str]) -> None:
    command = [sys.executable, "-m", *checker, "docs/src"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
