"""Every write that the adapters have, and the rows that it finds."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import insert

from tests.conformance.models import AccessToken, OAuthAccount, User
from tests.faults.secrets import planted

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def user(name: str, **values: Any) -> dict[str, Any]:
    """Return a user of this name, with a password hash to look out for."""
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_DNS, name),
        "email": f"{name}@example.com",
        "hashed_password": planted(f"hash of {name}"),
        **values,
    }


def account(name: str, **values: Any) -> dict[str, Any]:
    """Return an OAuth account of this name, with tokens to look out for."""
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, name),
        "oauth_name": "provider",
        "access_token": planted(f"access token of {name}"),
        "refresh_token": planted(f"refresh token of {name}"),
        "account_id": name,
        "account_email": f"{name}@provider.example",
        **values,
    }


def token(name: str, **values: Any) -> dict[str, Any]:
    """Return an access token of Anne's, which is itself to look out for."""
    value = planted(f"token {name}")
    return {"token": value, "user_id": ANNE["id"], "created_at": NOW, **values}


ANNE = user("anne")
APP = user("app")
LATER = user("later")
EXPIRED = [token(f"expired {number}", created_at=NOW - timedelta(days=2)) for number in range(4)]
FLAGS = {"is_active": True, "is_superuser": False, "is_verified": False, "changes": 0}

SEED = [
    (User.__table__, [{**ANNE, **FLAGS}]),
    (
        OAuthAccount.__table__,
        [{**account(name), "user_id": ANNE["id"]} for name in ("kept", "removed")],
    ),
    (AccessToken.__table__, [token("used"), *EXPIRED]),
]
"""The rows that each operation finds, by table."""

APPS_OWN = insert(User.__table__).values(**APP, **FLAGS)
"""What the app itself writes earlier in its transaction."""


@dataclass
class Adapters:
    """The adapters of one app."""

    users: Any
    tokens: Any


Ready = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Operation:
    """A write of an adapter's.

    Attributes:
        name: what it is called.
        prepare: reads what it needs, and returns what is to be done to harm.
        transactions: how many it consists of. Only batches are more than one.
    """

    name: str
    prepare: Callable[[Adapters], Awaitable[Ready]]
    transactions: int = 1

    def __str__(self) -> str:
        return self.name


async def anne(adapters: Adapters) -> Any:
    return await adapters.users.get(ANNE["id"])


async def create(adapters: Adapters) -> Ready:
    return lambda: adapters.users.create(user("bert"))


async def create_with_accounts(adapters: Adapters) -> Ready:
    accounts = [account("first"), account("second")]
    return lambda: adapters.users.create({**user("bert"), "oauth_accounts": accounts})


async def update(adapters: Adapters) -> Ready:
    found = await anne(adapters)
    changes = {"email": "new@example.com", "hashed_password": planted("new hash")}
    return lambda: adapters.users.update(found, changes)


async def update_with_accounts(adapters: Adapters) -> Ready:
    found = await anne(adapters)
    changed = account("kept", access_token=planted("new access token"))
    changes = {"email": "new@example.com", "oauth_accounts": [changed, account("added")]}
    return lambda: adapters.users.update(found, changes)


async def update_whole(adapters: Adapters) -> Ready:
    """The legacy convention: an account is changed, one is new, and one is missing."""
    found = await anne(adapters)
    found.email = "new@example.com"
    found.hashed_password = planted("new hash")
    [kept] = [a for a in found.oauth_accounts if a.account_id == "kept"]
    kept.access_token = planted("new access token")
    found.oauth_accounts = [kept, type(kept)(**account("added"))]
    return lambda: adapters.users.update(found)


async def delete(adapters: Adapters) -> Ready:
    found = await anne(adapters)
    return lambda: adapters.users.delete(found)


async def add_oauth_account(adapters: Adapters) -> Ready:
    found = await anne(adapters)
    return lambda: adapters.users.add_oauth_account(found, account("added"))


async def update_oauth_account(adapters: Adapters) -> Ready:
    found = await anne(adapters)
    [kept] = [a for a in found.oauth_accounts if a.account_id == "kept"]
    changes = {"access_token": planted("new access token"), "account_email": "new@example.com"}
    return lambda: adapters.users.update_oauth_account(found, kept, changes)


async def create_token(adapters: Adapters) -> Ready:
    return lambda: adapters.tokens.create(token("new"))


async def update_token(adapters: Adapters) -> Ready:
    found = await adapters.tokens.get_by_token(token("used")["token"])
    return lambda: adapters.tokens.update(found, {"created_at": NOW + timedelta(days=1)})


async def delete_token(adapters: Adapters) -> Ready:
    found = await adapters.tokens.get_by_token(token("used")["token"])
    return lambda: adapters.tokens.delete(found)


async def delete_expired(adapters: Adapters) -> Ready:
    return lambda: adapters.tokens.delete_expired(NOW - timedelta(days=1), batch_size=2)


OPERATIONS = [
    Operation("create", create),
    Operation("create-with-accounts", create_with_accounts),
    Operation("update", update),
    Operation("update-with-accounts", update_with_accounts),
    Operation("delete", delete),
    Operation("add-oauth-account", add_oauth_account),
    Operation("update-oauth-account", update_oauth_account),
    Operation("create-token", create_token),
    Operation("update-token", update_token),
    Operation("delete-token", delete_token),
    Operation("delete-expired", delete_expired, transactions=2),
]

UPDATE_WHOLE = Operation("update-whole", update_whole)
"""What only the shim has."""
