"""The package of the old import name, with files of two distributions in it."""

import shutil
import sys
from pathlib import Path

import fastapi_users_db_sqlalchemy as shim
import pytest
from fastapi_users_db_sqlalchemy._distributions import ConflictingDistributionError, check

from tests.compat.models import ours
from tests.compat.test_imports import python

pytestmark = ours

UPSTREAM = "class SQLAlchemyUserDatabase: ...\n"
"""Enough of upstream's `__init__.py`: it knows nothing of ours."""

METADATA = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
BOTH = "import fastapi_users.db, fastapi_users_db_sqlalchemy, fastapi_users_db"
OLD_NAME_ALONE = "from fastapi_users.db import SQLAlchemyUserDatabase"
REINSTALL = "pip install --force-reinstall --no-deps fastapi-users-db-compat"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Python looks first."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


@pytest.fixture
def mixed(folder: Path) -> Path:
    """Our package, the `__init__.py` of which is upstream's."""
    package = folder / "fastapi_users_db_sqlalchemy"
    shutil.copytree(Path(shim.__file__).parent, package)
    package.joinpath("__init__.py").write_text(UPSTREAM)
    return package


def install(folder: Path, name: str, version: str) -> None:
    """Make a distribution look installed."""
    directory = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    directory.mkdir()
    directory.joinpath("METADATA").write_text(METADATA.format(name, version))


@pytest.mark.parametrize(
    "program", ["import fastapi_users_db", pytest.param(BOTH, marks=pytest.mark.thorough)]
)
def test_the_command_reinstalls_the_version_that_there_was(mixed: Path, program: str) -> None:
    install(mixed.parent, "fastapi-users-db-sqlalchemy", "7.0.0")
    install(mixed.parent, "fastapi-users-db-compat", "1.2.3")

    result = python(program)

    assert "pip uninstall --yes fastapi-users-db-sqlalchemy && " in result.stderr
    assert f"{REINSTALL}==1.2.3" in result.stderr


@pytest.mark.parametrize("module", ["generics", pytest.param("tables", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "program",
    [
        BOTH,
        pytest.param("import fastapi_users_db", marks=pytest.mark.thorough),
        pytest.param(OLD_NAME_ALONE, marks=pytest.mark.thorough),
    ],
)
def test_ours_over_a_module_of_upstreams(folder: Path, module: str, program: str) -> None:
    # An installer that unpacks both at once leaves such a mixture.
    package = folder / "fastapi_users_db_sqlalchemy"
    shutil.copytree(Path(shim.__file__).parent, package)
    package.joinpath(f"{module}.py").write_text("class GUID: ...\n")
    install(folder, "fastapi-users-db-sqlalchemy", "3.0.2")

    result = python(program)

    assert "ConflictingDistributionError: " in result.stderr
    assert REINSTALL in result.stderr


def test_a_package_without_a_file_is_what_upstream_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shim, "__file__", None)

    with pytest.raises(ConflictingDistributionError, match=f"are missing: .* {REINSTALL}"):
        check()


def test_files_that_upstream_took_along(mixed: Path) -> None:
    install(mixed.parent, "fastapi-users-db-compat", "1.2.3")
    mixed.joinpath("__init__.py").unlink()

    # Nor may the package be found elsewhere.
    others = [entry for entry in sys.path if not Path(entry, mixed.name).is_dir()]
    path = [str(mixed.parent), *others]
    result = python(f"sys.path[:] = {path}\nimport fastapi_users_db")

    assert f"Put them back: {REINSTALL}==1.2.3." in result.stderr


@pytest.mark.thorough
def test_upstream_alone_is_no_fault(folder: Path) -> None:
    package = folder / "fastapi_users_db_sqlalchemy"
    package.mkdir()
    package.joinpath("__init__.py").write_text(UPSTREAM)
    install(folder, "fastapi-users-db-sqlalchemy", "7.0.0")

    result = python(BOTH)

    assert result.returncode == 0, result.stderr
