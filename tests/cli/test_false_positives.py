"""Code that has nothing to do with FastAPI Users, or is part of it, is left alone."""

import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check
from fastapi_users_db_cli.files import scan

PACKAGES = ["alembic", "fastapi", "fastapi_users", "httpx", "pydantic", "sqlalchemy", "starlette"]


def folder_of(package: str) -> str:
    """Return where a package is installed, if it is."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    return str(spec.submodule_search_locations[0])


@pytest.mark.parametrize("package", [*PACKAGES, "django"])
def test_package_has_no_findings(package: str) -> None:
    found = scan([folder_of(package)])
    assert check(found.texts, STEPS, Options(id_type="uuid")).left == []


@pytest.mark.thorough
def test_standard_library_has_no_findings() -> None:
    found = scan([sysconfig.get_path("stdlib")], exclude=["*/test/*"])
    assert found.seen > 500
    assert check(found.texts, STEPS, Options(id_type="uuid")).left == []


def test_files_that_do_not_matter_are_not_parsed(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"file{number}.py").write_text("syntax error (\n")
    (tmp_path / "app.py").write_text("from fastapi_users import models\n")
    found = scan([str(tmp_path)])
    assert found.seen == 301
    assert check(found.texts, STEPS, Options()).failures == []
    assert len(found.documents) == 1
