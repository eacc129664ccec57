"""Environments with other releases, made by uv: one for each of upstream's generations and stacks.

They are kept, by name, in the folder that the environment variable TEST_ENVIRONMENTS gives, and
otherwise below `.cache`. One that is there is used as it is.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.stacks import STACKS, UPSTREAM

ROOT = Path(__file__).parents[1]

# And what the benchmark serves its apps with.
DRIVERS = [
    "aiomysql",
    "aiopg",
    "aiosqlite",
    "asyncmy",
    "asyncpg",
    "cryptography",
    "psycopg2-binary",
    "uvicorn",
]
REQUIREMENTS = {name: stack.requirements for name, stack in {**UPSTREAM, **STACKS}.items()}


def python_of(name: str) -> Path:
    """Return the interpreter of an environment, which is made if it is not there."""
    python = _folder() / name / "bin" / "python"
    if not python.exists():
        python.parents[2].mkdir(parents=True, exist_ok=True)
        # Of two runs at once, one makes it and the other finds it made.
        with python.parents[2].joinpath(f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not python.exists():
                _make(python.parents[1], REQUIREMENTS[name])
    return python


def python_for_test(name: str) -> Path:
    """Return the same, or skip (in CI: fail) the test that asks: it may be that nothing is fetched.

    For what is in `make test-all`, which a newcomer runs.
    """
    try:
        return python_of(name)
    except RuntimeError:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"uv could not make the environment {name}: is there no network?")


def packages(*requirements: str) -> Path:
    """Return a folder with these packages alone, which are fetched if need be.

    In front of the path of an environment it takes the place of what is there.
    """
    folder = _folder() / "-".join(requirements)
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=_made(_folder())) as unfinished:
            fetched = Path(unfinished, "packages")
            uv("pip", "install", "--no-deps", "--target", fetched, *requirements)
            # Of two runs at once, the other may have been faster.
            with contextlib.suppress(OSError):
                fetched.rename(folder)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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
        uv("venv", "--python", sys.executable, unfinished)
        install = ("pip", "install", "--compile-bytecode", "--python", unfinished)
        uv(*install, *requirements, *DRIVERS)
        unfinished.rename(environment)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def uv(*arguments: str | Path) -> None:
    """Run uv, and show what it says if it fails."""
    beside = Path(sys.executable).parent, ROOT / ".venv" / "bin"
    uv = shutil.which("uv", path=os.pathsep.join([*map(str, beside), os.environ["PATH"]]))
    if uv is None:
        raise RuntimeError("uv makes the environments of these tests: pip install uv")
    result = subprocess.run([uv, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"uv {' '.join(map(str, arguments))}\n\n{result.stderr}")
