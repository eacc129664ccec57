"""The stacks: sets of versions that work together, from FastAPI Users 7 to today's.

The one place where they are pinned: nox runs the tests on them, and tests run programs on some.
"""

from dataclasses import dataclass

__all__ = ["STACKS", "UPSTREAM", "Stack"]

# What passlib needs, for FastAPI Users before 13: a bcrypt that it understands, `pkg_resources`.
PASSLIB = ("bcrypt<4.1", "setuptools<82")

PYDANTIC_1 = "pydantic<2"
# The lowest that our distributions ask for. FastAPI refuses pydantic 1.8.0 and 1.8.1.
LOWEST = ("sqlalchemy[asyncio]==1.4.24", "pydantic==1.8.2", "alembic==1.7.7")
# What apps of 2022 have pinned.
PINNED = ("sqlalchemy[asyncio]==1.4.36", "pydantic==1.9.1", "databases==0.6.2")
SQLALCHEMY_1_4 = "sqlalchemy[asyncio]==1.4.54"
SQLALCHEMY_2_0 = "sqlalchemy[asyncio]==2.0.58"
SQLALCHEMY_2_1 = "sqlalchemy[asyncio]==2.1.9"
DATABASES_0_6 = ("databases==0.6.2", "sqlalchemy[asyncio]==1.4.41")
DATABASES_0_9 = "databases==0.9.0"


@dataclass(frozen=True)
class Stack:
    """Versions that work together.

    Attributes:
        fastapi_users: the version of FastAPI Users.
        pins: the other versions that have to be given.
        servers: whether the tests run on the servers too, not only on SQLite.
        full: whether each test runs on all its combinations, not only on those of `make test`.
        python: the version of Python, where they do not work on every one.
    """

    fastapi_users: str
    pins: tuple[str, ...]
    servers: bool = False
    full: bool = False
    python: str | None = None

    @property
    def requirements(self) -> list[str]:
        """What to install, in one go, so that nothing is resolved without the pins."""
        return [f"fastapi-users[oauth]=={self.fastapi_users}", *self.pins]

    @property
    def major(self) -> int:
        """The major version of FastAPI Users."""
        return int(self.fastapi_users.partition(".")[0])


# pydantic before 1.10 does not run on 3.11.
STACKS = {
    "7.0-lowest": Stack("7.0.0", (*LOWEST, "databases==0.6.0", *PASSLIB), python="3.10"),
    "7.0-databases": Stack("7.0.0", (*PINNED, *PASSLIB), python="3.10"),
    "7.0-databases-pydantic1.10": Stack("7.0.0", (*DATABASES_0_6, *PASSLIB)),
    "8.1-databases": Stack("8.1.5", (*DATABASES_0_6, *PASSLIB)),
    "9.3-databases": Stack("9.3.2", (*DATABASES_0_6, *PASSLIB), servers=True),
    "9.3-databases-0.7": Stack("9.3.2", ("databases==0.7.0", SQLALCHEMY_1_4, *PASSLIB)),
    "9.3-databases-0.8": Stack("9.3.2", ("databases==0.8.0", SQLALCHEMY_1_4, *PASSLIB)),
    "9.3-databases-sa20": Stack("9.3.2", (DATABASES_0_9, SQLALCHEMY_2_0, *PASSLIB)),
    "9.3-databases-sa21": Stack("9.3.2", (DATABASES_0_9, SQLALCHEMY_2_1, *PASSLIB)),
    "9.3-orm": Stack("9.3.2", (SQLALCHEMY_1_4, *PASSLIB), servers=True),
    "9.3-orm-pydantic1.9": Stack("9.3.2", (*PINNED, *PASSLIB), python="3.10"),
    "9.3-orm-sa20": Stack("9.3.2", (SQLALCHEMY_2_0, *PASSLIB)),
    "9.3-orm-sa21": Stack("9.3.2", (SQLALCHEMY_2_1, *PASSLIB)),
    "10.4-lowest": Stack(
        "10.4.2", (*LOWEST, "fastapi==0.78.0", "databases==0.6.0", *PASSLIB), python="3.10"
    ),
    "10.4-sa14": Stack(
        "10.4.2",
        (PYDANTIC_1, SQLALCHEMY_1_4, "databases==0.8.0", *PASSLIB),
        servers=True,
        full=True,
    ),
    "10.4-sa20": Stack("10.4.2", (PYDANTIC_1, SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB)),
    "12.1-pydantic1": Stack("12.1.3", (PYDANTIC_1, SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB)),
    "12.1-pydantic2": Stack(
        "12.1.3", (SQLALCHEMY_2_0, DATABASES_0_9, *PASSLIB), servers=True, full=True
    ),
    "14": Stack("14.0.2", (SQLALCHEMY_2_0, DATABASES_0_9, "sqlmodel")),
    "15": Stack("15.0.5", (SQLALCHEMY_2_0, DATABASES_0_9), servers=True),
    # Not all combinations: they are what `make test-all` runs, on these versions or newer ones.
    "15-sa21": Stack("15.0.5", (SQLALCHEMY_2_1, DATABASES_0_9), servers=True),
}
"""By name, the oldest first and the newest last."""

UPSTREAM = {
    "up-1.1.0": Stack("9.3.2", ("fastapi-users-db-sqlalchemy==1.1.0", *DATABASES_0_6, *PASSLIB)),
    "up-3.0.2": Stack("9.3.2", ("fastapi-users-db-sqlalchemy==3.0.2", SQLALCHEMY_1_4, *PASSLIB)),
    "up-4.0.5": Stack(
        "10.4.2", ("fastapi-users-db-sqlalchemy==4.0.5", PYDANTIC_1, SQLALCHEMY_1_4, *PASSLIB)
    ),
    "up-7.0.0": Stack("15.0.5", ("fastapi-users-db-sqlalchemy==7.0.0",)),
}
"""The generations of upstream's adapter, each on its stack."""
