"""What a write says when its connection is lost, or the database asks for it to be tried again.

It is the driver's own error: no other is true, and whoever tries again looks for its code.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from fastapi_users_db import InvalidValueError
from fastapi_users_db.exceptions import FastAPIUsersDBError
from tests.atomicity.operations import ANNE, FLAGS, NOW, OPERATIONS, Operation, user
from tests.atomicity.trial import (
    DATABASES,
    DATABASES_TRANSACTION,
    ORM,
    ORM_NO_COMMIT,
    Kind,
    Place,
    run,
)
from tests.conformance.models import AccessToken, User
from tests.faults.injection import ERROR, TERMINATED, Injection
from tests.faults.secrets import Texts
from tests.races.parties import Observer, Party

pytestmark = [
    pytest.mark.any_stack,
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]

KINDS = (ORM, ORM_NO_COMMIT, DATABASES)
INJECTED = {"40001", "22P02", 1213}
"""What the proxy lets the servers say; the second in place of preparing a statement."""
SOME = ("create-token", "update-with-accounts")
WRITES = [
    pytest.param(operation, marks=() if operation.name in SOME else pytest.mark.thorough)
    for operation in OPERATIONS
]


def chain(error: BaseException | None) -> Iterator[Any]:
    """An error and what has led to it, as an app finds it."""
    while error is not None:
        yield error
        error = error.__cause__ or getattr(error, "orig", None)


def codes(error: BaseException) -> set[Any]:
    """What the driver's errors say: SQLSTATE or number."""
    found = list(chain(error))
    numbers = {e.args[0] for e in found if e.args and isinstance(e.args[0], int)}
    return {getattr(e, "sqlstate", None) for e in found} | numbers


def is_about_the_connection(error: BaseException) -> bool:
    """Tell it by the server's code, or else by the driver's own words."""
    gone = {"57P01", 2006, 2013}  # ended by its administrator, gone away, lost during a query
    return bool(codes(error) & gone) or any(
        isinstance(cause, ConnectionError) or "onnection" in f"{type(cause).__name__} {cause}"
        for cause in chain(error)
    )


async def at_each_request(
    place: Place, kind: Kind, operation: Operation, fault: str, texts: Texts
) -> list[BaseException]:
    """Harm the operation at each of its requests, and return what it has raised.

    The app goes on working after each, in its session or with its database.
    """
    raised = []
    for at in count(1):
        injection = Injection(fault, at)
        trial = await run(place, kind, operation, injection, texts)
        if not injection.happened:
            return raised
        if trial.raised is not None:
            raised.append(trial.raised)
    raise AssertionError


@pytest.fixture
def on_server(harmed: Place) -> Place:
    if harmed.proxy is None:
        pytest.skip("SQLite has no connection to lose")
    return harmed


@pytest.mark.parametrize("adapter", KINDS, ids=str)
@pytest.mark.parametrize("operation", WRITES, ids=str)
async def test_a_lost_connection_is_the_drivers_error(
    on_server: Place, adapter: Kind, operation: Operation, texts: Texts
) -> None:
    raised = await at_each_request(on_server, adapter, operation, TERMINATED, texts)
    assert raised
    for error in raised:
        assert not isinstance(error, FastAPIUsersDBError), error
        assert is_about_the_connection(error), [*chain(error)]


@pytest.mark.parametrize("adapter", [*KINDS, DATABASES_TRANSACTION], ids=str)
@pytest.mark.parametrize("operation", WRITES, ids=str)
async def test_what_asks_to_be_tried_again_stays_what_it_is(
    on_server: Place, adapter: Kind, operation: Operation, texts: Texts
) -> None:
    """A serialization failure of PostgreSQL's, a deadlock of MariaDB's, at any request."""
    raised = await at_each_request(on_server, adapter, operation, ERROR, texts)
    assert raised
    for error in raised:
        assert not isinstance(error, FastAPIUsersDBError), error
        assert codes(error) & INJECTED, [*chain(error)]


@pytest.mark.parametrize("fault", [TERMINATED, ERROR])
@pytest.mark.parametrize("adapter", KINDS, ids=str)
async def test_a_token_that_is_not_created_has_a_value(
    on_server: Place, adapter: Kind, fault: str, texts: Texts
) -> None:
    [operation] = [operation for operation in OPERATIONS if operation.name == "create-token"]
    for error in await at_each_request(on_server, adapter, operation, fault, texts):
        assert not any(isinstance(e, InvalidValueError) for e in chain(error))


# Not made by the proxy, but by two who write the same rows: Anne's and Bert's.

BERT = user("bert")


def rename(someone: dict[str, Any], name: str) -> Any:
    users = User.__table__
    return update(users).where(users.c.id == someone["id"]).values(name=name, changes=1)


@pytest.fixture(params=[ORM_NO_COMMIT, DATABASES_TRANSACTION], ids=str)
def adapter_in_transaction(request: pytest.FixtureRequest) -> Kind:
    kind: Kind = request.param
    return kind


@pytest.fixture
async def observer(on_server: Place) -> AsyncIterator[Observer]:
    observer = Observer(on_server.addresses)
    yield observer
    await observer.engine.dispose()


async def prepare(place: Place) -> None:
    await place.reset()
    async with place.engine.begin() as connection:
        await connection.execute(insert(User.__table__).values(**BERT, **FLAGS))


async def test_a_deadlock_is_one(
    on_server: Place, adapter_in_transaction: Kind, observer: Observer, texts: Texts
) -> None:
    """The app has written Bert, and then Anne; another has written Anne, and waits for Bert."""
    await prepare(on_server)
    is_postgresql = on_server.addresses.name == "postgresql"
    async with on_server.app(adapter_in_transaction) as app, on_server.engine.connect() as other:
        with suppress(DeadlockError):
            async with app.transaction():
                # Whoever looks first, or has written least, is the one that has to go.
                if is_postgresql:
                    await app.connection.execute(text("SET LOCAL deadlock_timeout = '1ms'"))
                    await other.execute(text("SET LOCAL deadlock_timeout = '1h'"))
                anne = await app.adapters.users.get(ANNE["id"])
                await app.connection.execute(rename(BERT, "the app's"))
                await other.execute(update(AccessToken.__table__).values(created_at=NOW))
                await other.execute(rename(ANNE, "another's"))
                waiting = asyncio.create_task(_execute(other, rename(BERT, "another's")))
                await until_waiting(observer, waiting)
                with pytest.raises(Exception) as raised:  # noqa: PT011  whatever the driver has
                    await app.adapters.users.update(anne, {"email": "new@example.com"})
                texts.raised(raised.value)
                assert not isinstance(raised.value, FastAPIUsersDBError)
                assert codes(raised.value) & {"40P01", 1213}
                if is_postgresql:
                    # The savepoint's locks are gone, those of the transaction are not.
                    raise DeadlockError
        await waiting
        await other.commit()
        await app.adapters.users.update(anne, {"email": "new@example.com"})
        if adapter_in_transaction is ORM_NO_COMMIT:
            await app.connection.commit()


class DeadlockError(Exception):
    """The app gives up its transaction."""


async def _execute(connection: AsyncConnection, statement: Any) -> None:
    await connection.execute(statement)


async def until_waiting(observer: Observer, waiting: "asyncio.Task[None]") -> None:
    """Wait until the database says that a task waits for a lock."""
    nobody = Party("orm")
    while not await observer.is_waiting(nobody, nobody):
        assert not waiting.done()


async def test_a_serialization_failure_is_one(
    on_server: Place, adapter_in_transaction: Kind, texts: Texts
) -> None:
    """At REPEATABLE READ on PostgreSQL: another has changed Anne since the app has read her."""
    if on_server.addresses.name != "postgresql":
        pytest.skip("MariaDB changes the newest row")
    await prepare(on_server)
    async with on_server.app(adapter_in_transaction) as app:
        async with app.transaction():
            await app.connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            anne = await app.adapters.users.get(ANNE["id"])
            async with on_server.engine.begin() as other:
                await other.execute(rename(ANNE, "another's"))
            with pytest.raises(Exception) as raised:  # noqa: PT011  whatever the driver has
                await app.adapters.users.update(anne, {"email": "new@example.com"})
            texts.raised(raised.value)
            assert not isinstance(raised.value, FastAPIUsersDBError)
            assert "40001" in codes(raised.value)
            assert anne.email == ANNE["email"]
            # The app's own transaction is still there.
            assert await app.adapters.users.get(BERT["id"]) is not None
        async with app.transaction():
            await app.works()
