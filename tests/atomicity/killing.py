"""An operation in a process of its own, which is killed at one of its requests."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from tests.atomicity.operations import APPS_OWN, Operation
from tests.atomicity.trial import Kind, Place, Trial
from tests.conftest import Addresses
from tests.faults.injection import KILLED, Injection
from tests.faults.secrets import Texts

# Forked from a process that has imported all of this, and runs nothing.
PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


async def run_and_kill(
    place: Place, kind: Kind, operation: Operation, injection: Injection, texts: Texts
) -> Trial:
    """Run the operation once, and kill its process as this fault.

    If it succeeds, its process is killed all the same, unless the app has yet to commit.
    """
    await place.reset()
    conversation, its_conversation = PROCESSES.Pipe()
    process: Any = PROCESSES.Process(
        target=_process,
        args=(its_conversation, _addresses(place), kind, operation, injection.at),
        daemon=True,
    )
    process.start()
    its_conversation.close()

    def kill(_: Injection) -> None:
        process.kill()
        process.join()

    injection.kill = kill
    trial = Trial(error="killed", survived=False)
    with conversation:
        assert await _receive(conversation) == []
        async with place.faults(injection):
            conversation.send(None)
            with suppress(EOFError):
                requests = await _receive(conversation)
                injection.requests += requests  # of SQLite's, which only that process sees
                if not injection.happened:
                    trial.error = None
        if kind.owns_transaction and trial.error is None:
            conversation.send(None)
        else:
            kill(injection)
        await asyncio.to_thread(process.join)
    await place.settle()
    async with place.app(kind) as app, app.transaction():
        await app.works()
    await place.settle()
    trial.state = await place.state()
    return trial


def _addresses(place: Place) -> Addresses:
    addresses = place.addresses
    if place.proxy is None:
        return addresses
    orm, databases = map(place.proxy.address, (addresses.orm, addresses.databases))
    return Addresses(addresses.name, orm, databases)


async def _receive(conversation: Connection) -> Any:
    return await asyncio.to_thread(conversation.recv)


def _process(*args: Any) -> None:
    asyncio.run(_operate(*args))


async def _operate(
    conversation: Connection, addresses: Addresses, kind: Kind, operation: Operation, at: int
) -> None:
    """Run the operation when told to, and leave it to others to kill this on servers."""
    place = Place(addresses, None)
    injection = Injection(KILLED, at, _kill_this(conversation))
    async with place.app(kind) as app, app.transaction():
        if kind.owns_transaction:
            await app.connection.execute(APPS_OWN)
        ready = await operation.prepare(app.adapters)
        await app.warm_up()
        conversation.send([])
        conversation.recv()
        async with place.faults(injection):
            await ready()
        conversation.send(injection.requests)
        conversation.recv()


def _kill_this(conversation: Connection) -> Callable[[Injection], None]:
    def kill(injection: Injection) -> None:
        conversation.send(injection.requests)
        os.kill(os.getpid(), signal.SIGKILL)

    return kill
