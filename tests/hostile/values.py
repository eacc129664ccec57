"""Values that nobody expects, the same in every run, and which errors are promised for them."""

import enum
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from fastapi_users.exceptions import FastAPIUsersException
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fastapi_users_db import FastAPIUsersDBError
from tests.conformance.models import AccessToken, OAuthAccount, User

# What is planted where a secret belongs is looked for in all text that comes out.
SECRET = "PLANTED-secret"


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    pass


INTEGERS = st.integers() | st.sampled_from(
    [2**31, -(2**31) - 1, 2**63, -(2**63) - 1, 2**64, 10**400, Number.ONE]
)
NAMES = st.one_of(
    st.text(st.characters(), max_size=30),  # with NUL and lone surrogates
    st.sampled_from(
        [
            "\0",
            "\udfff",
            "🦊" * 400,
            "ANNE@example.com",
            "bert@example.com",
            "' OR 1=1; --",
            "%s %(x)s :x {x} \\",
            "00000000-0000-0000-0000-00000000000a",
            "2024-01-01T00:00:00",
            Text("text"),
        ]
    ),
)
"""What is no secret: messages name the attributes that they do not know."""

STRINGS = NAMES | st.sampled_from([SECRET, SECRET + "\0", SECRET + "\ud800", SECRET * 100])
MOMENTS = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=st.just(timezone.utc)),
    st.sampled_from(
        [
            datetime.min,
            datetime.max,
            datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
            datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            date(2024, 1, 1),
            timedelta(days=1),
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INTEGERS,
    st.floats(),
    st.sampled_from([Decimal("1.5"), Decimal("NaN"), 1 + 2j]),
    STRINGS,
    st.binary(max_size=10),
    MOMENTS,
    st.uuids(),
    st.sampled_from([User, OAuthAccount, AccessToken, object, print, Ellipsis]),
    st.builds(object),
    st.builds(User),
    st.builds(OAuthAccount),
    st.builds(AccessToken),
)
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.tuples(SCALARS),
    st.frozensets(STRINGS, max_size=2),
    st.dictionaries(NAMES | st.integers() | st.none(), SCALARS, max_size=3),
    st.lists(st.dictionaries(NAMES, SCALARS, max_size=2), min_size=1, max_size=2),
)
INTEGRITY = {"IntegrityError", "IntegrityConstraintViolationError"}


def repeatable(examples: int) -> settings:
    """Return the settings with which every run tries the same examples."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def is_promised(error: Exception) -> bool:
    """Tell whether an error is one that the documentation promises for bad input.

    Of Python's own exactly these: a `UnicodeEncodeError` is a `ValueError` by accident.
    """
    names = {cls.__name__ for cls in type(error).__mro__}
    is_ours = isinstance(error, FastAPIUsersDBError | FastAPIUsersException | ValidationError)
    return is_ours or type(error) in (TypeError, ValueError) or bool(INTEGRITY & names)
