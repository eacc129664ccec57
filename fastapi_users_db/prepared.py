"""Statements that are the same at every call, built once for each class or table.

SQLAlchemy remembers what it has worked out for a statement object, its cache key above all, so
that executing the same object again, or one derived from it, is much cheaper than building it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from fastapi_users_db.comparison import same_text
from fastapi_users_db.mapping import Entity, UserEntity

__all__ = [
    "delete_accounts",
    "delete_row",
    "delete_rows",
    "delete_user",
    "insert_row",
    "is_account",
    "key_parameters",
    "row_parameters",
    "select_accounts",
    "select_columns",
    "select_holders",
    "select_instances",
    "select_row",
    "update_row",
]

# So that these parameters are none of a column's.
_ROW = "primary_key_"


@lru_cache(maxsize=256)
def select_instances(of: Entity) -> Any:
    """Return the statement for all instances of a mapped class, to be narrowed down."""
    return select(of.target)


@lru_cache(maxsize=256)
def select_columns(of: Entity) -> Any:
    """Return the statement for all rows of a table, to be narrowed down."""
    return select(*of.columns.values())


@lru_cache(maxsize=256)
def select_accounts(users: UserEntity, keys: int) -> Any:
    """Return the statement for each account that is a user's, or is one of several external
    accounts, beside the id of its user: no row if the user is gone, an empty one if there is none.

    Parameters:
        users: the user's class, with the OAuth account's.
        keys: how many external accounts there are.
    """
    accounts = users.oauth
    assert accounts is not None
    user_id = bindparam("user_id", type_=users.id_column.type)
    is_wanted = or_(users.oauth_user == user_id, *_is_one_of(users, keys))
    return (
        select(users.oauth_user, accounts.target)
        .select_from(users.table.outerjoin(accounts.table, is_wanted))
        .where(users.id_column == user_id)
        # What the session holds may be older.
        .execution_options(populate_existing=True)
    )


@lru_cache(maxsize=256)
def select_holders(users: UserEntity, keys: int) -> Any:
    """Return the statement for the users to whom one of several external accounts is linked.

    Parameters:
        users: the user's class, with the OAuth account's.
        keys: how many external accounts there are.
    """
    return select(users.oauth_user).where(or_(*_is_one_of(users, keys)))


def is_account(users: UserEntity, oauth_name: Any, account_id: Any) -> Any:
    """Return the criterion that an OAuth account is this external account.

    Parameters:
        users: the user's class, with the OAuth account's.
        oauth_name: the name of the OAuth client, or a parameter that stands for it.
        account_id: the id of the account there, or a parameter.
    """
    name_column, id_column = users.account_columns
    return and_(same_text(name_column, oauth_name), same_text(id_column, account_id))


def _is_one_of(users: UserEntity, keys: int) -> list[Any]:
    name, account_id = users.account_columns
    return [
        is_account(
            users,
            bindparam(f"oauth_name_{number}", type_=name.type),
            bindparam(f"account_id_{number}", type_=account_id.type),
        )
        for number in range(keys)
    ]


def key_parameters(keys: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the parameters of `select_holders`, and those of `select_accounts` but for the id."""
    parameters = {}
    for number, (name, account_id) in enumerate(keys):
        parameters[f"oauth_name_{number}"] = name
        parameters[f"account_id_{number}"] = account_id
    return parameters


@lru_cache(maxsize=256)
def delete_accounts(users: UserEntity) -> Any:
    """Return the statement that deletes a user's OAuth accounts, given its `user_id`."""
    assert users.oauth is not None
    user_id = bindparam("user_id", type_=users.oauth_user.type)
    return delete(users.oauth.table).where(users.oauth_user == user_id)


@lru_cache(maxsize=256)
def delete_user(users: UserEntity) -> Any:
    """Return the statement that deletes a user, given its `user_id`."""
    user_id = bindparam("user_id", type_=users.id_column.type)
    return delete(users.table).where(users.id_column == user_id)


@lru_cache(maxsize=256)
def insert_row(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that inserts a row, given values by column key.

    Parameters:
        of: the class or table.
        returning: the attributes that the statement returns.
    """
    return _returning(insert(of.table), of, returning)


@lru_cache(maxsize=256)
def update_row(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that changes a row, given `row_parameters` and values by column key."""
    return _returning(update(of.table).where(_is_row(of)), of, returning)


@lru_cache(maxsize=256)
def delete_row(of: Entity) -> Any:
    """Return the statement that deletes a row, given `row_parameters`."""
    return delete(of.table).where(_is_row(of))


@lru_cache(maxsize=256)
def delete_rows(of: Entity, returning: tuple[str, ...] = ()) -> Any:
    """Return the statement that deletes all rows, to be narrowed down."""
    return _returning(delete(of.table), of, returning)


@lru_cache(maxsize=256)
def select_row(of: Entity, attributes: tuple[str, ...]) -> Any:
    """Return the statement that reads a row, given `row_parameters`."""
    return select(*(of.columns[attribute] for attribute in attributes)).where(_is_row(of))


def row_parameters(of: Entity, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that say which row it is: the one with the primary key in `values`."""
    return {_ROW + attribute: values[attribute] for attribute in of.primary_key}


def _is_row(of: Entity) -> Any:
    return and_(*(of.columns[key] == bindparam(_ROW + key) for key in of.primary_key))


def _returning(statement: Any, of: Entity, attributes: tuple[str, ...]) -> Any:
    columns = [of.columns[attribute] for attribute in attributes]
    return statement.returning(*columns) if columns else statement
