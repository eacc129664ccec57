"""The same program on upstream's release and on the shim: what comes of it is the same.

It is compared call by call: the type of what is returned, whether it is the object that was given,
its fields and private attributes, or the class of the error; and then all rows as they are stored.
What differs is in `accepted.py`, with its reason, or it is a fault.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.conftest import SOAK, Addresses
from tests.differential.accepted import ACCEPTED, Call, outcomes
from tests.differential.programs import KINDS, programs
from tests.environments import python_for_test
from tests.programs import SHIM, Program, Side

FILE = Path(__file__).with_name("program.py")
FORMS = {
    "databases": ("up-1.1.0", "9.3-databases"),
    "legacy-orm": ("up-3.0.2", "9.3-orm"),
    "current": ("up-7.0.0", "15"),
}
# For each form, database and kind of tables.
EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "40")) if SOAK else 3


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=KINDS)
def addresses(request: pytest.FixtureRequest, new_database: Any, form: str) -> Addresses:
    database: Addresses = new_database(request.param)
    return database


@pytest.fixture(scope="module")
def sides(form: str) -> Iterator[tuple[Program, Program]]:
    """Upstream's release and ours, each on the stack of its time."""
    upstream, stack = FORMS[form]
    for name in (upstream, stack):
        python_for_test(name)
    sides = Side(upstream, FILE, upstream), Side(f"shim-on-{stack}", FILE, stack, SHIM)
    with sides[0].running(form) as theirs, sides[1].running(form) as ours:
        yield theirs, ours


@pytest.mark.thorough
def test_what_comes_of_a_program_is_the_same(
    form: str, addresses: Addresses, sides: tuple[Program, Program]
) -> None:
    tally = {"programs": 0, "comparisons": 0, "accepted": 0}

    def answers(program: Program, **request: Any) -> Any:
        database = {"orm": addresses.orm, "databases": addresses.databases}
        program.send(json.dumps({"addresses": database, **request}))
        return json.loads(program.receive())

    def is_accepted(call: Call, where: str) -> None:
        assert any(accepted.is_one(call) for accepted in ACCEPTED), (
            f"{call.form}, {where}: {outcomes(call.upstream, call.ours)}\n"
            f"{call.upstream}\n{call.ours}"
        )
        tally["accepted"] += 1

    def compare(kind: str, program: Any) -> None:
        through, shape, calls = program
        theirs, ours = (
            answers(side, kind=kind, through=through, shape=shape, calls=calls) for side in sides
        )
        tally["programs"] += 1
        for number, (method, *arguments) in enumerate(calls):
            tally["comparisons"] += 1
            call = Call(
                form, method, arguments, theirs["outcomes"][number], ours["outcomes"][number]
            )
            if outcomes(call.upstream, call.ours) is None:
                continue
            is_accepted(call, f"{kind}, {shape}, {through}: call {number} of {calls}")
            has_failed_in_both = "error" in call.upstream and "error" in call.ours
            if not method.startswith("get") and not has_failed_in_both:
                return  # from here on the tables differ
        if theirs["rows"] != ours["rows"]:
            rows = ({"fields": side["rows"]} for side in (theirs, ours))
            is_accepted(Call(form, "rows", [], *rows), f"{kind}, {shape}, {through}: {calls}")

    how = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink] if SOAK else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for kind in KINDS[addresses.name]:
        generated = given(st.just(kind), programs(form, addresses.name, kind))
        seed(int(os.environ.get("SOAK_SEED", "1")))(how(generated(compare)))()
    print(form, addresses.name, tally)  # noqa: T201
