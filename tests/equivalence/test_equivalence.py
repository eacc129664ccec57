"""A short run of the state machine on every database; `make soak` has long ones."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyUserDatabase
from tests.conftest import SOAK, Addresses
from tests.equivalence.machine import machine

STEPS = int(os.environ.get("SOAK_STEPS", "2000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
SHORT = settings(
    max_examples=2,
    stateful_step_count=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
LEVELS = [
    ("postgresql", "REPEATABLE READ", 0),
    ("postgresql", "SERIALIZABLE", 3),
    ("mariadb-aiomysql", "SERIALIZABLE", 3),
]
if SOAK:
    LEVELS = [
        (database, level, retries)
        for database in ("postgresql", "mariadb-aiomysql")
        for level in ("REPEATABLE READ", "SERIALIZABLE")
        for retries in (0, 3)
    ]


@pytest.fixture(params=[False, True], ids=["plain", "indexed"])
def indexed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "mariadb-aiomysql"])
def test_both_adapters_do_what_a_dict_would(
    database: str, indexed: bool, new_database: Callable[[str], Addresses]
) -> None:
    """Both adapters and the shim's forms agree with a model, and thereby with each other."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if SOAK and done % 1000 == 0:
            print(f"{database}, indexed={indexed}, seed {SEED}: {done} calls", flush=True)  # noqa: T201

    steps = 50
    long = settings(
        SHORT, max_examples=max(1, STEPS // steps), stateful_step_count=steps, derandomize=False
    )
    with machine(new_database(database), indexed=indexed, on_step=staticmethod(count)) as here:
        if SOAK:
            run_state_machine_as_test(seed(SEED)(here), settings=long)
        else:
            run_state_machine_as_test(here, settings=SHORT)


@pytest.mark.thorough
@pytest.mark.parametrize(("database", "isolation", "retries"), LEVELS)
def test_they_do_so_at_each_isolation_level(
    database: str, isolation: str, retries: int, new_database: Callable[[str], Addresses]
) -> None:
    options: dict[str, Any] = {"indexed": True, "isolation": isolation, "retries": retries}
    with machine(new_database(database), **options) as here:
        run_state_machine_as_test(here, settings=settings(SHORT, max_examples=2 if SOAK else 1))


@pytest.mark.parametrize(
    "broken",
    [SQLAlchemyUserDatabase, pytest.param(DatabasesUserDatabase, marks=pytest.mark.thorough)],
)
def test_a_difference_is_found(
    broken: type, new_database: Callable[[str], Addresses], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine fails if an adapter ignores what it is to write."""

    async def ignore(self: object, user: object, update_dict: object) -> object:
        return user

    monkeypatch.setattr(broken, "update", ignore)
    with machine(new_database("sqlite"), indexed=False) as here, pytest.raises(AssertionError):
        run_state_machine_as_test(here, settings=settings(SHORT, max_examples=20))
