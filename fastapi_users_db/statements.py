"""The statements that both backends execute.

Those that are the same at every call are built once: SQLAlchemy remembers what it has worked out
for a statement object, its cache key above all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, false, or_, select

from fastapi_users_db.accounts import ExternalAccount
from fastapi_users_db.comparison import same_in_any_case, same_text
from fastapi_users_db.mapping import Entity, UserEntity

__all__ = [
    "is_account",
    "newest",
    "select_accounts",
    "select_expired",
    "select_taken",
]


def newest(statement: Any, *, lock: bool, of: Any = None) -> Any:
    """Return a statement that sees, with a lock, what is newer than its transaction's snapshot.

    On MySQL and MariaDB the app's own transaction may still have rows that are gone, and not have
    new ones. Others are the newest in any case.

    Parameters:
        statement: the statement.
        lock: whether to lock the rows that it finds.
        of: the table whose rows, if not of all.
    """
    return statement.with_for_update(read=True, of=of) if lock else statement


def select_taken(users: UserEntity, email: str, *, lock: bool) -> list[Any]:
    """Return the statements for the ids of the users who have this e-mail address.

    With a lock, the first one sees the newest rows.
    """
    column = users.email_expression
    ids = select(users.id_expression)
    return [
        newest(ids.where(column == email), lock=lock),
        ids.where(same_in_any_case(column, email)),
    ]


def select_accounts(
    users: UserEntity,
    owner: Mapping[str, Any],
    external: Iterable[ExternalAccount],
    *,
    instances: bool,
) -> tuple[Any, dict[str, Any]]:
    """Return the statement for the OAuth accounts that are a user's, or are one of several
    external accounts, and its parameters.

    The database may find more for the same: to be compared once more.

    Parameters:
        users: the user's class, with the OAuth account's.
        owner: the values that refer to the user, by attribute of the OAuth account; may be empty.
        external: the external accounts.
        instances: whether to select instances of the class, or columns.
    """
    assert users.oauth is not None
    external = list(external)
    if len(external) <= 1:
        parameters = {f"owner_{key}": value for key, value in owner.items()}
        if external:
            [(parameters["external_name"], parameters["external_id"])] = external
        return _select_accounts(users, tuple(owner), bool(external), instances), parameters
    columns, (name, account_id) = users.oauth.columns, users.account_columns
    criteria = [and_(*(columns[key] == value for key, value in owner.items()))] if owner else []
    # A criterion for each client: SQLite limits how many there may be.
    for client in {oauth_name for oauth_name, _ in external}:
        ids = [found for oauth_name, found in external if oauth_name == client]
        criteria.append(and_(name == client, account_id.in_(ids)))
    what = [users.oauth.target] if instances else columns.values()
    return select(*what).where(or_(*criteria)), {}


@lru_cache(maxsize=256)
def _select_accounts(
    users: UserEntity, owner: tuple[str, ...], one_external: bool, instances: bool
) -> Any:
    assert users.oauth is not None
    columns, criteria = users.oauth.columns, []
    named = ((columns[key], f"owner_{key}") for key in owner)
    if owner:
        criteria.append(and_(*(c == bindparam(key, type_=c.type) for c, key in named)))
    if one_external:
        name, account_id = users.account_columns
        oauth_name = bindparam("external_name", type_=name.type)
        external_id = bindparam("external_id", type_=account_id.type)
        criteria.append(is_account(users, oauth_name, external_id))
    what = [users.oauth.target] if instances else columns.values()
    return select(*what).where(or_(false(), *criteria))


def is_account(users: UserEntity, oauth_name: Any, account_id: Any) -> Any:
    """Return the criterion that an OAuth account is this external account.

    Parameters:
        users: the user's class, with the OAuth account's.
        oauth_name: the name of the OAuth client, or a parameter that stands for it.
        account_id: the id of the account there, or a parameter.
    """
    name_column, id_column = users.account_columns
    return and_(same_text(name_column, oauth_name), same_text(id_column, account_id))


def select_expired(tokens: Entity, max_age: datetime, batch_size: int) -> Any:
    """Return the statement for the values of some access tokens created before a time."""
    return (
        select(tokens.expression("token"))
        .where(tokens.expression("created_at") < max_age)
        .limit(batch_size)
    )
