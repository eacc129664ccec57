"""`check_schema` of the shim's adapters, in each of their forms."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.compat.conftest import Form
from tests.compat.models import FASTAPI_USERS, AccessTokenDB, databases_form, legacy_tables, ours

pytestmark = ours


@pytest.mark.parametrize("addresses", ["sqlite", "postgresql", "mariadb-asyncmy"], indirect=True)
async def test_sound_tables_have_no_problem(form: Form) -> None:
    """Also with tokens of 1024 characters, which is what upstream's tables hold."""
    assert await form.user_db.check_schema() == []


async def test_problem_is_found(form: Form, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(form.oauth_accounts.drop)

    try:
        [problem] = await form.user_db.check_schema()
    finally:
        async with engine.begin() as connection:
            await connection.run_sync(form.oauth_accounts.create)

    assert (problem.code, problem.table) == ("missing-table", form.oauth_accounts.name)


@pytest.fixture
def apart() -> SimpleNamespace:
    """Classes apart from those that other tests share, alive for the time of the test.

    SQLAlchemy's registry does not keep them, and fails to configure what is left of them.
    """
    return legacy_tables()


@pytest.fixture(params=["session", pytest.param("database", marks=databases_form)])
def tokens(request: pytest.FixtureRequest, apart: SimpleNamespace) -> Any:
    """An access token adapter on a table that is not there."""
    from fastapi_users_db_sqlalchemy.access_token import (
        SQLAlchemyAccessTokenDatabase,
        SQLAlchemyBaseAccessTokenTable,
    )

    class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, apart.base):
        __tablename__ = "missing"

    table = AccessTokenTable.__table__ if request.param == "database" else AccessTokenTable
    connection = request.getfixturevalue(request.param)
    return SQLAlchemyAccessTokenDatabase(AccessTokenDB, connection, table)


@pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought access tokens")
async def test_access_tokens_are_checked(tokens: Any) -> None:
    [problem] = await tokens.check_schema()

    assert (problem.code, problem.table) == ("missing-table", "missing")
