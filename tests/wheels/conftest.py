"""The wheels, built from the checkout."""

from pathlib import Path

import pytest

from tests.environments import ROOT, uv


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The package's wheel, and the shim's."""
    directory = tmp_path_factory.mktemp("dist")
    for project in (ROOT, ROOT / "compat"):
        uv("build", "--wheel", "--out-dir", directory, project)
    return sorted(directory.glob("*.whl"))
