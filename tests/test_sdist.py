"""The source distributions: what tests, builds and documents them is in them."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.environments import ROOT, uv

pytestmark = pytest.mark.thorough

# Each reads other files of the tree.
QUICK = [
    "tests/docs/test_readme.py",
    "tests/docs/test_type_checking.py",
    "tests/test_constructors.py",
    "tests/test_tables.py",
    "tests/test_choice.py",
    "tests/cli/test_page.py",
    "tests/benchmarks/test_benchmarks.py::test_what_is_published_is_what_was_measured",
    "tests/test_examples.py::test_demo_tells_the_whole_story",
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source distribution, unpacked."""
    directory = tmp_path_factory.mktemp("sdist")
    uv("build", "--sdist", "--out-dir", directory, ROOT)
    [archive] = directory.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(directory, filter="data")
    [tree] = (path for path in directory.iterdir() if path.is_dir())
    return tree


def run(tree: Path, *arguments: str) -> None:
    """Run a module in the tree, on nothing of the checkout."""
    path = os.pathsep.join(map(str, (tree, tree / "compat", tree / "cli")))
    result = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]


def test_the_tests_run_from_it(tree: Path) -> None:
    run(tree, "pytest", "-m", "not thorough", "-p", "no:cacheprovider", *QUICK)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Zensical needs Python 3.11")
def test_the_documentation_is_built_from_it(tree: Path) -> None:
    run(tree, "docs.build")


def test_both_distributions_are_built_from_it(tree: Path, tmp_path: Path) -> None:
    for project in (tree, tree / "compat"):
        uv("build", "--wheel", "--out-dir", tmp_path, project)
    assert len(list(tmp_path.glob("*.whl"))) == 2
