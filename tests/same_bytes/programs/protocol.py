"""What every program has in common: it answers calls of adapter methods, a line of JSON each.

It runs on Python's standard library and SQLAlchemy 1.4 or later: each program runs on a stack of
its own.
"""

import asyncio
import json
import sys
import traceback
import uuid
from datetime import datetime

USER = ("id", "email", "hashed_password", "is_active", "is_superuser", "is_verified", "name")
ACCOUNT = (
    "id",
    "oauth_name",
    "access_token",
    "expires_at",
    "refresh_token",
    "account_id",
    "account_email",
)
TOKEN = ("token", "user_id", "created_at")


def dumps(value, **options):
    """Write JSON that tells types apart: JSON's own, UUIDs, and datetimes with their offset."""
    return json.dumps(value, default=_mark, sort_keys=True, **options)


def loads(text):
    return json.loads(text, object_hook=_unmark)


def _mark(value):
    if isinstance(value, uuid.UUID):
        return {"uuid": str(value)}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    raise TypeError(f"{value!r} is of no type that an adapter should return")


def _unmark(values):
    if values.keys() == {"uuid"}:
        return uuid.UUID(values["uuid"])
    if values.keys() == {"datetime"}:
        return datetime.fromisoformat(values["datetime"])
    return values


def show_user(user):
    """Return all values of a user and its OAuth accounts, or `None`."""
    if user is None:
        return None
    accounts = [_values(account, ACCOUNT) for account in user.oauth_accounts]
    accounts.sort(key=lambda account: str(account["id"]))
    return {**_values(user, USER), "oauth_accounts": accounts}


def show_token(token):
    """Return all values of an access token, or `None`."""
    return None if token is None else _values(token, TOKEN)


def _values(instance, names):
    return {name: getattr(instance, name) for name in names}


async def create_tables(address, metadata):
    """Create the tables that the mixins of this stack declare."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(address)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()


def serve(opened):
    """Answer requests until the input ends.

    `opened(addresses)` is an asynchronous context manager that gives an object with the methods
    that are called.
    """
    for line in sys.stdin:
        request = loads(line)
        try:
            answer = {"answers": asyncio.run(_perform(opened, **request))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(dumps(answer), flush=True)  # noqa: T201


async def _perform(opened, addresses, calls):
    async with opened(addresses) as adapters:
        return [await getattr(adapters, method)(*arguments) for method, *arguments in calls]
