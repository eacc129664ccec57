"""The same program on upstream's release and on the shim: what comes of it is the same.

It is compared call by call: the type of what is returned, whether it is the object that was given,
its fields and private attributes, or the class of the error; and then all rows. What differs is in
`accepted.py`, with its reason, or it is a fault.
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
from tests.differential.accepted import ACCEPTED, Call
from tests.programs import SHIM, Program, Side

pytestmark = pytest.mark.thorough

FILE = Path(__file__).with_name("program.py")
FORMS = {
    "databases": ("up-1.1.0", "9.3-databases"),
    "legacy-orm": ("up-3.0.2", "9.3-orm"),
    "current": ("up-7.0.0", "15"),
}
SHAPES = {
    "databases": ["whole", "few", "private", "alias", "frozen", "forbid", "upper"],
    "legacy-orm": ["whole", "few", "private", "frozen", "upper", "own"],
    "current": ["current"],
}
EXAMPLES = 400 if SOAK else 20

ID, OTHER = ({"uuid": f"00000000-0000-4000-8000-00000000000{n}"} for n in (1, 2))
ACCOUNT = {
    "id": {"uuid": "00000000-0000-4000-8000-000000000011"},
    "oauth_name": "provider",
    "access_token": "token",
    "account_id": "1",
    "account_email": "anne@provider.example",
}
SECOND = {**ACCOUNT, "id": {"uuid": "00000000-0000-4000-8000-000000000012"}, "account_id": "2"}
ANNE = {"id": ID, "email": "anne@example.com", "hashed_password": "hash"}

texts = st.sampled_from(["", "anne", "ANNE", "ünï", "x" * 20])
own = st.fixed_dictionaries(
    {},
    optional={
        "nick": st.none() | texts,
        "settings": st.none() | st.sampled_from([{"a": [1, None, "b"]}, [], 0, "text"]),
        "credit": st.none() | st.sampled_from([{"decimal": "1.50"}, {"decimal": "-0.01"}]),
        "seen": st.none() | st.just({"time": "2022-06-01T12:00:00"}),
        "color": st.none() | st.just({"color": "blue"}),
        "is_verified": st.booleans(),
        "is_active": st.booleans(),
    },
)
ids = st.sampled_from([ID, OTHER, None])
creates = st.builds(lambda values: ["create", {**ANNE, **values}], own)
others = st.builds(
    lambda values: [
        "create",
        {**ANNE, "id": OTHER, "email": "bert@example.com", **values},
    ],
    own,
)
calls = st.one_of(
    others,
    st.builds(lambda given: ["get", given], ids | st.just(ID["uuid"])),
    st.builds(
        lambda email: ["get_by_email", email],
        st.sampled_from(["anne@example.com", "ANNE@example.com", "x", "", None]),
    ),
    st.builds(
        lambda name, account: ["get_by_oauth_account", name, account],
        st.sampled_from(["provider", "other", None]),
        st.sampled_from(["1", "2", "3", None]),
    ),
    st.builds(lambda values: ["update", values], own),
    st.builds(lambda account: ["link", account], st.sampled_from([ACCOUNT, SECOND])),
    st.just(["delete"]),
    st.builds(
        lambda at: ["create_token", {"token": "abc", "user_id": ID, "created_at": {"time": at}}],
        # In another zone SQLite and MariaDB keep its hour with upstream, and the moment with us.
        st.just("2022-06-01T12:00:00+00:00"),
    ),
    st.builds(
        lambda token, at: ["get_token", token, at],
        st.sampled_from(["abc", "ABC", None]),
        st.sampled_from(
            [None, {"time": "2022-06-01T11:59:00+00:00"}, {"time": "2022-06-01T12:01:00+00:00"}]
        ),
    ),
    st.just(["update_token", {"created_at": {"time": "2022-06-02T12:00:00+00:00"}}]),
    st.just(["delete_token", "abc"]),
)
legacy_calls = calls | st.builds(lambda given: ["delete_id", given], st.sampled_from([ID, OTHER]))
CALLS = {
    "databases": legacy_calls | st.just(["update_part", ID]),
    "legacy-orm": legacy_calls,
    "current": calls,
}


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-aiomysql"])
def addresses(request: pytest.FixtureRequest, new_database: Any, form: str) -> Addresses:
    database: Addresses = new_database(request.param)
    return database


@pytest.fixture(scope="module")
def programs(form: str) -> Iterator[tuple[Program, Program]]:
    """Upstream's release and ours, each on the stack of its time."""
    upstream, stack = FORMS[form]
    sides = Side(upstream, FILE, upstream), Side(f"shim-on-{stack}", FILE, stack, SHIM)
    with sides[0].running(form) as theirs, sides[1].running(form) as ours:
        yield theirs, ours


def answers(program: Program, addresses: Addresses, shape: str, calls: list[Any]) -> Any:
    database = {"orm": addresses.orm, "databases": addresses.databases}
    program.send(json.dumps({"addresses": database, "shape": shape, "calls": calls}))
    return json.loads(program.receive())


def differs(upstream: dict[str, Any], ours: dict[str, Any]) -> bool:
    if "error" in upstream and "error" in ours:
        return upstream["error"][0] not in ours["error"]
    return upstream != ours


def test_what_comes_of_a_program_is_the_same(
    form: str, addresses: Addresses, programs: tuple[Program, Program]
) -> None:
    tally = {"programs": 0, "comparisons": 0, "accepted": 0}

    @seed(int(os.environ.get("SOAK_SEED", "1")))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink] if SOAK else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(SHAPES[form]), creates, st.lists(CALLS[form], max_size=8))
    def compare(shape: str, first: Any, following: Any) -> None:
        calls = [first, *following]
        theirs, ours = (answers(program, addresses, shape, calls) for program in programs)
        tally["programs"] += 1
        is_same = True
        pairs = zip(calls, theirs["outcomes"], ours["outcomes"], strict=True)
        for number, ((method, *arguments), upstream, mine) in enumerate(pairs):
            tally["comparisons"] += 1
            if not differs(upstream, mine):
                continue
            call = Call(form, method, arguments, upstream, mine)
            reasons = [accepted.name for accepted in ACCEPTED if accepted.is_one(call)]
            assert reasons, f"{shape}: call {number} of {calls}\n{upstream}\n{mine}"
            tally["accepted"] += 1
            is_same = is_same and method.startswith("get")
            if not is_same:
                return  # from here on the tables differ
        if is_same:
            assert theirs["rows"] == ours["rows"], f"{shape}: {calls}"

    compare()
    assert tally["programs"] >= EXAMPLES / 2
    print(form, addresses.name, tally)  # noqa: T201
