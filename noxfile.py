"""Run the tests on every stack: sets of versions, from FastAPI Users 8 to today's."""

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
# These read the documentation, check types, measure or build wheels: `make test` is enough.
NOT_ON_STACKS = (
    "tests/benchmarks",
    "tests/docs/test_[!m]*",
    "tests/test_typing.py",
    "tests/test_wheel.py",
)


# Failures, and why tests were skipped; the warnings are for `make test` to show.
PYTEST = ("pytest", "--quiet", "-rfE", "--disable-warnings", "-p", "tests.skipped")
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
    folders = ("same_bytes", "four_generations", "rolling_back", "wheels")
    tests = (f"tests/{folder}" for folder in folders)
    session.run(*PYTEST, *IN_PARALLEL, *tests, *session.posargs)


@nox.session
@nox.parametrize("stack", list(STACKS.values()), ids=list(STACKS))
def stacks(session: nox.Session, stack: Stack) -> None:
    """Run the shim's tests; with today's convention the conformance suite; on one, nearly all."""
    if time.time() > START_UNTIL:
        session.skip("there is no time left for it")
    tools = ALL_TESTS if stack.major >= 15 else TESTS
    install(session, *("--editable", ".", "--editable", "compat"), *stack.requirements, *tools)
    tests = ["tests/compat"]
    if stack.whole:
        tests = ["tests", *(f"--ignore-glob={path}" for path in NOT_ON_STACKS)]
    elif stack.major >= 10:
        tests.append("tests/conformance")
    if not stack.servers:
        tests += ["-k", "not postgresql and not mariadb"]
    if stack.major in (9, 15):
        tests.append(MIGRATING)
    # Of what apps of that time do, 1.4 tells once in each process that 2.0 will not have it.
    silent = {"SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    session.run(*PYTEST, *IN_PARALLEL, *tests, *session.posargs, env=silent)
