"""The rows that the benchmark's databases are seeded with: every side knows them by number."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

HASH = "$argon2id$v=19$m=65536,t=3,p=4$" + "x" * 66
"""What stands for a password: as long as argon2's."""

EVERY = 10
"""Every tenth user has an OAuth account and an access token."""


def user_id(number: int) -> uuid.UUID:
    """Return the id of a seeded user."""
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
    # Of version 4: pydantic insists on it.
    return uuid.UUID(f"{digest[:12]}4{digest[13:16]}8{digest[17:]}")


class Sample:
    """The seeded users that have everything, one for each round, in an order of no pattern.

    Parameters:
        users: how many users there are.
    """

    def __init__(self, users: int) -> None:
        self._numbers = range(0, users, EVERY)

    def number(self, round_number: int) -> int:
        """Return the number of the user that a round is about."""
        return self._numbers[(round_number * 7919) % len(self._numbers)]


def email(number: int) -> str:
    """Return the e-mail address of a seeded user."""
    return f"user{number}@example.com"


def account_id(number: int) -> str:
    """Return the external account of a seeded user that has one."""
    return f"account{number}"


def token(number: int) -> str:
    """Return the access token of a seeded user that has one."""
    return f"token-of-user-{number}"


def new_user() -> dict[str, Any]:
    """Return the values of a user who is not there yet."""
    return {
        "email": f"{uuid.uuid4().hex}@new.example.com",
        "hashed_password": HASH,
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
    }


def new_account() -> dict[str, Any]:
    """Return the values of an OAuth account that is not there yet."""
    return {
        "oauth_name": "provider",
        "access_token": "a" * 200,
        "expires_at": 1,
        "refresh_token": None,
        "account_id": uuid.uuid4().hex,
        "account_email": "new@provider.example.com",
    }
