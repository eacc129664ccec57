"""The statements that both backends execute.

Those that are the same at every call are built once: SQLAlchemy remembers what it has worked out
for a statement object, its cache key above all.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, false, not_, or_, select, true

from fastapi_users_db.accounts import ExternalAccount
from fastapi_users_db.comparison import same_in_any_case, same_text, same_text_everywhere
from fastapi_users_db.mapping import Entity, Owner, UserEntity, is_verbatim
from fastapi_users_db.versions.sqlalchemy import python_type

__all__ = [
    "delete_accounts",
    "is_account",
    "is_owner_of_token",
    "select_accounts",
    "select_expired",
    "select_owner",
    "select_sessions",
    "select_taken",
    "where_token",
]


def select_taken(users: UserEntity, email: str) -> list[Any]:
    """Return the statements for the ids of the users who have this e-mail address: as it is, and
    in any case."""
    column, ids = users.email_expression, select(users.id_expression)
    return [ids.where(column == email), ids.where(same_in_any_case(column, email))]


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


def is_owned(criteria: Sequence[Any]) -> Any:
    """Return the criterion that all columns of an OAuth account refer to its user.

    Without any that does, an account is nobody's, and not everybody's.
    """
    return and_(*criteria) if criteria else false()


@lru_cache(maxsize=256)
def delete_accounts(users: UserEntity) -> Any:
    """Return the statement that deletes a user's OAuth accounts, given `owner_` with the attribute
    for each value that refers to the user."""
    assert users.oauth is not None
    columns = [(f"owner_{key}", users.oauth.columns[key]) for key in users.owner_attributes]
    owned = [column == bindparam(name, type_=column.type) for name, column in columns]
    return delete(users.oauth.table).where(is_owned(owned))


def select_expired(tokens: Entity, max_age: datetime, batch_size: int) -> Any:
    """Return the statement for the values of some access tokens created before a time."""
    return (
        select(tokens.expression("token"))
        .where(tokens.expression("created_at") < max_age)
        .limit(batch_size)
    )


@lru_cache(maxsize=256)
def is_owner_of_token(users: UserEntity, tokens: Entity) -> Any:
    """Return the criterion that an access token is a user's, or `None` if only Python can tell:
    where the ids of both are of different types, or no columns.

    Parameters:
        users: the user's class.
        tokens: the access token's.
    """
    owner, user_id = tokens.find_column("user_id"), users.find_column("id")
    if owner is None or user_id is None or type(owner.type) is not type(user_id.type):
        return None
    expressions = tokens.expression("user_id"), users.id_expression
    return _same(owner, *expressions) if python_type(owner) is str else operator.eq(*expressions)


def where_token(
    selected: Any,
    users: UserEntity,
    tokens: Entity,
    values: Sequence[str],
    max_age: datetime | None,
) -> Any:
    """Return the statement for the users of the access tokens with one of these values.

    Parameters:
        selected: the statement for all users.
        users: the user's class.
        tokens: the access token's.
        values: what may be stored of one token.
        max_age: when the access token was created at the earliest, or `None`.
    """
    column, token = tokens.column("token"), tokens.expression("token")
    # Not IN: its text depends on how many values it has.
    is_one = or_(*(_same(column, token, value) for value in values))
    # All of it in WHERE: a hook of the app's own may take the criteria, and leave the join.
    statement = selected.join(tokens.target, true())
    statement = statement.where(is_owner_of_token(users, tokens), is_one)
    if max_age is not None:
        statement = statement.where(tokens.expression("created_at") >= max_age)
    return statement


def _same(column: Any, expression: Any, value: Any) -> Any:
    return (same_text_everywhere if is_verbatim(column) else same_text)(expression, value)


def select_owner(owner: Owner, user_id: Any) -> Any:
    """Return the statement for the user whom a new access token refers to, who then stays as long
    as the transaction lasts.

    Parameters:
        owner: whose access tokens there are.
        user_id: the user's id.
    """
    column = owner.column
    is_text = isinstance(user_id, str) and python_type(column) is str
    is_owner = _same(column, column, user_id) if is_text else column == user_id
    # As a foreign key does: others may change the user meanwhile.
    return select(column).where(is_owner).with_for_update(read=True, key_share=True)


def select_sessions(
    tokens: Entity, user_id: Any, max_age: datetime | None, but: Sequence[str] = ()
) -> Any:
    """Return the statement for what the access tokens of a user have stored, and since when.

    Parameters:
        tokens: the access token's class.
        user_id: the user's id; `None` is nobody's.
        max_age: when the access token was created at the earliest, or `None`.
        but: the stored values that are left out.

    Raises:
        InvalidIDError: the id is of another type than the table's.
    """
    token, created_at = tokens.expression("token"), tokens.expression("created_at")
    column, owner = tokens.find_column("user_id"), tokens.expression("user_id")
    value = tokens.compared("user_id", owner, user_id)
    is_text = isinstance(value, str) and column is not None
    is_own = _same(column, owner, value) if is_text else owner == value
    statement = select(token, created_at).where(false() if value is None else is_own)
    if max_age is not None:
        statement = statement.where(created_at >= max_age)
    for kept in but:
        statement = statement.where(not_(_same(tokens.column("token"), token, kept)))
    # By the token, too: several may have been created at the same time.
    return statement.order_by(created_at.desc(), token)
