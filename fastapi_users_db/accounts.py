"""The rules of OAuth accounts, whatever they are stored through: which is which, and whose.

An *external account* is the name of an OAuth client with the id of the account there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm.attributes import instance_state

from fastapi_users_db.exceptions import InvalidValueError, kind_of
from fastapi_users_db.mapping import (
    UserEntity,
    has_attributes,
    is_expired,
    is_mapped_class,
    read,
)

__all__ = [
    "ExternalAccount",
    "changed_account",
    "checked_account",
    "checked_accounts",
    "external_account",
    "pair_accounts",
    "values_of_account",
]

ExternalAccount = tuple[str, str]
"""An external account: the name of the OAuth client and the id of the account there."""


def external_account(account: Any) -> ExternalAccount:
    """Return which external account an OAuth account is."""
    return read(account, "oauth_name"), read(account, "account_id")


def changed_account(account: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` with the external account that it is after them."""
    oauth_name, account_id = external_account(account)
    return {"oauth_name": oauth_name, "account_id": account_id, **changes}


def pair_accounts(
    given: Sequence[Mapping[str, Any]], existing: Sequence[Any], id_attribute: str
) -> list[tuple[Mapping[str, Any], Any]]:
    """Find for each given OAuth account the existing one that it is.

    Returns:
        Each given account with the existing one of the same id, else of the same external
        account, else with `None`.
    """
    by_id = {read(account, id_attribute): account for account in existing}
    by_id.pop(None, None)  # a class need not have an `id`
    found = [by_id.get(a.get(id_attribute, a.get("id"))) for a in given]
    # One that is found by its id may become another external account: it is no other given one.
    free = {
        external_account(account): account
        for account in existing
        if not any(account is other for other in found)
    }
    return [
        (account, free.get(external_account(account)) if same is None else same)
        for account, same in zip(given, found, strict=True)
    ]


def checked_accounts(
    given: Any, users: UserEntity, owner: Any, *, may_repeat: bool = False
) -> list[dict[str, Any]]:
    """Return the values of a list of OAuth accounts of one user.

    Parameters:
        given: the list, of dicts or of instances.
        users: the user's class, with the OAuth account's.
        owner: the user, or the values of a new one.
        may_repeat: whether an external account may be there twice.

    Raises:
        TypeError: it is no such list, or an unknown attribute.
        InvalidValueError: an external account twice, another user's, or a value that its column
            cannot hold.
    """
    assert users.oauth is not None
    if not isinstance(given, list | tuple | set):
        raise _no_list(given)
    id_attribute = users.oauth.id
    dicts = [a if isinstance(a, Mapping) else _values(a, users) for a in given]
    taken = [values_of_account(account, users, owner) for account in dicts]
    ids = [a[k] for a in taken for k in {id_attribute, "id"} & a.keys() if a[k] is not None]
    # Beside an id the external account may be left out: it stays what it is.
    external = [external_account(a) for a in taken if {"oauth_name", "account_id"} & a.keys()]
    repeats = len(set(external)) < len(external) and not may_repeat
    if len(set(ids)) < len(ids) or repeats:
        raise InvalidValueError("oauth_accounts has the same external account twice.")
    return taken


def values_of_account(values: Mapping[str, Any], users: UserEntity, owner: Any) -> dict[str, Any]:
    """Return the values of an OAuth account, which belongs to this user and nobody else.

    Raises:
        TypeError: an unknown attribute, or its user as an object.
        InvalidValueError: another user's, or a value that its column cannot hold.
    """
    assert users.oauth is not None
    accounts = users.oauth
    checked = accounts.checked(values)
    for attribute, value in list(checked.items()):
        of_user = users.owner_attributes.get(accounts.synonyms.get(attribute, attribute))
        if of_user is not None:
            del checked[attribute]
            is_own = value is None or value == read(owner, of_user)
            # What is expired is not known, and does not matter: the account gets the user's.
            if not is_own and not is_expired(owner, of_user):
                raise InvalidValueError(
                    f"{accounts.name}.{attribute} is another user's: an OAuth account stays with "
                    f"its user."
                )
        elif attribute in users.owner_relationships:
            raise TypeError(f"{accounts.name}.{attribute} cannot be set: give the user.")
        elif attribute in users.members_by_name and type(value) is str:
            checked[attribute] = users.members_by_name[attribute].get(value, value)
    return checked


def checked_account(oauth_account: Any) -> Any:
    """Return `oauth_account`, or raise `TypeError` if it is nothing that has an id."""
    # An instance may be expired: of it nothing is asked.
    is_instance = isinstance(oauth_account, Mapping) or is_mapped_class(type(oauth_account))
    names = ("id", "account_id")
    if not is_instance and not any(has_attributes(oauth_account, name) for name in names):
        raise TypeError(
            f"oauth_account must be one of the user's OAuth accounts, not "
            f"{kind_of(oauth_account)}. "
            f"Call update_oauth_account(user, oauth_account, update_dict)."
        )
    return oauth_account


def _values(account: Any, users: UserEntity) -> Mapping[str, Any]:
    accounts = users.oauth
    assert accounts is not None
    is_account = accounts.mapper is None or isinstance(account, accounts.target)
    values = accounts.values(account) if is_account else {}
    if not values:
        raise _no_list([account])
    state: Any = None if accounts.mapper is None else instance_state(account)
    if state is None or state.key is not None:
        return values
    # With a new one comes what hangs on it.
    related = {r.key for r in accounts.relationships} - users.owner_relationships
    return {**values, **{key: state.dict[key] for key in related if state.dict.get(key)}}


def _no_list(given: Any) -> TypeError:
    kind = f"of {kind_of(given[0])}" if isinstance(given, list) else kind_of(given)
    return TypeError(
        f"oauth_accounts must be a list of dicts, not {kind}. "
        f'Call update(user, {{"oauth_accounts": [{{"oauth_name": ..., "account_id": ...}}]}}).'
    )
