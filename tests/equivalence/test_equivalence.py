"""A short run of the state machine on every database; `make soak` has long ones."""

import asyncio
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from fastapi_users_db import DatabasesUserDatabase
from tests.conftest import SOAK, Addresses, create_tables
from tests.equivalence.machine import machine
from tests.races.tables import declare

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


@pytest.fixture(params=[False, True], ids=["plain", "indexed"])
def indexed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mariadb-aiomysql"])
def test_both_adapters_do_what_a_dict_would(
    name: str, indexed: bool, new_database: Callable[[str], Addresses]
) -> None:
    """Both adapters and the shim's forms agree with a model, and thereby with each other."""
    addresses = new_database(name)
    asyncio.run(create_tables(addresses, declare(indexed).Base.metadata))
    if not SOAK:
        run_state_machine_as_test(machine(addresses, indexed=indexed), settings=SHORT)
        return
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if done % 1000 == 0:
            print(f"{name}, indexed={indexed}, seed {SEED}: {done} calls", flush=True)  # noqa: T201

    steps = 50
    long = settings(
        SHORT, max_examples=max(1, STEPS // steps), stateful_step_count=steps, derandomize=False
    )
    here = machine(addresses, indexed=indexed, on_step=staticmethod(count))
    run_state_machine_as_test(seed(SEED)(here), settings=long)


def test_a_difference_is_found(
    new_database: Callable[[str], Addresses], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine fails if an adapter ignores what it is to write."""

    async def ignore(self: object, user: object, update_dict: object) -> object:
        return user

    addresses = new_database("sqlite")
    asyncio.run(create_tables(addresses, declare(False).Base.metadata))
    monkeypatch.setattr(DatabasesUserDatabase, "update", ignore)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine(addresses, indexed=False), settings=settings(SHORT, max_examples=20)
        )
