"""Which attributes can be given a value, and which errors show one. No database is needed."""

from functools import cached_property
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, func
from sqlalchemy.exc import IntegrityError, InvalidRequestError, StatementError
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import column_property, declarative_base, relationship

from fastapi_users_db import (
    InvalidValueError,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
)
from fastapi_users_db.adapters.base import _about_missing
from fastapi_users_db.drivers import Violation
from fastapi_users_db.exceptions import hide_values
from fastapi_users_db.mapping import entity

Base: Any = declarative_base()


class Team(Base):
    __tablename__ = "team"
    id = Column(Integer, primary_key=True)


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
    owner = relationship("User", back_populates="oauth_accounts")


class User(SQLAlchemyBaseUserTableInt, Base):
    first = Column(String(20))
    team_id = Column(ForeignKey("team.id"))
    team = relationship(Team)
    oauth_accounts = relationship(OAuthAccount, lazy="joined", back_populates="owner")
    upper = column_property(func.upper(first))
    plain = None
    LIMIT = 3

    @cached_property
    def cached(self) -> str:
        return ""

    @property
    def shown(self) -> str:
        return ""

    @hybrid_property
    def initial(self) -> str:
        return ""

    @property
    def nickname(self) -> Any:
        return self.first

    @nickname.setter
    def nickname(self, value: Any) -> None:
        self.first = value

    def greet(self) -> None: ...

    @classmethod
    def make(cls) -> None: ...


@pytest.mark.parametrize(
    "attribute",
    [
        *("_sa_class_manager", "__init__", "greet", "make", "shown", "initial", "upper"),
        *("_sa_registry", "metadata", "registry", "LIMIT", "cached", "__table__"),
    ],
)
def test_what_cannot_be_set_is_refused(attribute: str) -> None:
    with pytest.raises(TypeError, match=rf"User\.{attribute} cannot be set"):
        entity(User).checked({attribute: "secret"})


@pytest.mark.parametrize(
    ("attribute", "advice"),
    [
        ("password", "Did you mean 'hashed_password'? It takes a hash"),
        ("emial", "Did you mean 'email'?"),
        ("is_verifed", "Did you mean 'is_verified'?"),
        ("oauth_account", "Did you mean 'oauth_accounts'?"),
        ("colour", ""),
        (1, ""),
        ("x" * 10_000_000, ""),
    ],
    ids=str,
)
def test_a_misspelling_is_told_the_attribute(attribute: Any, advice: str) -> None:
    for described in (entity(User), entity(User.__table__)):
        with pytest.raises(TypeError, match=r"is not an attribute of (User|user)\.") as caught:
            described.checked({attribute: "secret"})
        if "oauth" not in advice or described.mapper is not None:
            assert advice in str(caught.value)
        assert ("Did you mean" in str(caught.value)) <= bool(advice)


@pytest.mark.parametrize("attribute", ["plain", "nickname", "first"])
def test_what_can_be_set_is_taken(attribute: str) -> None:
    assert entity(User).checked({attribute: "x"}) == {attribute: "x"}


def test_what_is_related_is_taken() -> None:
    account = OAuthAccount()
    values = {"team": None, "oauth_accounts": [account]}
    assert entity(User).checked(values) == values
    assert entity(User).checked({"oauth_accounts": {"first": account}})


async def test_an_account_is_given_no_owner() -> None:
    class Session:
        execute = add = None

    users: Any = SQLAlchemyUserDatabase(Session(), User, OAuthAccount)  # type: ignore[arg-type]
    user = User(id=1)
    for owner, error in (({"owner": User()}, TypeError), ({"user_id": 2}, InvalidValueError)):
        with pytest.raises(error, match=r"OAuthAccount\.(owner|user_id)"):
            await users.add_oauth_account(user, owner)


def test_what_the_database_misses_is_named_if_it_was_not_given() -> None:
    users, error = entity(User), IntegrityError("INSERT", {}, Exception("NOT NULL"))
    written = [(users, {"email": "anne@example.com"})]
    named = _about_missing(error, Violation("null", frozenset({"hashed_password"})), written)
    assert str(named) == "User.hashed_password needs a value: its column takes no NULL."
    assert isinstance(named, InvalidValueError)
    assert isinstance(named, IntegrityError)
    # As a trigger may say it of a table of its own.
    for column in ("email", "of_another_table"):
        assert _about_missing(error, Violation("null", frozenset({column})), written) is None


class ValueOnPostgreSQLError(Exception):
    sqlstate = "22P02"


class PostgreSQLError(Exception):
    sqlstate = "23505"
    detail = "Schlüssel »(token)=(secret)« existiert bereits."

    def __str__(self) -> str:
        return self.args[0] if self.detail is None else f"{self.args[0]}\n{self.detail}"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PostgreSQLError("doppelter Schlüsselwert\nDETAIL: secret"), "doppelter Schlüsselwert"),
        (Exception(1062, "Doppelter Eintrag 'it's a secret' für Schlüssel 'token'"), "key token"),
        (Exception(1062, "secret"), "Duplicate entry"),
        (ValueOnPostgreSQLError("ungültige Eingabesyntax für Typ integer: »secret«"), "22P02"),
        (Exception(1366, "Falscher Wert: '`secret`' für Feld `d`.`user`.`age`"), "`user`.`age`"),
        (Exception(1292, "Truncated incorrect INTEGER value: 'secret'"), "Incorrect value"),
    ],
)
def test_no_server_in_any_language_shows_values(error: Exception, text: str) -> None:
    wrapped: Any = Exception(f"(driver) {error}", 1)
    wrapped.orig = error
    hide_values(wrapped)
    for shown in (wrapped, error):
        assert "secret" not in f"{shown} {shown!r} {getattr(shown, 'detail', None)}"
        assert text in str(shown)


def test_no_type_of_a_column_shows_values() -> None:
    refused: Any = LookupError("'secret' is not among the defined enum values")
    wrapped = StatementError("(builtins.LookupError) 'secret' is not", "INSERT", {}, refused)
    hide_values(wrapped)
    for shown in (wrapped, refused):
        assert "secret" not in f"{shown} {shown!r}"
        assert "takes no such value" in str(shown)


def test_what_is_said_of_no_value_stays() -> None:
    missing = InvalidRequestError("A value is required for bind parameter 'x'")
    wrapped = StatementError("A value is required for bind parameter 'x'", "INSERT", {}, missing)
    hide_values(wrapped)
    for shown in (wrapped, missing):
        assert "bind parameter 'x'" in str(shown)
