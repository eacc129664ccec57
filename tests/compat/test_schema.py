"""`check_schema` of the shim's adapters, in each of their forms."""

from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import declarative_base

from tests.compat.conftest import Form
from tests.compat.models import FASTAPI_USERS, AccessTokenDB, databases_form, ours

pytestmark = ours


async def test_sound_tables_have_no_problem(form: Form) -> None:
    assert await form.user_db.check_schema() == []


async def test_problem_is_found(form: Form, engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP TABLE {form.oauth_accounts.name}"))

    [problem] = await form.user_db.check_schema()

    assert (problem.code, problem.table) == ("missing-table", form.oauth_accounts.name)


@pytest.fixture(params=["session", pytest.param("database", marks=databases_form)])
def tokens(request: pytest.FixtureRequest, legacy: SimpleNamespace) -> Any:
    """An access token adapter on a table that is not there."""
    from fastapi_users_db_sqlalchemy.access_token import (
        SQLAlchemyAccessTokenDatabase,
        SQLAlchemyBaseAccessTokenTable,
    )

    base: Any = declarative_base(metadata=legacy.base.metadata)

    class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, base):
        pass

    table = AccessTokenTable.__table__ if request.param == "database" else AccessTokenTable
    connection = request.getfixturevalue(request.param)
    return SQLAlchemyAccessTokenDatabase(AccessTokenDB, connection, table)


@pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought access tokens")
async def test_access_tokens_are_checked(tokens: Any) -> None:
    [problem] = await tokens.check_schema()

    assert (problem.code, problem.table) == ("missing-table", "accesstoken")
