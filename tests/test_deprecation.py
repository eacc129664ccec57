"""The deprecation warning: its category and facts, the app's line, once per call site."""

import linecache
import warnings
from typing import Any

import pytest
from databases import Database
from greenlet import greenlet
from sqlalchemy import MetaData

from fastapi_users_db import DatabasesUserDatabase, FastAPIUsersDBDeprecationWarning
from tests.conformance.models import User

DATABASE = Database("sqlite:///unused.db")


class Subclass(DatabasesUserDatabase[Any, Any]):
    def __init__(self) -> None:
        super().__init__(DATABASE, User)


def line(warning: warnings.WarningMessage) -> tuple[str, str]:
    return warning.filename, linecache.getline(warning.filename, warning.lineno).strip()


def test_warning_says_what_to_write_instead() -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        DatabasesUserDatabase(DATABASE, User)
    warning = caught[0].message
    assert isinstance(warning, FastAPIUsersDBDeprecationWarning)
    assert isinstance(warning, UserWarning)
    assert (warning.code, warning.since, warning.removal) == ("databases-adapter", "1.0", "2.0")
    assert "SQLAlchemyUserDatabase(session, User)" in warning.instead
    assert warning.rule == "FUD401"
    assert str(warning).endswith(
        " [databases-adapter: rule FUD401, "
        "https://fastapi-users-db.readthedocs.io/1.0/deprecations/#databases-adapter]"
    )


def test_warning_names_the_class_of_a_bare_table() -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning, match=r"\(session, User\)"):
        DatabasesUserDatabase(DATABASE, User.__table__, user_model=dict)


def test_warning_names_a_bare_table_without_a_class() -> None:
    table = User.__table__.to_metadata(MetaData(), name="people")
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        DatabasesUserDatabase(DATABASE, table, user_model=dict)
    assert "(session, <a class mapped to the table 'people'>)" in str(caught[0].message)


def test_warning_points_at_the_line_of_the_app() -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        DatabasesUserDatabase(DATABASE, User)
    assert line(caught[0]) == (__file__, "DatabasesUserDatabase(DATABASE, User)")


def test_warning_points_past_the_constructor_of_a_subclass() -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        Subclass()
    assert line(caught[0]) == (__file__, "Subclass()")


def test_warning_is_raised_once_for_each_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            DatabasesUserDatabase(DATABASE, User)
    assert len(caught) == 1


def test_warning_that_is_an_error_is_raised_again() -> None:
    for _ in range(2):
        with pytest.raises(FastAPIUsersDBDeprecationWarning):
            DatabasesUserDatabase(DATABASE, User)


def test_warning_points_at_the_constructor_where_the_app_has_no_other_line() -> None:
    """FastAPI calls a class that is a dependency from a thread of its own."""
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        greenlet(Subclass).switch()  # a stack of its own too, and coverage sees it
    assert line(caught[0]) == (__file__, "super().__init__(DATABASE, User)")
