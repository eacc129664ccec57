"""The samples of transactions, on every database."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
from databases import Database
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from fastapi_users_db import UserAlreadyExistsError
from tests.conftest import DATABASES, Addresses
from tests.docs.samples import client_of, load

ADA = {"email": "ada@example.com", "hashed_password": "..."}
BOB = {"email": "bob@example.com", "hashed_password": "..."}


@pytest.fixture(params=DATABASES)
def address(request: pytest.FixtureRequest, empty_database: Callable[[str], Addresses]) -> str:
    return empty_database(request.param).orm


@pytest.fixture
async def sample(address: str) -> AsyncIterator[Any]:
    sample = load("transactions.py", address)
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
    yield sample
    await sample.engine.dispose()


async def count(sample: Any, table: Any) -> Any:
    async with sample.async_session_maker() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_user_and_membership_are_one_transaction(sample: Any) -> None:
    async with sample.async_session_maker() as session:
        user = await sample.create_member(session, "red", ADA)
        assert user.email == "ada@example.com"
    assert await count(sample, sample.Membership) == 1


async def test_user_is_undone_with_the_membership(sample: Any) -> None:
    async with sample.async_session_maker() as session:
        with pytest.raises(IntegrityError):
            await sample.create_member(session, None, ADA)
    assert await count(sample, sample.User) == 0


@pytest.mark.parametrize(("status_code", "users"), [(200, 1), (400, 0)])
async def test_dependency_commits_unless_the_request_fails(
    sample: Any, status_code: int, users: int
) -> None:
    app = FastAPI()

    @app.post("/")
    async def create_user(manager: Annotated[Any, Depends(sample.get_user_manager)]) -> None:
        await manager.user_db.create(ADA)
        if status_code != 200:
            raise HTTPException(status_code)

    async with client_of(app) as client:
        assert (await client.post("/")).status_code == status_code
    assert await count(sample, sample.User) == users


async def test_session_is_usable_after_an_error(sample: Any) -> None:
    async with sample.async_session_maker() as session:
        user = await sample.get_or_create(session, ADA)
        assert await sample.get_or_create(session, ADA) is user


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
async def test_databases_transaction_is_undone_as_a_whole(address: str) -> None:
    sample = load("transactions_databases.py")
    engine = create_async_engine(address)
    async with engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
    await engine.dispose()
    async with Database(address) as database:
        with pytest.raises(UserAlreadyExistsError):
            await sample.create_all_or_none(database, [ADA, ADA])
        users = await sample.create_all_or_none(database, [ADA, BOB])
        assert [user.email for user in users] == ["ada@example.com", "bob@example.com"]
