"""The tests of this folder find what they are there to find, in adapters that are broken."""

from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyUserDatabase
from tests.atomicity import operations
from tests.atomicity.operations import ANNE, FLAGS, Adapters, Operation
from tests.atomicity.trial import Kind, Place, harm_at_each_request
from tests.conformance.models import OAuthAccount, User
from tests.faults.injection import ERROR
from tests.faults.secrets import Texts, planted

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
CREATE = Operation("create-with-accounts", operations.create_with_accounts)


class InTwoTransactions:
    """Commits the user before its accounts."""

    async def create(self: Any, create_dict: dict[str, Any]) -> Any:
        values = {**create_dict}
        accounts = values.pop("oauth_accounts", [])
        user = await super().create(values)  # type: ignore[misc]
        for account in accounts:
            await self.add_oauth_account(user, account)
        return user


class BrokenORM(InTwoTransactions, SQLAlchemyUserDatabase[Any, Any]):
    pass


class BrokenDatabases(InTwoTransactions, DatabasesUserDatabase[Any, Any]):
    pass


class Forgetful(SQLAlchemyUserDatabase[Any, Any]):
    """Takes an error for success."""

    async def create(self, create_dict: dict[str, Any]) -> Any:
        try:
            return await super().create(create_dict)
        except Exception:
            return None


def kind(adapter: Any, *, over_databases: bool = False) -> Kind:
    return Kind(
        "broken",
        lambda connection: Adapters(adapter(connection, User, OAuthAccount), None),
        over_databases=over_databases,
    )


@pytest.fixture
def sqlite(harmed: Place) -> Place:
    if harmed.addresses.name != "sqlite":
        pytest.skip("the faults are the same on each database")
    return harmed


@pytest.mark.parametrize(
    "broken", [kind(BrokenORM), kind(BrokenDatabases, over_databases=True)], ids=["orm", "other"]
)
async def test_a_commit_between_two_statements_is_found(
    sqlite: Place, broken: Kind, texts: Texts
) -> None:
    with pytest.raises(AssertionError, match="neither as before nor as after"):
        await harm_at_each_request(sqlite, broken, CREATE, ERROR, texts)


async def test_a_lost_write_is_found(sqlite: Place, texts: Texts) -> None:
    with pytest.raises(AssertionError, match="acknowledged, and lost"):
        await harm_at_each_request(sqlite, kind(Forgetful), CREATE, ERROR, texts)


async def test_a_secret_in_an_error_of_sqlalchemy_is_found(sqlite: Place) -> None:
    await sqlite.reset()
    texts = Texts()
    async with AsyncSession(sqlite.engine) as session:
        statement = insert(User.__table__).values(
            **{**ANNE, "hashed_password": planted("hash")}, **FLAGS
        )
        with pytest.raises(IntegrityError) as caught:
            await session.execute(statement)
    texts.raised(caught.value)
    with pytest.raises(AssertionError, match="a secret is shown"):
        texts.assert_no_secret()
