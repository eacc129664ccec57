"""The stacks: sets of versions that are tested together, from FastAPI Users 8 to today's."""

import os
from dataclasses import dataclass

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["stacks"]

# What passlib needs: a bcrypt that it understands, and `pkg_resources`.
PASSLIB = ("bcrypt<4.1", "setuptools<82")

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


@dataclass(frozen=True)
class Stack:
    """Versions that work together.

    Attributes:
        name: what it is called.
        fastapi_users: the version of FastAPI Users.
        pins: the other versions that have to be given.
        everywhere: whether the tests run on the servers too, not only on SQLite.
    """

    name: str
    fastapi_users: str
    pins: tuple[str, ...] = ()
    everywhere: bool = False

    @property
    def has_current_convention(self) -> bool:
        """Whether FastAPI Users speaks to adapters as it does today."""
        return int(self.fastapi_users.partition(".")[0]) >= 10


DATABASES_0_6 = ("databases==0.6.2", "sqlalchemy==1.4.41")
SQLALCHEMY_2_0 = "sqlalchemy[asyncio]==2.0.58"
SQLALCHEMY_2_1 = "sqlalchemy[asyncio]==2.1.9"
DATABASES_0_9 = "databases==0.9.0"
TODAY = ("fastapi-users[oauth]==15.0.5", SQLALCHEMY_2_1, DATABASES_0_9)
STACKS = [
    Stack("8.1-databases", "8.1.5", (*DATABASES_0_6, *PASSLIB)),
    Stack("9.3-databases", "9.3.2", (*DATABASES_0_6, *PASSLIB), everywhere=True),
    Stack("9.3-databases-0.7", "9.3.2", ("databases==0.7.0", "sqlalchemy==1.4.54", *PASSLIB)),
    Stack("9.3-databases-0.8", "9.3.2", ("databases==0.8.0", "sqlalchemy==1.4.54", *PASSLIB)),
    Stack("9.3-orm", "9.3.2", ("sqlalchemy[asyncio]<2", *PASSLIB), everywhere=True),
    Stack("9.3-orm-sa20", "9.3.2", (SQLALCHEMY_2_0, *PASSLIB)),
    Stack("9.3-orm-sa21", "9.3.2", (SQLALCHEMY_2_1, *PASSLIB)),
    Stack("9.3-databases-sa20", "9.3.2", (DATABASES_0_9, SQLALCHEMY_2_0, *PASSLIB)),
    Stack("9.3-databases-sa21", "9.3.2", (DATABASES_0_9, SQLALCHEMY_2_1, *PASSLIB)),
    Stack(
        "10.4-sa14",
        "10.4.2",
        ("pydantic<2", "sqlalchemy[asyncio]<2", "databases==0.8.0", *PASSLIB),
        everywhere=True,
    ),
    Stack("10.4-sa20", "10.4.2", ("pydantic<2", SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB)),
    Stack("12.1-pydantic1", "12.1.3", ("pydantic<2", SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB)),
    Stack("12.1-pydantic2", "12.1.3", (SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB), everywhere=True),
    Stack("14", "14.0.2", (SQLALCHEMY_2_0, DATABASES_0_9, "sqlmodel")),
    Stack("15", "15.0.5", (SQLALCHEMY_2_0, DATABASES_0_9, "sqlmodel"), everywhere=True),
    Stack("15-sa21", "15.0.5", (SQLALCHEMY_2_1, DATABASES_0_9, "sqlmodel"), everywhere=True),
]


@nox.session
@nox.parametrize("stack", STACKS, ids=[stack.name for stack in STACKS])
def stacks(session: nox.Session, stack: Stack) -> None:
    """Run the shim's tests, and the conformance suite where there is the current convention."""
    # In one go, so that nothing is resolved without the pins.
    session.install(
        "--editable",
        ".",
        "--editable",
        "compat",
        f"fastapi-users[oauth]=={stack.fastapi_users}",
        *stack.pins,
        *TESTS,
    )
    tests = ["tests/compat"]
    if stack.has_current_convention:
        tests.append("tests/conformance")
    options = ["--numprocesses", str(os.cpu_count() or 1), "--quiet"]
    if not stack.everywhere:
        options += ["-k", "not postgresql and not mariadb"]
    session.run("pytest", *options, *tests, *session.posargs)


@nox.session
@nox.parametrize("folder", ["same_bytes", "four_generations", "rolling_back"])
def generations(session: nox.Session, folder: str) -> None:
    """Run the tests that need upstream's own releases, or ours on other stacks, beside this one."""
    session.install("--editable", ".[databases]", "--editable", "compat", "uv", *TODAY, *TESTS)
    session.run("pytest", "--quiet", f"tests/{folder}", *session.posargs)
