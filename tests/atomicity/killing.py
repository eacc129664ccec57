"""An operation in a process of its own, which is killed at one of its requests."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from tests.atomicity.operations import APPS_OWN, Operation
from tests.atomicity.trial import Kind, Place, Trial
from tests.conformance.models import Base
from tests.conftest import Addresses
from tests.faults.injection import KILLED, Injection
from tests.faults.processes import Process, running
from tests.faults.secrets import Texts

# Once, and not in each process that is forked from one that has imported this.
Base.registry.configure()


async def run_and_kill(
    place: Place, kind: Kind, operation: Operation, injection: Injection, texts: Texts
) -> Trial:
    """Run the operation once, and kill its process as this fault.

    If it succeeds, its process is killed all the same, unless the app has yet to commit.
    """
    await place.reset()
    with running(_process, _addresses(place), kind, operation, injection.at) as process:
        trial = await _converse(process, place, injection)
        if kind.owns_transaction and trial.error is None:
            process.conversation.send(None)
            await asyncio.to_thread(process.process.join)
    await place.settle()
    async with place.app(kind) as app, app.transaction():
        await app.works()
    await place.settle()
    trial.state = await place.state()
    return trial


async def _converse(process: Process, place: Place, injection: Injection) -> Trial:
    injection.kill = lambda _: process.kill()
    trial = Trial(error="killed", survived=False)
    await asyncio.to_thread(process.conversation.recv)  # it is ready
    async with place.faults(injection):
        process.conversation.send(None)
        with suppress(EOFError):
            # On SQLite, nobody but that process sees its requests.
            injection.requests += await asyncio.to_thread(process.conversation.recv)
            if not injection.happened:
                trial.error = None
    return trial


def _addresses(place: Place) -> Addresses:
    addresses = place.addresses
    if place.proxy is None:
        return addresses
    orm, databases = map(place.proxy.address, (addresses.orm, addresses.databases))
    return Addresses(addresses.name, orm, databases)


def _process(*args: Any) -> None:
    asyncio.run(_operate(*args))


async def _operate(
    conversation: Connection, addresses: Addresses, kind: Kind, operation: Operation, at: int
) -> None:
    """Run the operation when told to. On servers it is left to others to kill this process."""
    place = Place(addresses, None)
    injection = Injection(KILLED, at, _kill_this(conversation))
    async with place.app(kind) as app, app.transaction():
        if kind.owns_transaction:
            await app.connection.execute(APPS_OWN)
        ready = await operation.prepare(app.adapters)
        await app.warm_up()
        conversation.send(None)
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
