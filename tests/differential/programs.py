"""Programs for the differential test, as hypothesis makes them."""

from typing import Any

from hypothesis import strategies as st

__all__ = ["KINDS", "SHAPES", "THROUGH", "programs"]

SHAPES = {
    "databases": [
        *("whole", "few", "without", "private", "underscore", "alias", "frozen", "hashable"),
        *("forbid", "allow", "upper", "secret", "picky", "needing", "root", "stripped", "equal"),
    ],
    "legacy-orm": [
        *("whole", "few", "without", "private", "underscore", "frozen", "hashable", "upper"),
        *("secret", "picky", "needing", "root", "stripped", "own", "getting", "equal"),
    ],
    "current": ["current"],
}
KINDS = {
    "sqlite": ["typed", "times", "defaults", "keyed", "reflected", "text", "numbers"],
    "postgresql": [
        *("typed", "times", "defaults", "keyed", "reflected", "text", "numbers"),
        *("postgresql", "schema"),
    ],
    "mariadb-aiomysql": ["typed", "times", "defaults", "keyed", "reflected", "text", "numbers"],
}
WRAPPERS = ["wrapper", "delegating", "spy"]
THROUGH = {
    "sqlite": ["database", *WRAPPERS],
    "postgresql": ["database", *WRAPPERS, "postgres", "postgresql+aiopg"],
    "mariadb-aiomysql": ["database", *WRAPPERS, "mysql+asyncmy"],
}

IDS = [{"uuid": f"00000000-0000-4000-8000-00000000000{n}"} for n in (1, 2)]
UTC, NAIVE, ELSEWHERE = (
    "2022-06-01T12:00:00+00:00",
    "2022-06-01T12:00:00",
    "2022-06-01T14:00:00+02:00",
)
times = st.sampled_from([None, {"time": NAIVE}])
any_time = st.sampled_from([None, {"time": NAIVE}, {"time": UTC}])
texts = st.sampled_from([None, "", "anne", "ANNE", "ünï", "x" * 20, " a "])
json = st.sampled_from([None, {"a": [1, None, "b"]}, [], 0, "text", True, 1.5])

VALUES: dict[str, dict[str, Any]] = {
    "typed": {
        "settings": json,
        "credit": st.sampled_from([None, {"decimal": "1.50"}, {"decimal": "-0.01"}, 2, "2.5", 1.5]),
        "ratio": st.sampled_from([None, 0.5, 1, {"decimal": "1.5"}]),
        "seen": st.sampled_from([None, {"time": NAIVE}, {"date": "2022-06-01"}]),
        "born": st.sampled_from([None, {"date": "2022-06-01"}]),
        "rises": st.sampled_from([None, {"hour": "06:30:00"}]),
        "lasting": st.sampled_from([None, {"seconds": 90}]),
        "color": st.sampled_from([None, {"color": "blue"}, "red"]),
        "role": st.sampled_from([None, "admin"]),
        "level": st.sampled_from([None, "low"]),
        "photo": st.sampled_from([None, {"bytes": "00ff"}]),
        "big": st.sampled_from([None, 2**40, True]),
        "flag": st.sampled_from([None, True, 0]),
        "note": texts,
        "other": st.sampled_from([None, IDS[0], IDS[0]["uuid"]]),
    },
    "postgresql": {
        "tags": st.sampled_from([None, [], ["a", "b"]]),
        "numbers": st.sampled_from([None, [1, 2]]),
        "pairs": st.sampled_from([None, {"a": "b", "c": None}]),
        "binary": json,
        "plain": json,
        "text_id": st.sampled_from([None, IDS[0], IDS[0]["uuid"]]),
        "address": st.sampled_from([None, "10.0.0.1"]),
    },
    "times": {"seen": times, "aware": any_time, "bare": any_time},
    "keyed": {"alias": texts, "renamed": texts},
}

EMAILS = ["anne@example.com", "ANNE@example.com", "bert@example.com", "x", "", None, 5]


def _ids(kind: str) -> list[Any]:
    return {"text": ["anne", "Bert"], "numbers": [1, 2]}.get(kind, IDS)


def _account(kind: str, number: int) -> dict[str, Any]:
    by_kind = {"text": f"account-{number}", "numbers": number}
    return {
        "id": by_kind.get(kind, {"uuid": f"00000000-0000-4000-8000-00000000001{number}"}),
        "oauth_name": "provider",
        "access_token": "token",
        "account_id": str(number),
        "account_email": "anne@provider.example",
    }


def _calls(form: str, kind: str) -> Any:
    first, second = _ids(kind)
    accounts = [_account(kind, number) for number in (1, 2)]
    own = st.fixed_dictionaries(
        {},
        optional={
            "nick": texts,
            "is_verified": st.booleans(),
            "is_active": st.booleans(),
            **VALUES.get(kind, {}),
        },
    )
    anne = {"id": first, "email": "anne@example.com", "hashed_password": "hash"}
    bert = {**anne, "id": second, "email": "bert@example.com"}
    with_accounts = own
    if form != "current" and kind not in ("text", "numbers"):
        linked = st.sampled_from([{}, {}, {"oauth_accounts": accounts}])
        with_accounts = st.builds(lambda a, b: {**a, **b}, own, linked)
    creates = st.builds(lambda values: ["create", {**anne, **values}], with_accounts)
    created = [NAIVE, NAIVE, ELSEWHERE] if kind == "times" else [UTC, UTC, NAIVE, ELSEWHERE]
    tokens = ["abc", "ABC", None, 5]
    ages = [None, *({"time": t} for t in (["2022-06-01T11:59:00", "2022-06-01T12:01:00"]))]
    if kind != "times":
        ages += [
            {"time": t}
            for t in (
                "2022-06-01T11:59:00+00:00",
                "2022-06-01T12:01:00+00:00",
                "2022-06-01T13:59:00+02:00",
            )
        ]

    def call(name: str, *arguments: Any) -> Any:
        return st.builds(lambda *given: [name, *given], *arguments)

    id_texts = [IDS[0]["uuid"]] if kind not in ("text", "numbers") else [str(first), 1]
    ids = st.sampled_from([first, second, None, *id_texts])
    calls = [
        call("create", st.builds(lambda values: {**bert, **values}, own)),
        call("create", st.just({**bert, "email": "Anne@example.com"})),
        call("get", ids),
        call("get_by_email", st.sampled_from(EMAILS)),
        call(
            "get_by_oauth_account",
            st.sampled_from(["provider", "provider", "other", None]),
            st.sampled_from(["1", "2", "3", None, 1]),
        ),
        call("get_again"),
        call("update", own),
        call("update", own),
        call("link", st.sampled_from(accounts)),
        call("delete"),
        call(
            "create_token",
            st.builds(
                lambda owner, at: {"token": "abc", "user_id": owner, "created_at": {"time": at}},
                st.sampled_from([first, first, second]),
                st.sampled_from(created),
            ),
        ),
        call("get_token", st.sampled_from(tokens), st.sampled_from(ages)),
        call("update_token", st.just({"created_at": {"time": created[0].replace("12", "13")}})),
    ]
    if form != "databases":
        calls += [call("get_first")]
    if form == "current":
        calls += [call("delete_token", st.none())]
        return creates, st.one_of(calls)
    objects = st.sampled_from([{"object": {"id": first}}, {"object": {"id": second}}])
    wrong = st.sampled_from([None, 5, {"object": {"email": "x"}}])
    calls += [
        call("delete_any", objects | wrong),
        call(
            "delete_token",
            st.sampled_from([{"object": {"token": "abc"}}, {"object": {"token": "x"}}]),
        ),
        call("update_any", wrong),
        call("create_any", wrong),
        call(
            "create_constructed",
            st.builds(
                lambda v: {
                    **bert,
                    "is_active": True,
                    "is_superuser": False,
                    "is_verified": True,
                    **v,
                },
                own,
            ),
        ),
        call("update_constructed", st.builds(lambda v: {"id": first, **v}, own)),
    ]
    linked = st.sampled_from([{}, {}, *({"oauth_accounts": accounts[:n]} for n in (0, 1))])
    calls += [
        call("create_without", st.builds(lambda values: {**bert, **values}, linked)),
        call("update_without", linked),
    ]
    if form == "databases":
        needed = ["id", "email", "hashed_password"]
        flags = dict.fromkeys(("is_active", "is_superuser", "is_verified"), True)
        calls += [
            call("update_part", st.sampled_from([first, second])),
            call("get_made", st.sampled_from([[*needed], [*needed, "joined"], needed[:2]])),
            call("get_alias", st.sampled_from([first, second])),
        ]
        calls += [call("update_mock", st.just({**bert, **flags}))]
    return creates, st.one_of(calls)


def programs(form: str, database: str, kind: str) -> Any:
    """Return the strategy for programs: through what, with which shape, and the calls."""
    creates, calls = _calls(form, kind)
    through = THROUGH[database] if form == "databases" else ["session"]
    shapes = [s for s in SHAPES[form] if kind in ("typed",) or s not in ("forbid",)]
    return st.builds(
        lambda through, shape, first, following: (through, shape, [first, *following]),
        st.sampled_from(through),
        st.sampled_from(shapes),
        creates,
        st.lists(calls, max_size=8),
    )
