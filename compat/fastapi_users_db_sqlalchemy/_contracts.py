"""Where the forms disagree, by name: what each has promised to the apps that are written for it.

Everything else is the same in all of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fastapi_users_db.mapping import Entity, UserEntity
from fastapi_users_db.versions.sqlalchemy import python_type

__all__ = ["CURRENT", "LEGACY_DATABASES", "LEGACY_ORM", "Contract"]


class Contract(NamedTuple):
    """What a form promises.

    Attributes:
        takes_first: of several users that a look-up finds, the first; otherwise
            `MultipleResultsFound`.
        is_as_given: ids and values go to the database as they are given; otherwise those of the
            framework's columns are checked.
        returns_given_user: `create(user)` and `update(user)` return that object; otherwise the
            user as it is stored.
        returns_given_token: the same of access tokens.
        takes_accounts_by_id: of an OAuth account that `update(user)` is given twice, the last
            counts, and a model that was given none leaves those that there are; otherwise the
            first is an error, and the second removes all.
        dumps_accounts_apart: the values of a model are `dict(exclude={"oauth_accounts"})`, and
            those of its `oauth_accounts` what the `dict()` of each returns; otherwise all are
            what `dict()` returns.
        returns_read_user: `create(user)` and `update(user)` return what `get` does, also that of
            a subclass; otherwise what was written.
    """

    takes_first: bool
    is_as_given: bool
    returns_given_user: bool
    returns_given_token: bool
    takes_accounts_by_id: bool = False
    dumps_accounts_apart: bool = False
    returns_read_user: bool = False

    def users(self, users: Any, oauth_accounts: Any) -> UserEntity:
        """Return the description of the tables of users and their OAuth accounts."""
        return _users(self, users, oauth_accounts)

    def entity(self, table: Any) -> Entity:
        """Return the description of another table."""
        return _entity(self, table)


CURRENT = Contract(
    takes_first=False,
    is_as_given=False,
    returns_given_user=False,
    returns_given_token=False,
)
LEGACY_ORM = Contract(
    takes_first=True,
    is_as_given=True,
    returns_given_user=False,
    returns_given_token=True,
    takes_accounts_by_id=True,
    dumps_accounts_apart=True,
    returns_read_user=True,
)
LEGACY_DATABASES = Contract(
    takes_first=True,
    is_as_given=True,
    returns_given_user=True,
    returns_given_token=True,
)


class _AsGiven(Entity):
    """A class or table whose values are SQLAlchemy's and the database's business alone."""

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        for attribute in values:
            if not self.knows(attribute):
                raise self._unknown(attribute)
        return dict(values)


class _UsersAsGiven(_AsGiven, UserEntity):
    """The same of users."""

    def __init__(self, target: Any, oauth_target: Any = None) -> None:
        super().__init__(target, oauth_target)
        self.oauth = None if oauth_target is None else _AsGiven(oauth_target)

    def id_value(self, value: Any) -> Any:
        # What is no UUID only leads to an error that nobody understands.
        return super().id_value(value) if python_type(self.id_expression) is uuid.UUID else value


@lru_cache(maxsize=256)
def _users(contract: Contract, users: Any, oauth_accounts: Any) -> UserEntity:
    kind = _UsersAsGiven if contract.is_as_given else UserEntity
    return kind(users, oauth_accounts)


@lru_cache(maxsize=256)
def _entity(contract: Contract, table: Any) -> Entity:
    return _AsGiven(table) if contract.is_as_given else Entity(table)
