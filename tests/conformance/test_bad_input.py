"""Bad input: a clear error or the right result, nothing half-written, a usable adapter."""

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from fastapi_users.exceptions import InvalidID
from sqlalchemy import Column, select
from sqlalchemy.orm import declarative_base

from fastapi_users_db import (
    GUID,
    InvalidIDError,
    InvalidValueError,
    SQLAlchemyBaseAccessTokenTable,
)
from tests.conformance.conftest import Backend
from tests.conformance.models import User
from tests.people import ACCOUNT, ANNE


async def nothing_was_written(backend: Backend) -> None:
    assert await backend.rows(select(User.__table__)) == []
    assert await backend.users.create(ANNE)


@pytest.mark.parametrize("user_id", [1, 1.5, b"x", object(), True, "", "no-uuid", "\0"])
async def test_get_refuses_an_id_of_another_type(users: Any, user_id: Any) -> None:
    with pytest.raises(InvalidIDError, match=r"(User|user)\.id") as caught:
        await users.get(user_id)
    assert isinstance(caught.value, InvalidID | TypeError)
    assert await users.create(ANNE)


async def test_none_finds_nobody(backend: Backend) -> None:
    """`NULL` equals nothing: so it is with upstream, and FastAPI Users' own code may pass it."""
    await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    assert await backend.users.get(None) is None
    assert await backend.users.get_by_email(None) is None
    assert await backend.users.get_by_oauth_account(None, ACCOUNT["account_id"]) is None
    assert await backend.users.get_by_oauth_account(ACCOUNT["oauth_name"], None) is None
    assert await backend.tokens.get_by_token(None) is None


async def test_a_number_finds_its_text(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [{**ACCOUNT, "account_id": 7}]})
    await backend.tokens.create({"token": "7", "user_id": user.id})
    assert (await backend.users.get_by_oauth_account(ACCOUNT["oauth_name"], 7)).id == user.id
    assert (await backend.tokens.get_by_token(7)).user_id == user.id
    assert await backend.users.get_by_email(7) is None


@pytest.mark.parametrize("email", [None, 1, b"anne@example.com", ["anne@example.com"]])
async def test_an_address_that_is_no_string_is_refused(backend: Backend, email: Any) -> None:
    if not isinstance(email, int | None):
        with pytest.raises(TypeError, match="email must be a str"):
            await backend.users.get_by_email(email)
    with pytest.raises(TypeError, match="email must be a str"):
        await backend.users.create({**ANNE, "email": email})
    await nothing_was_written(backend)


def too_wide_for(backend: Backend, message: str) -> AbstractContextManager[Any]:
    """SQLite knows no width, and stores what is longer or larger than its column."""
    if backend.addresses.name == "sqlite":
        return nullcontext()
    return pytest.raises(InvalidValueError, match=message)


async def test_an_address_that_is_too_long_is_refused(backend: Backend) -> None:
    email = "a" * 310 + "@example.com"
    assert await backend.users.get_by_email(email) is None
    if backend.addresses.name == "sqlite":
        assert (await backend.users.create({**ANNE, "email": email})).email == email
        return
    with pytest.raises(InvalidValueError, match="email holds at most 320 characters, not 322"):
        await backend.users.create({**ANNE, "email": email})
    await nothing_was_written(backend)


async def test_an_address_of_the_full_length_is_kept(users: Any) -> None:
    email = "é" * 308 + "@example.com"
    await users.create({**ANNE, "email": email})
    assert (await users.get_by_email(email)).email == email


@pytest.mark.parametrize("text", ["an\0ne@example.com", "an\ud800ne@example.com"])
async def test_a_string_that_no_database_stores_is_refused(backend: Backend, text: str) -> None:
    assert await backend.users.get_by_email(text) is None
    assert await backend.users.get_by_oauth_account(text, "1") is None
    assert await backend.users.get_by_oauth_account("provider", text) is None
    with pytest.raises(InvalidValueError, match="NUL"):
        await backend.users.create({**ANNE, "email": text})
    await nothing_was_written(backend)


async def test_four_byte_unicode_is_kept(users: Any) -> None:
    email = "🦊@example.com"
    user = await users.create({**ANNE, "email": email, "name": "Anne 🦊"})
    assert (await users.get_by_email(email)).id == user.id
    assert (await users.get(user.id)).name == "Anne 🦊"


async def test_an_unknown_attribute_is_refused(backend: Backend) -> None:
    with pytest.raises(TypeError, match=r"'colour' is not an attribute of (User|user)"):
        await backend.users.create({**ANNE, "colour": "red"})
    await nothing_was_written(backend)


async def test_an_unknown_attribute_in_an_update_is_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    with pytest.raises(TypeError, match=r"'colour' is not an attribute of (User|user)"):
        await backend.users.update(user, {"name": "Anne", "colour": "red"})
    assert user.name is None
    assert (await backend.users.get(user.id)).name is None


async def test_an_unknown_attribute_of_an_account_is_refused(backend: Backend) -> None:
    with pytest.raises(TypeError, match="'colour' is not an attribute of"):
        await backend.users.create({**ANNE, "oauth_accounts": [{"colour": "red"}]})
    await nothing_was_written(backend)


async def test_a_value_that_is_too_wide_is_the_databases_to_refuse(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    with too_wide_for(backend, "hashed_password holds at most 1024 char"):
        await backend.users.update(user, {"hashed_password": "x" * 1025})
        assert (await backend.users.get(user.id)).hashed_password == "x" * 1025
    with too_wide_for(backend, "expires_at must be between"):
        await backend.users.add_oauth_account(user, {**ACCOUNT, "expires_at": 2**40})
        assert (await backend.users.get(user.id)).oauth_accounts[0].expires_at == 2**40
    if backend.addresses.name != "sqlite":
        found = await backend.users.get(user.id)
        assert (found.hashed_password, list(found.oauth_accounts)) == ("hash", [])
    with pytest.raises(InvalidValueError, match="expires_at must be"):
        await backend.users.add_oauth_account(user, {**ACCOUNT, "expires_at": 2**70})
    with pytest.raises(InvalidValueError, match="expires_at must be a finite number"):
        await backend.users.add_oauth_account(user, {**ACCOUNT, "expires_at": float("nan")})


async def test_text_that_is_no_uuid_is_refused(backend: Backend) -> None:
    with pytest.raises(InvalidValueError, match="id: not a UUID"):
        await backend.users.create({**ANNE, "id": "no-uuid"})
    await nothing_was_written(backend)


async def test_a_missing_value_is_refused(backend: Backend) -> None:
    missing = r"(User|user)\.hashed_password needs a value: its column takes no NULL\.$"
    with pytest.raises(InvalidValueError, match=missing) as caught:
        await backend.users.create({"email": "anne@example.com"})
    names = {cls.__name__ for cls in type(caught.value).__mro__}
    # A bare table's column is left out, and MariaDB's error of that is another.
    integrity = {"IntegrityError", "IntegrityConstraintViolationError", "OperationalError"}
    assert names & integrity
    await nothing_was_written(backend)


async def test_no_error_shows_a_password_hash(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    await backend.users.create(ANNE)
    secret = "$argon2id$secret"
    texts = []
    for create_dict in (
        {**ANNE, "hashed_password": secret},
        {"email": "bert@example.com", "hashed_password": secret * 100, "is_active": []},
        {"email": "bert@example.com", "hashed_password": secret, "colour": "red"},
        {"email": "bert@example.com", "hashed_password": secret + "\0"},
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            await backend.users.create(create_dict)
        texts += [str(caught.value), repr(caught.value)]
    assert secret not in "".join(texts)
    assert secret not in "".join(r.getMessage() for r in caplog.records if "users" in r.name)


@pytest.mark.parametrize("user", [None, object(), User, {"id": uuid.uuid4()}, "anne"])
async def test_what_is_no_user_is_refused(backend: Backend, user: Any) -> None:
    with pytest.raises(TypeError, match="Expected an instance of"):
        await backend.users.update(user, {"name": "Anne"})
    with pytest.raises(TypeError, match="Expected an instance of"):
        await backend.users.delete(user)
    await nothing_was_written(backend)


async def test_no_error_shows_the_row_that_a_constraint_refuses(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "hashed_password": "$argon2id$secret"})
    with pytest.raises(Exception, match="is_active") as caught:
        await backend.users.update(user, {"is_active": None})
    error: Any = caught.value
    while error is not None:
        assert "$argon2id$secret" not in f"{error} {error!r}"
        error = error.__cause__


async def test_users_stay_readable_after_a_value_of_another_type(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    other = await backend.users.create({**ANNE, "email": "bert@example.com"})
    with pytest.raises(Exception):  # noqa: B017, PT011
        await backend.users.update(other, {"preferences": object()})
    assert (user.email, other.email) == ("anne@example.com", "bert@example.com")


Elsewhere = declarative_base()


class NotCreated(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Elsewhere):  # type: ignore[misc,valid-type]
    __tablename__ = "not_created"

    user_id = Column(GUID)


async def test_a_look_up_that_fails_does_not_show_the_token(backend: Backend) -> None:
    """SQLAlchemy's own error of the same statement does: it prints the parameters."""
    tokens = type(backend.tokens)(backend.connection, NotCreated)
    with pytest.raises(Exception, match="not_created") as caught:
        await tokens.get_by_token("its secret")
    error: Any = caught.value
    while error is not None:
        assert "its secret" not in f"{error} {error!r}"
        error = error.__cause__
    if backend.is_orm:
        await backend.connection.rollback()
