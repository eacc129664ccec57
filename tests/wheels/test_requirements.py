"""The requirements of apps of 2021 to 2023, with our distributions in place of upstream's."""

import re
from pathlib import Path

import pytest

from tests.environments import uv

# With the Python of its time, of those that we run on.
APPS = {
    "fastapi_users_7.txt": "3.10",
    "fastapi_users_9_databases.txt": "3.10",
    "fastapi_users_9_orm.txt": "3.10",
    "fastapi_users_10.txt": "3.10",
    "fastapi_users_12.txt": "3.11",
}
UPSTREAM = "fastapi-users-db-sqlalchemy"


def resolved(requirements: str, python: str, folder: Path) -> dict[str, str]:
    """Return the version of each package that some requirements lead to, on a version of Python."""
    given, found = folder / "requirements.in", folder / "requirements.txt"
    given.write_text(requirements)
    found.unlink(missing_ok=True)
    options = ("--no-header", "--no-annotate", "--no-python-downloads", "--python-version", python)
    uv("pip", "compile", *options, "--output-file", found, given)
    # Our own are paths: they have no version.
    return dict(line.split("==") for line in found.read_text().splitlines() if "==" in line)


def with_ours(requirements: str, wheels: list[Path]) -> str:
    """Return requirements with our distributions in place of upstream's, as the README says."""
    kept = [line for line in requirements.splitlines() if not line.startswith(UPSTREAM)]
    without = re.sub(r"sqlalchemy2?(?=[],])", "", "\n".join(kept)).replace("[,", "[")
    package, compat = (wheel.as_uri() for wheel in wheels)
    ours = f"fastapi-users-db[compat] @ {package}\nfastapi-users-db-compat @ {compat}\n"
    return f"{without.replace('[]', '')}\n{ours}"


@pytest.mark.parametrize(("file", "python"), APPS.items(), ids=APPS)
def test_no_package_moves(file: str, python: str, wheels: list[Path], tmp_path: Path) -> None:
    requirements = Path(__file__).parent.joinpath("requirements", file).read_text()
    before = resolved(requirements, python, tmp_path)
    pinned = dict(re.findall(r"^([\w-]+)(?:\[.*\])?==(.+)$", requirements.lower(), re.MULTILINE))

    after = resolved(with_ours(requirements, wheels), python, tmp_path)

    for versions in (pinned, before):
        versions.pop(UPSTREAM, None)
    assert {name: after[name] for name in pinned} == pinned
    assert {name: after[name] for name in before if name in after} == {
        name: version for name, version in before.items() if name in after
    }
    # `asyncio` is an extra of SQLAlchemy's that not every release of upstream asked for.
    assert before.keys() ^ after.keys() <= {"databases", "greenlet"}
