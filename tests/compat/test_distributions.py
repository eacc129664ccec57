"""Upstream's distribution beside ours: two owners of one import name."""

import sys
from pathlib import Path

import pytest

from tests.compat.models import ours
from tests.compat.test_imports import FORGET, ORDERS, python

pytestmark = ours


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make upstream's distribution look installed."""
    directory = tmp_path / "fastapi_users_db_sqlalchemy-7.0.0.dist-info"
    directory.mkdir()
    (directory / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: fastapi-users-db-sqlalchemy\nVersion: 7.0.0\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])


@pytest.mark.any_stack
@pytest.mark.usefixtures("upstream")
def test_the_error_names_the_command_whatever_is_imported_first() -> None:
    # In one interpreter: `test_imports` shows what differs in fresh ones.
    result = python(f"""
for order in {list(ORDERS.values())!r}:
    exec({FORGET!r})
    try:
        exec(order)
        from fastapi_users.db import SQLAlchemyUserDatabase
    except Exception as error:
        print(type(error).__name__, error)
    else:
        print("No error")
""")

    assert result.returncode == 0, result.stderr
    for order, line in zip(ORDERS, result.stdout.splitlines(), strict=True):
        assert line.startswith("ConflictingDistributionError"), order
        assert "pip uninstall --yes fastapi-users-db-sqlalchemy" in line, order


@pytest.mark.usefixtures("upstream")
def test_the_error_survives_fastapi_users_except_clause() -> None:
    # `fastapi_users.db` imports the shim in a `try` that hides every ImportError.
    result = python("from fastapi_users.db import SQLAlchemyUserDatabase")

    assert result.returncode != 0
    last_line = result.stderr.strip().splitlines()[-1]
    assert "cannot import name" not in last_line
    assert "pip uninstall" in last_line


@pytest.mark.any_stack
@pytest.mark.usefixtures("upstream")
def test_the_package_without_the_shim_is_not_affected() -> None:
    result = python(
        "import sys\nsys.modules['fastapi_users_db_sqlalchemy'] = None\nimport fastapi_users_db"
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.thorough  # all other tests import it like that
@pytest.mark.any_stack
def test_no_error_without_it() -> None:
    result = python("import fastapi_users_db_sqlalchemy")

    assert result.returncode == 0, result.stderr
