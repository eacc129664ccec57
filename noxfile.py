"""Run the tests on every stack, and the quick ones on every Python that is found."""

import fcntl
import os
import sys
import time
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from tests.stacks import STACKS, Stack  # noqa: E402

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["generations", "stacks"]

# Each with the versions of a stack. They are looked for, and never fetched: one that is not there
# is named, and left out.
PYTHONS = {"3.10": "15", "3.12": "15", "3.13": "15-sa21", "3.14": "15-sa21"}
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
FOUND = [path for version in PYTHONS for path in sorted(PYENV.glob(f"{version}.*/bin"))]
os.environ["PATH"] = os.pathsep.join([*map(str, FOUND), os.environ["PATH"]])
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

# Whoever has so much time only, in seconds since 1970, is told which stacks were left out.
START_UNTIL = float(os.environ.get("STACKS_START_UNTIL", "inf"))

TESTS = (
    "aiomysql",
    "aiosqlite",
    "alembic",
    "asyncmy",
    "asyncpg",
    "httpx",
    "hypothesis",
    "psycopg[binary]",
    "pymysql",
    "pytest",
    "pytest-asyncio",
    "pytest-timeout",
    "pytest-xdist",
)
# What the whole suite needs on today's FastAPI Users: types are checked with `make test` only.
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
ALL_TESTS = nox.project.dependency_groups(PROJECT, "test", "demo")
MIGRATING = "tests/docs/test_migrating.py"
# The warnings are for `make test` to show.
PYTEST = ("pytest", "--quiet", "--disable-warnings")
QUICK = ("-m", "not thorough")
IN_PARALLEL = ("--numprocesses", "auto", "--dist", "worksteal")


def install(session: nox.Session, *requirements: str) -> None:
    """Bring a session's environment to these requirements, whatever an earlier run left there."""
    environment = Path(session.virtualenv.location)
    # It is there as long as the environment is half-built, so also after an interruption.
    unfinished = environment / "unfinished"
    # Of two runs at once, one installs and the other finds it done.
    with environment.with_name(f"{environment.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        again = ("--reinstall",) if unfinished.exists() else ()
        unfinished.touch()
        # Tests start many interpreters: these do not compile everything anew.
        session.install("--exact", "--compile-bytecode", *again, *requirements)
        unfinished.unlink()


@nox.session
def generations(session: nox.Session) -> None:
    """Run the tests that need upstream's own releases, or ours on other stacks, beside today's."""
    install(
        session,
        *("--editable", ".[databases]", "--editable", "compat", "uv"),
        *(*STACKS["15-sa21"].requirements, *TESTS),
    )
    folders = (
        "same_bytes",
        "four_generations",
        "rolling_back",
        "upstream_tables",
        "wheels",
    )
    tests = (f"tests/{folder}" for folder in folders)
    session.run(*PYTEST, *IN_PARALLEL, *tests, *session.posargs)


@nox.session(download_python="never")
@nox.parametrize(
    "python, stack",
    [nox.param(stack.python, stack, id=name) for name, stack in STACKS.items()],
)
def stacks(session: nox.Session, stack: Stack) -> None:
    """Run the shim's tests, and with today's convention the conformance suite."""
    if time.time() > START_UNTIL:
        session.skip("there is no time left for it")
    install(session, *("--editable", ".", "--editable", "compat"), *stack.requirements, *TESTS)
    tests = ["tests/compat"]
    if stack.major >= 10:
        tests += ["tests/conformance", "tests/races/test_kept_statements.py"]
    if stack.major in (9, 15):
        tests.append(MIGRATING)
    wanted = ["not any_stack"] if stack.full else ["not any_stack", "not thorough"]
    tests += ["-m", " and ".join(wanted)]
    if not stack.servers:
        tests += ["-k", "not postgresql and not mariadb"]
    # Of what apps of that time do, 1.4 tells once in each process that 2.0 will not have it.
    silent = {"SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    session.run(*PYTEST, *IN_PARALLEL, *tests, *session.posargs, env=silent)


@nox.session(python=list(PYTHONS), download_python="never")
def pythons(session: nox.Session) -> None:
    """Run the quick tests on another Python than the developer's."""
    stack = STACKS[PYTHONS[str(session.python)]]
    ours = ("--editable", ".[databases]", "--editable", "compat")
    install(session, *ours, *stack.requirements, *ALL_TESTS)
    session.run(*PYTEST, *IN_PARALLEL, *QUICK, *session.posargs)
