"""No statement that reaches the database contains data of a user's as text.

What is written and looked for is marked; the texts of all statements are searched for the mark. An
adapter that writes a value into its statement is found by the last test.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from sqlalchemy import event, literal_column, select

from fastapi_users_db import UserAlreadyExistsError
from tests.conformance.conftest import Backend
from tests.conformance.models import User

MARK = "mark'\"--;%s:x"
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def statements(backend: Backend, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    texts: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if isinstance(record.args, tuple) and "Args" in str(record.msg):
                texts.append(str(record.args[0]))

    def collect(_: Any, __: Any, statement: str, *___: Any) -> None:
        texts.append(statement)

    logger, handler = logging.getLogger("databases"), Collect()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    event.listen(backend.engine.sync_engine, "before_cursor_execute", collect)
    yield texts
    event.remove(backend.engine.sync_engine, "before_cursor_execute", collect)
    logger.removeHandler(handler)
    logger.setLevel(level)


def account(account_id: str) -> dict[str, Any]:
    return {
        "oauth_name": MARK,
        "access_token": MARK,
        "refresh_token": MARK,
        "account_id": account_id,
        "account_email": MARK,
    }


async def test_no_statement_contains_data(backend: Backend, statements: list[str]) -> None:
    users, tokens = backend.users, backend.tokens
    values = {"email": f"{MARK}@example.com", "hashed_password": MARK, "name": MARK}
    user = await users.create({**values, "oauth_accounts": [account(f"{MARK}1")]})
    await users.update(user, {"name": MARK + "2", "preferences": {MARK: MARK}})
    await users.add_oauth_account(user, account(f"{MARK}2"))
    await users.update_oauth_account(user, user.oauth_accounts[0], {"access_token": MARK + "2"})
    await users.update(user, {"oauth_accounts": [account(f"{MARK}3")]})
    assert (await users.get(user.id)).name == MARK + "2"
    assert (await users.get_by_email(f"{MARK}@EXAMPLE.com")).id == user.id
    assert (await users.get_by_oauth_account(MARK, f"{MARK}3")).id == user.id
    with pytest.raises(UserAlreadyExistsError):
        await users.create(values)
    token = await tokens.create({"token": MARK, "user_id": user.id})
    await tokens.update(token, {"created_at": NOON})
    assert (await tokens.get_by_token(MARK, NOON)).user_id == user.id
    await tokens.create({"token": MARK + "2", "user_id": user.id, "created_at": NOON})
    await tokens.delete(token)
    assert await tokens.delete_expired(datetime.now(timezone.utc)) == 1
    user_id = str(user.id)
    await users.delete(user)
    assert len(statements) > 15
    written = "\n".join(statements)
    assert "mark" not in written
    assert user_id not in written
    assert user_id.replace("-", "") not in written


async def test_a_value_in_a_statement_is_found(backend: Backend, statements: list[str]) -> None:
    statement = select(User.__table__.c.id).where(User.__table__.c.name == literal_column("'mark'"))
    if backend.is_orm:
        await backend.connection.execute(statement)
    else:
        await backend.connection.fetch_all(statement)
    assert "mark" in "\n".join(statements)
