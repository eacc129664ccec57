"""Environments with other releases, made by uv: one for each of upstream's generations and stacks.

They are kept, by name, in the folder that the environment variable TEST_ENVIRONMENTS gives, and
otherwise below `.cache`. One that is there is used as it is.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

DRIVERS = ["aiomysql", "aiosqlite", "asyncmy", "asyncpg", "cryptography"]
# passlib needs them, for FastAPI Users before 13.
PASSLIB = ["bcrypt==4.0.1", "setuptools<82"]

REQUIREMENTS = {
    "up-1.1.0": [
        "fastapi-users[oauth]==9.3.2",
        "fastapi-users-db-sqlalchemy==1.1.0",
        "databases==0.6.2",
        "sqlalchemy[asyncio]==1.4.41",
        *PASSLIB,
    ],
    "up-3.0.2": [
        "fastapi-users[oauth]==9.3.2",
        "fastapi-users-db-sqlalchemy==3.0.2",
        "sqlalchemy[asyncio]<2",
        *PASSLIB,
    ],
    "up-4.0.5": [
        "fastapi-users[oauth]==10.4.2",
        "fastapi-users-db-sqlalchemy==4.0.5",
        "pydantic<2",
        "sqlalchemy[asyncio]<2",
        *PASSLIB,
    ],
    "up-7.0.0": ["fastapi-users[oauth]==15.0.5", "fastapi-users-db-sqlalchemy==7.0.0"],
    "9.3-databases": [
        "fastapi-users[oauth]==9.3.2",
        "databases==0.6.2",
        "sqlalchemy[asyncio]==1.4.41",
        *PASSLIB,
    ],
    "9.3-orm": ["fastapi-users[oauth]==9.3.2", "sqlalchemy[asyncio]<2", *PASSLIB],
    "10.4-sa14": [
        "fastapi-users[oauth]==10.4.2",
        "pydantic<2",
        "sqlalchemy[asyncio]<2",
        *PASSLIB,
    ],
    "15": ["fastapi-users[oauth]==15.0.5", "sqlalchemy[asyncio]==2.0.58"],
}
"""What to install by the name of the environment: upstream's generations, then our stacks."""


def python_of(name: str) -> Path:
    """Return the interpreter of an environment, which is made if it is not there."""
    python = _folder() / name / "bin" / "python"
    if not python.exists():
        _make(python.parents[1], REQUIREMENTS[name])
    return python


def _folder() -> Path:
    if given := os.environ.get("TEST_ENVIRONMENTS"):
        return Path(given)
    # Other requirements are other environments: nothing is ever updated in place.
    requirements = repr((sys.version, DRIVERS, sorted(REQUIREMENTS.items())))
    digest = hashlib.sha256(requirements.encode()).hexdigest()[:12]
    return ROOT / ".cache" / f"environments-{digest}"


def _make(environment: Path, requirements: list[str]) -> None:
    # Under another name first: an environment that has its name is complete.
    unfinished = environment.with_name(f"{environment.name}.{os.getpid()}")
    try:
        _uv("venv", "--python", sys.executable, unfinished)
        _uv("pip", "install", "--python", unfinished, *requirements, *DRIVERS)
        unfinished.rename(environment)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _uv(*arguments: str | Path) -> None:
    beside = Path(sys.executable).parent, ROOT / ".venv" / "bin"
    uv = shutil.which("uv", path=os.pathsep.join([*map(str, beside), os.environ["PATH"]]))
    if uv is None:
        raise RuntimeError("uv makes the environments of these tests: pip install uv")
    result = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"uv {' '.join(map(str, arguments))}\n\n{result.stderr}")
