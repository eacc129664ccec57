"""Upstream's releases, and the DDL of their tables, kept in a file.

`python -m tests.upstream_tables.releases` writes it anew.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.environments import packages, python_of

FILE = Path(__file__).parent / "upstream.json"
SHAPES = Path(__file__).parent / "shapes.py"

# All that can be installed, each with an environment where it works.
RELEASES = {
    **dict.fromkeys(("1.0.0", "1.1.0"), "up-1.1.0"),
    **dict.fromkeys(("2.0.0", "2.0.2", "2.0.3", "2.0.4"), "up-3.0.2"),
    **dict.fromkeys(("3.0.0", "3.0.1", "3.0.2"), "up-3.0.2"),
    **dict.fromkeys(("4.0.0", "4.0.1", "4.0.2", "4.0.3", "4.0.4", "4.0.5"), "up-4.0.5"),
    **dict.fromkeys(("5.0.0", "6.0.0", "6.0.1", "7.0.0"), "up-7.0.0"),
}
Shapes = dict[str, dict[str, list[str]]]
"""The lines of the DDL, by shape and by database."""


def read() -> dict[str, Shapes]:
    """Return the DDL of each release, from the file."""
    groups: list[dict[str, Any]] = json.loads(FILE.read_text())
    return {release: group["ddl"] for group in groups for release in group["releases"]}


def package_of(release: str) -> Path:
    """Return the folder with a release, and nothing else."""
    return packages(f"fastapi-users-db-sqlalchemy=={release}")


def ask(release: str) -> Shapes:
    """Return the DDL of a release, from itself."""
    python = python_of(RELEASES[release])
    environment = {**os.environ, "PYTHONPATH": str(package_of(release))}
    result = subprocess.run(
        [python, SHAPES], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    shapes: Shapes = json.loads(result.stdout)
    return shapes


def write() -> None:
    """Write the file: releases with the same DDL are one group."""
    groups: list[dict[str, Any]] = []
    for release in RELEASES:
        ddl = ask(release)
        group = next((group for group in groups if group["ddl"] == ddl), None)
        if group is None:
            groups.append({"releases": [release], "ddl": ddl})
        else:
            group["releases"].append(release)
    FILE.write_text(json.dumps(groups, indent=1) + "\n")


if __name__ == "__main__":
    write()
