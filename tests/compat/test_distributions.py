"""Upstream's distribution beside ours: two owners of one import name."""

import sys
from pathlib import Path

import pytest

from tests.compat.models import ours
from tests.compat.test_imports import ORDERS, python

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


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_the_error_names_the_command(order: str) -> None:
    result = python(f"{order}\nfrom fastapi_users.db import SQLAlchemyUserDatabase")

    assert result.returncode != 0
    assert "pip uninstall" in result.stderr
    assert "fastapi-users-db-sqlalchemy" in result.stderr


@pytest.mark.usefixtures("upstream")
def test_the_error_survives_fastapi_users_except_clause() -> None:
    # `fastapi_users.db` imports the shim in a `try` that hides every ImportError.
    result = python("from fastapi_users.db import SQLAlchemyUserDatabase")

    last_line = result.stderr.strip().splitlines()[-1]
    assert "cannot import name" not in last_line


@pytest.mark.usefixtures("upstream")
def test_the_package_without_the_shim_is_not_affected() -> None:
    result = python(
        "import sys\nsys.modules['fastapi_users_db_sqlalchemy'] = None\nimport fastapi_users_db"
    )

    assert result.returncode == 0, result.stderr


def test_no_error_without_it() -> None:
    result = python("import fastapi_users_db_sqlalchemy")

    assert result.returncode == 0, result.stderr
