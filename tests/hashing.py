"""Cheap password hashes, for apps that know none: hashing is meant to be slow."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def cheap_hashes() -> Iterator[None]:
    """Let FastAPI Users hash cheaply: slowly it would be most of what the apps of a test do."""
    try:
        from pwdlib.hashers.argon2 import Argon2Hasher
        from pwdlib.hashers.bcrypt import BcryptHasher
    except ImportError:
        # FastAPI Users before 13 hashes with passlib.
        yield
        return
    costs = {
        Argon2Hasher: {"time_cost": 1, "memory_cost": 8, "parallelism": 1},
        BcryptHasher: {"rounds": 4},
    }
    with pytest.MonkeyPatch.context() as patch:
        for hasher, cost in costs.items():
            patch.setattr(hasher, "__init__", functools.partialmethod(hasher.__init__, **cost))
        yield
