"""What tasks do at once through one `databases.Database`, and what a transaction holds together."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from databases import Database

from fastapi_users_db import (
    DatabasesUserDatabase,
    FastAPIUsersDBDeprecationWarning,
    UserAlreadyExistsError,
)
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT
from tests.races.conftest import Duel, Raced


@pytest.fixture
async def state(database: dict[bool, Raced]) -> Duel:
    """The database, empty, and a look at it."""
    state = Duel(("databases", "databases"), database[False])
    await state.clear()
    return state


@pytest.fixture
async def users(state: Duel, database_of: Callable[[Addresses], Awaitable[Database]]) -> Any:
    connected = await database_of(state.database.addresses)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
        return DatabasesUserDatabase(connected, state.tables.User, state.tables.OAuthAccount)


async def emails(state: Duel) -> set[str]:
    return {row.email for row in (await state.users()).values()}


async def test_calls_at_once_do_not_disturb_each_other(state: Duel, users: Any) -> None:
    """Each of ten users is created, linked and changed by a task of its own."""

    async def register(number: int) -> None:
        email = f"{number}@example.com"
        user = await users.create({**ANNE, "email": email})
        await users.add_oauth_account(user, {**ACCOUNT, "account_id": email})
        await users.update(user, {"name": email})
        found = await users.get_by_oauth_account("provider", email)
        assert (found.id, found.name) == (user.id, email)

    await asyncio.gather(*(register(number) for number in range(10)))
    assert {row.email: row.name for row in (await state.users()).values()} == {
        f"{number}@example.com": f"{number}@example.com" for number in range(10)
    }


async def test_rollback_of_the_apps_transaction_undoes_all(state: Duel, users: Any) -> None:
    """All writes inside are seen inside, and gone after the rollback; the adapter goes on."""
    async with users.database.transaction(force_rollback=True):
        user = await users.create(ANNE)
        await users.add_oauth_account(user, ACCOUNT)
        await users.update(user, {"name": "Anne"})
        assert (await users.get_by_oauth_account("provider", "1")).name == "Anne"
    assert await emails(state) == set()
    assert await state.owners() == []
    await users.create(ANNE)
    assert await emails(state) == {ANNE["email"]}


async def test_a_refusal_leaves_the_apps_transaction_usable(state: Duel, users: Any) -> None:
    """What was refused is not there; what came before and after it is committed."""
    async with users.database.transaction():
        await users.create(ANNE)
        with pytest.raises(UserAlreadyExistsError):
            await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.create(BERT)
    assert await emails(state) == {ANNE["email"], BERT["email"]}
    assert await state.owners() == []


async def test_a_child_task_is_outside_the_transaction(state: Duel, users: Any) -> None:
    """`databases` gives each task a connection of its own: its writes stay after a rollback."""
    async with users.database.transaction(force_rollback=True):
        await asyncio.create_task(users.create(BERT))
        await users.create(ANNE)
    assert await emails(state) == {BERT["email"]}


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
async def test_tasks_that_share_the_connection_of_a_test_wait_for_each_other(
    state: Duel, users: Any
) -> None:
    """As with `force_rollback`, which `databases` has for tests; a hook of the app's may write in
    between."""

    class Welcoming(DatabasesUserDatabase[Any, Any]):
        async def _make_user(self, row: Any) -> Any:
            user = await super()._make_user(row)
            if user.name is None:
                await plain.update(user, {"name": "new"})
            return user

    address = state.database.addresses.databases
    async with Database(address, force_rollback=True) as database:
        plain = DatabasesUserDatabase[Any, Any](database, state.tables.User)
        shared = Welcoming(database, state.tables.User)
        people = [{**ANNE, "email": f"{number}@example.com"} for number in range(5)]
        created = await asyncio.gather(*map(shared.create, people))
        await asyncio.gather(*(plain.update(user, {"is_verified": True}) for user in created))
        found = [await plain.get(user.id) for user in created]

    assert [(user.name, user.is_verified) for user in found if user] == [("new", True)] * 5
    assert await emails(state) == set()


async def test_a_cancelled_task_leaves_the_others_alone(state: Duel, users: Any) -> None:
    """A task that is cancelled in its transaction writes nothing; another goes on meanwhile."""
    inside = asyncio.Event()

    async def hang() -> None:
        async with users.database.transaction():
            await users.get_by_email(ANNE["email"])
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await users.create(BERT)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await emails(state) == {BERT["email"]}
