"""The tests of this folder find what they are there to find, in adapters that are broken."""

from typing import Any

import fastapi_users_db_sqlalchemy as shim
import pytest
from databases import Database
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from fastapi_users_db import DatabasesUserDatabase, SQLAlchemyUserDatabase
from tests.atomicity import operations
from tests.atomicity.killing import run_and_kill
from tests.atomicity.operations import ANNE, FLAGS, UPDATE_WHOLE, Adapters, Operation
from tests.atomicity.trial import Kind, Place, harm_at_each_request
from tests.conformance.models import OAuthAccount, User
from tests.equivalence.forms import UserDB
from tests.faults.injection import ERROR, KILLED
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


class AccountsFirst(shim.SQLAlchemyUserDatabase[Any, Any]):
    """Removes all accounts and inserts them again, with no transaction, as upstream 1.x did."""

    async def update(self, user: Any, update_dict: Any = None) -> Any:
        accounts, user.oauth_accounts = user.oauth_accounts, []
        await super().update(user)
        user.oauth_accounts = accounts
        return await super().update(user)


class Forgetful(SQLAlchemyUserDatabase[Any, Any]):
    """Takes an error for success."""

    async def create(self, create_dict: dict[str, Any]) -> Any:
        try:
            return await super().create(create_dict)
        except Exception:
            return None


class Hasty(SQLAlchemyUserDatabase[Any, Any]):
    """Has something to do after the commit, which may fail."""

    async def create(self, create_dict: dict[str, Any]) -> Any:
        user = await super().create(create_dict)
        return await self.get(user.id)


class WithoutSavepoint(SQLAlchemyUserDatabase[Any, Any]):
    """Writes into the app's transaction as if it were its own."""

    async def create(self, create_dict: dict[str, Any]) -> Any:
        user = User(**create_dict)
        self.session.add(user)
        await self.session.flush()
        return user


def broken_orm(session: AsyncSession) -> Adapters:
    return Adapters(BrokenORM(session, User, OAuthAccount), None)


def broken_databases(database: Database) -> Adapters:
    return Adapters(BrokenDatabases(database, User, OAuthAccount), None)


def broken_shim(session: AsyncSession) -> Adapters:
    return Adapters(AccountsFirst(UserDB, session, User, OAuthAccount), None)


def forgetful(session: AsyncSession) -> Adapters:
    return Adapters(Forgetful(session, User, OAuthAccount), None)


def hasty(session: AsyncSession) -> Adapters:
    return Adapters(Hasty(session, User, OAuthAccount), None)


def without_savepoint(session: AsyncSession) -> Adapters:
    return Adapters(WithoutSavepoint(session, User, OAuthAccount, commit=False), None)


BETWEEN = [
    pytest.param(Kind("broken", broken_orm), CREATE, id="orm"),
    pytest.param(Kind("broken", broken_databases, over_databases=True), CREATE, id="databases"),
    pytest.param(Kind("broken", broken_shim), UPDATE_WHOLE, id="shim"),
]


# The faults are the same on each database.
on_sqlite = pytest.mark.parametrize("addresses", ["sqlite"], indirect=True)


@on_sqlite
@pytest.mark.parametrize(("broken", "operation"), BETWEEN)
async def test_a_commit_between_two_statements_is_found(
    harmed: Place, broken: Kind, operation: Operation, texts: Texts
) -> None:
    with pytest.raises(AssertionError, match="neither as before nor as after"):
        await harm_at_each_request(harmed, broken, operation, ERROR, texts)


@pytest.mark.parametrize(("broken", "operation"), BETWEEN[:1])
async def test_it_is_found_when_its_process_is_killed(
    harmed: Place, broken: Kind, operation: Operation, texts: Texts
) -> None:
    with pytest.raises(AssertionError, match="neither as before nor as after"):
        await harm_at_each_request(harmed, broken, operation, KILLED, texts, run_and_kill)


@on_sqlite
async def test_a_lost_write_is_found(harmed: Place, texts: Texts) -> None:
    with pytest.raises(AssertionError, match="acknowledged, and lost"):
        await harm_at_each_request(harmed, Kind("broken", forgetful), CREATE, ERROR, texts)


@on_sqlite
async def test_a_write_before_an_error_is_found(harmed: Place, texts: Texts) -> None:
    with pytest.raises(AssertionError, match="refused, and written"):
        await harm_at_each_request(harmed, Kind("broken", hasty), CREATE, ERROR, texts)


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_a_missing_savepoint_is_found(harmed: Place) -> None:
    """After the error nothing can be done in the app's transaction any more."""
    broken = Kind("broken", without_savepoint, owns_transaction=True)
    create = Operation("create", operations.create)
    with pytest.raises(InvalidRequestError):
        await harm_at_each_request(harmed, broken, create, ERROR, Texts())


@on_sqlite
async def test_a_secret_in_an_error_of_sqlalchemy_is_found(harmed: Place) -> None:
    await harmed.reset()
    texts = Texts()
    async with AsyncSession(harmed.engine) as session:
        statement = insert(User.__table__).values(
            **{**ANNE, "hashed_password": planted("hash")}, **FLAGS
        )
        with pytest.raises(IntegrityError) as caught:
            await session.execute(statement)
    texts.raised(caught.value)
    with pytest.raises(AssertionError, match="a secret is shown"):
        texts.assert_no_secret()
