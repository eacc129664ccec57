"""Calls that are begun anew where the database has undone them, and asks for that."""

from __future__ import annotations

import random
from asyncio import sleep
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from fastapi_users_db.drivers import is_retryable
from fastapi_users_db.exceptions import kind_of

__all__ = ["checked_retries", "is_changed", "repeated"]

_M = TypeVar("_M", bound=Callable[..., Any])

# Up to so many seconds before the first time, up to twice as many before the next, and so on.
_PAUSE = 0.01
_LONGEST_PAUSE = 1.0


def checked_retries(retries: Any, *, commit: bool = True) -> int:
    """Return `retries`.

    Raises:
        TypeError: it is no integer.
        ValueError: it is negative, or another than the adapter ends the transaction.
    """
    if not isinstance(retries, int) or isinstance(retries, bool):
        raise TypeError(f"retries must be an int, not {kind_of(retries)}.")
    if retries < 0:
        raise ValueError("retries must be 0 or more.")
    if retries and not commit:
        raise ValueError(
            "retries need commit=True: with commit=False the transaction is the app's, and only "
            "the app can repeat it. fastapi_users_db.is_retryable(error) tells when."
        )
    return retries


def repeated(method: _M) -> _M:
    """Let an adapter begin a call anew, `retries` times at most, where the database asks for it.

    It does so only if nothing of the app's own is undone with the call: otherwise the app alone
    can do again what it did.
    """

    @wraps(method)
    async def call(adapter: Any, /, *arguments: Any, **options: Any) -> Any:
        if not adapter._retries:
            return await method(adapter, *arguments, **options)
        may_begin_anew = adapter._may_begin_anew(*arguments, *options.values())
        for number in range(adapter._retries):
            try:
                return await method(adapter, *arguments, **options)
            except Exception as error:
                if not may_begin_anew or not is_retryable(error):
                    raise
            await adapter._roll_back()
            # Those who met are not to meet again.
            longest = min(_PAUSE * 2**number, _LONGEST_PAUSE)
            await sleep(random.uniform(0, longest))
        return await method(adapter, *arguments, **options)

    return cast(_M, call)


def is_changed(instance: Any) -> bool:
    """Tell whether the app has changed an object, and nobody has written it yet."""
    state = getattr(instance, "_sa_instance_state", None)
    return state is not None and bool(state.modified)
