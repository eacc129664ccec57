"""`alembic check` says the same of an app before and after the dependency is swapped.

The tables that it creates afterwards have their columns in the same order, too: there are fixtures
that insert rows without naming columns.
"""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Addresses
from tests.environments import packages, python_of
from tests.programs import SHIM
from tests.upstream_tables.releases import RELEASES, package_of

PROGRAM = Path(__file__).parent / "check.py"
ALEMBIC = ("alembic==1.13.3", "mako==1.3.5", "markupsafe==2.1.5")

# Each generation, with the stack on which the shim takes its place.
GENERATIONS = {
    "1.1.0": "9.3-databases",
    "3.0.2": "9.3-orm",
    "4.0.5": "10.4-sa14",
    "7.0.0": "15",
}
HASH, TIME = "modify_type user.hashed_password", "modify_type accesstoken.created_at"


def run(
    environment: str, path: tuple[Path, ...], address: str, action: str, *shape: str
) -> dict[str, Any]:
    folders = map(str, (*path, packages(*ALEMBIC)))
    result = subprocess.run(
        [python_of(environment), "-W", "ignore", PROGRAM, address, action, *shape],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    assert str(path[-1]) in answer["package"]
    return answer


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb-aiomysql"])
@pytest.mark.parametrize("release", GENERATIONS)
@pytest.mark.parametrize("shape", ["mixin first", "id in the base, mixin first"])
def test_check_before_and_after(
    release: str, database: str, shape: str, new_database: Callable[[str], Addresses]
) -> None:
    address = new_database(database).orm
    upstream = (RELEASES[release], (package_of(release),))

    before = run(*upstream, address, "create", shape, release)
    after = run(GENERATIONS[release], SHIM, address, "check", shape, release)

    assert before["differences"] == []
    assert after["columns"] == before["columns"]

    # What has to be altered in any case.
    expected = {HASH} if release < "3" else set()
    if release < "3" and database != "postgresql" and shape == "mixin first":
        expected.add(TIME)
    assert set(after["differences"]) == expected
