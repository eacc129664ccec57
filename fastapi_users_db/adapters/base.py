"""The one interface of both adapters, and the reads, which are the same for both.

An implementation adds how a statement is executed and how rows are written. Nothing here knows
which implementation is in use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic

from sqlalchemy import select
from sqlalchemy.exc import MultipleResultsFound

from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.comparison import differs_only_by_case, same_in_any_case, same_text
from fastapi_users_db.exceptions import (
    InvalidValueError,
    NotSetOAuthAccountTableError,
)
from fastapi_users_db.mapping import (
    OAUTH_ACCOUNTS,
    Entity,
    UserEntity,
    checked_mapping,
    entity,
    has_attributes,
    read,
    user_entity,
)
from fastapi_users_db.prepared import is_account
from fastapi_users_db.schema import SchemaProblem, check_tokens, check_users, error_about_values
from fastapi_users_db.types import as_utc
from fastapi_users_db.values import is_storable
from fastapi_users_db.versions.fastapi_users import (
    AP,
    ID,
    OAP,
    UOAP,
    UP,
    BaseAccessTokenDatabase,
    BaseUserDatabase,
)

__all__ = ["AccessTokenDatabase", "UserDatabase"]

logger = logging.getLogger("fastapi_users_db")


AccountKey = tuple[str, str]
"""An external account: the name of the OAuth client and the id of the account there."""

# Each token is a parameter of the statement, and databases take so many.
LARGEST_BATCH = 10_000

NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class UserDatabase(BaseUserDatabase[UP, ID], Generic[UP, ID]):
    """What FastAPI Users calls `user_db`: users, with their OAuth accounts, in one SQL table each.

    Every user that a method returns is complete: all its columns, its eager relationships and,
    where the adapter was built with an OAuth account table, its `oauth_accounts` are loaded and
    stay readable after the session or connection is gone.

    Attributes:
        user_table: the user's class (or table).
        oauth_account_table: the OAuth account's class (or table), or `None`.
    """

    user_table: Any
    oauth_account_table: Any = None

    async def get(self, id: ID) -> UP | None:
        """Return the user with this id.

        Parameters:
            id: the id; with a UUID column, its text is accepted too.

        Returns:
            The user, or `None`.

        Raises:
            InvalidIDError: the id is of another type than the table's.
        """
        value = self._users.id_value(id)
        if value is None:
            return None
        return await self._get_user(self._select_user().where(self._users.id_column == value))

    async def get_by_email(self, email: str) -> UP | None:
        """Return the user with this e-mail address.

        The address as it is stored wins, and is found through the unique index. Otherwise upper
        and lower case do not matter. An address that differs by more, as an accent or a trailing
        space, is never a match, whatever the database's collation says.

        Parameters:
            email: the address.

        Returns:
            The user, or `None`. Of several whose addresses differ only by case, the one whose
            address sorts first, with a line in the log.

        Raises:
            TypeError: `email` is not a string.
        """
        if not isinstance(email, str):
            raise TypeError(f"email must be a str, not {type(email).__name__}.")
        if not is_storable(email):
            return None
        column = self._users.email_column
        exactly, in_any_case = column == email, same_in_any_case(column, email)
        if self._users.has_lower_email_index and self._may_have_lower_index():
            # It finds several where the index is declared and not there.
            with suppress(MultipleResultsFound):
                user = await self._get_user(self._select_user().where(in_any_case))
                return user if _has_address(user, email) else None
        for criterion in (exactly, in_any_case):
            user = await self._get_one_of_several(
                self._select_user().where(criterion),
                order_by=column,
                accept=lambda user: _has_address(user, email),
            )
            if _has_address(user, email):
                return user
        return None

    async def get_by_oauth_account(self, oauth: str, account_id: str) -> UP | None:
        """Return the user to whom an external account is linked.

        Parameters:
            oauth: name of the OAuth client.
            account_id: id of the account at the provider.

        Returns:
            The user, or `None`.

        Raises:
            NotSetOAuthAccountTableError: the adapter has no OAuth account table.
        """
        accounts, onclause = self._oauth_accounts.table, self._users.oauth_onclause
        for value in (oauth, account_id):
            if not isinstance(value, str):
                raise TypeError(f"oauth and account_id must be str, not {type(value).__name__}.")
            if not is_storable(value):
                return None
        [criterion] = self._with_keys([(oauth, account_id)])
        statement = self._select_user().join(accounts, onclause).where(criterion)
        return await self._get_one_of_several(statement, order_by=self._users.id_column)

    async def create(self, create_dict: dict[str, Any]) -> UP:
        """Create a user.

        Parameters:
            create_dict: values by attribute. `oauth_accounts`, a list of dicts, creates the
                user's OAuth accounts with it, in the same transaction; `None` is none.

        Returns:
            The user, with defaults of Python's and of the server's.

        Raises:
            UserAlreadyExistsError: the e-mail address is taken.
            OAuthAccountAlreadyLinkedError: one of the external accounts is another user's.
            TypeError: an unknown attribute.
            InvalidValueError: a value that its column cannot hold, or no id where it has no
                default.
        """
        raise NotImplementedError

    async def update(self, user: UP, update_dict: dict[str, Any]) -> UP:
        """Change a user: only what differs is written.

        Parameters:
            user: the user, who is changed in place.
            update_dict: values by attribute. `oauth_accounts`, a list of dicts, replaces the
                user's OAuth accounts in the same transaction: those with the id or the external
                account of a given one are changed, the others removed, new ones added. `None`
                leaves them as they are.

        Returns:
            The same user.

        Raises:
            UserNotFoundError: the user is gone.
            UserAlreadyExistsError: the new e-mail address is taken.
            OAuthAccountAlreadyLinkedError: one of the external accounts is another user's.
            TypeError: an unknown attribute.
            InvalidValueError: a value that its column cannot hold.
        """
        raise NotImplementedError

    async def delete(self, user: UP) -> None:
        """Delete a user and its OAuth accounts, also where foreign keys are not enforced.

        Parameters:
            user: the user, who stays readable. One who is gone already, or never was written, is
                no error: what counts is the id.
        """
        raise NotImplementedError

    async def add_oauth_account(
        self: UserDatabase[UOAP, ID], user: UOAP, create_dict: dict[str, Any]
    ) -> UOAP:
        """Link an external account to a user; if it is already, update the link.

        Parameters:
            user: the user, who is changed in place.
            create_dict: values of the OAuth account by attribute.

        Returns:
            The same user.

        Raises:
            NotSetOAuthAccountTableError: the adapter has no OAuth account table.
            OAuthAccountAlreadyLinkedError: the external account is another user's.
            UserNotFoundError: the user is gone.
        """
        raise NotImplementedError

    async def update_oauth_account(
        self: UserDatabase[UOAP, ID], user: UOAP, oauth_account: OAP, update_dict: dict[str, Any]
    ) -> UOAP:
        """Change an OAuth account of a user.

        Parameters:
            user: the user.
            oauth_account: one of its OAuth accounts, which is changed in place.
            update_dict: values by attribute.

        Returns:
            The same user.

        Raises:
            NotSetOAuthAccountTableError: the adapter has no OAuth account table.
            OAuthAccountAlreadyLinkedError: the external account would be another user's.
            OAuthAccountNotFoundError: the OAuth account is gone, or not this user's.
        """
        raise NotImplementedError

    async def check_schema(self) -> list[SchemaProblem]:
        """Compare the tables in the database with what this adapter needs of them.

        For use when the app starts. It only reads: the catalogue, and once all e-mail addresses
        and OAuth accounts, to count those that have no place beside the others.

        Returns:
            What is wrong, as data; nothing if the tables are sound.
        """
        return await check_users(self._live_tables(), self._users)

    def _may_have_lower_index(self) -> bool:
        """Tell whether the index of `unique_email_index` is created on this database."""
        raise NotImplementedError

    def _live_tables(self) -> LiveTables:
        """Return the tables that there are, read through this adapter's connection."""
        raise NotImplementedError

    async def _error_about_values(
        self,
        error: Exception,
        values: Mapping[str, Any],
        accounts: Iterable[Mapping[str, Any]] | None,
    ) -> Exception | None:
        """Return the error that says which of the values could not be written, if `error` is."""
        written = [(self._users, values), *((self._oauth_accounts, a) for a in accounts or ())]
        return await _error_about_values(error, self._live_tables(), written)

    async def _get_user(self, statement: Any) -> UP | None:
        """Execute a statement that selects users and return the one it finds, or `None`.

        Every look-up of a user passes through here.

        Raises:
            sqlalchemy.exc.MultipleResultsFound: it finds several.
        """
        raise NotImplementedError

    def _select_user(self) -> Any:
        """Return the statement that selects users, for `_get_user`."""
        raise NotImplementedError

    async def _get_one_of_several(
        self, statement: Any, order_by: Any, accept: Callable[[Any], bool] = bool
    ) -> UP | None:
        """Return the user that a statement finds, or the first of several that is acceptable."""
        try:
            return await self._get_user(statement)
        except MultipleResultsFound:
            logger.warning(
                "Several rows of the table %r match where one should: the first by %s is taken.",
                self._users.table.name,
                order_by.name,
            )
            ordered = statement.order_by(order_by, self._users.id_column).limit(1)
            user, number = await self._get_user(ordered), 0
            while user is not None and not accept(user):
                number += 1
                user = await self._get_user(ordered.offset(number))
            return user

    @property
    def _users(self) -> UserEntity:
        return user_entity(self.user_table, self.oauth_account_table)

    @property
    def _oauth_accounts(self) -> Entity:
        if self._users.oauth is None:
            raise NotSetOAuthAccountTableError(self)
        return self._users.oauth

    def _split(
        self, values: Mapping[str, Any], user: Any = None
    ) -> tuple[list[dict[str, Any]] | None, dict[str, Any]]:
        """Return the `oauth_accounts` in `values`, if given, and the user's own values."""
        given = checked_mapping(values).get(OAUTH_ACCOUNTS)
        own = {k: v for k, v in values.items() if k != OAUTH_ACCOUNTS}
        if own.get("password", "") is None and not self._users.knows("password"):
            # FastAPI Users hands on a password that a request gives as null.
            del own["password"]
        own = self._users.checked(own)
        if given is None:
            return None, own
        accounts = self._oauth_accounts
        if not isinstance(given, list | tuple | set):
            raise _no_list_of_accounts(given)
        user_id = own.get(self._users.id, own.get("id"))
        if user is not None:
            user_id = self._identity(user)
        taken = [self._account(self._account_values(account), user_id) for account in given]
        ids = [a.get(accounts.id, a.get("id")) for a in taken]
        # Beside an id the external account may be left out: it stays what it is.
        keys = [account_key(a) for a in taken if {"oauth_name", "account_id"} & a.keys()]
        if any(_has_duplicates(values) for values in (keys, [i for i in ids if i is not None])):
            raise InvalidValueError("oauth_accounts has the same external account twice.")
        return taken, own

    def _identity(self, user: Any) -> Any:
        """Return the id of a user, or raise `TypeError` if it is none."""
        raise NotImplementedError

    def _account_values(self, account: Any) -> Mapping[str, Any]:
        if isinstance(account, Mapping):
            return account
        accounts = self._oauth_accounts
        is_account = accounts.mapper is None or isinstance(account, accounts.target)
        values = accounts.values(account) if is_account else {}
        if not values:
            raise _no_list_of_accounts([account])
        return values

    def _account(self, values: Mapping[str, Any], user_id: Any) -> dict[str, Any]:
        """Return the values of an OAuth account, which belongs to this user and nobody else."""
        accounts, users = self._oauth_accounts, self._users
        checked = accounts.checked(values)
        for attribute, value in list(checked.items()):
            if accounts.synonyms.get(attribute, attribute) == users.oauth_user_key:
                del checked[attribute]
                if value is not None and value != user_id:
                    raise InvalidValueError(
                        f"{accounts.name}.{attribute} is another user's: an OAuth account stays "
                        f"with its user."
                    )
            elif attribute in users.oauth_owner:
                raise TypeError(f"{accounts.name}.{attribute} cannot be set: give the user.")
        return checked

    def _with_keys(self, keys: Iterable[AccountKey]) -> list[Any]:
        return [is_account(self._users, *key) for key in keys]

    def _select_id(self, user_id: Any, *, lock: bool = False) -> Any:
        """Return the statement that finds the id of a user who is still there."""
        column = self._users.id_column
        return newest(select(column).where(column == user_id), lock=lock)

    def _select_taken(self, email: str, *, lock: bool) -> list[Any]:
        """Return the statements for the ids of the users who have this e-mail address.

        With a lock, the first one sees the newest rows.
        """
        column = self._users.email_column
        ids = select(self._users.id_column)
        exact = ids.where(column == email)
        return [
            newest(exact, lock=lock),
            ids.where(same_in_any_case(column, email)),
        ]


class AccessTokenDatabase(BaseAccessTokenDatabase[AP]):
    """What FastAPI Users' `DatabaseStrategy` calls `database`: access tokens in one SQL table.

    Attributes:
        access_token_table: the access token's class (or table).
    """

    access_token_table: Any

    async def get_by_token(self, token: str, max_age: datetime | None = None) -> AP | None:
        """Return the access token with this value.

        Parameters:
            token: the value.
            max_age: if given, only an access token created at this time or later. A naive time
                is taken as UTC.

        Returns:
            The access token, or `None`.
        """
        if not isinstance(token, str):
            raise TypeError(f"token must be a str, not {type(token).__name__}.")
        if not is_storable(token):
            return None
        statement = self._select_token().where(same_text(self._tokens.column("token"), token))
        if max_age is not None:
            statement = statement.where(
                self._tokens.column("created_at") >= _checked_max_age(max_age)
            )
        return await self._get_token(statement)

    async def create(self, create_dict: dict[str, Any]) -> AP:
        """Create an access token.

        Parameters:
            create_dict: values by attribute.

        Returns:
            The access token, with defaults of Python's and of the server's.

        Raises:
            TypeError: an unknown attribute.
            InvalidValueError: a value that its column cannot hold, or no value for `token`.
        """
        raise NotImplementedError

    async def update(self, access_token: AP, update_dict: dict[str, Any]) -> AP:
        """Change an access token: only what differs is written.

        Parameters:
            access_token: the access token, which is changed in place.
            update_dict: values by attribute.

        Returns:
            The same access token.

        Raises:
            AccessTokenNotFoundError: the access token is gone.
            TypeError: an unknown attribute.
            InvalidValueError: a value that its column cannot hold.
        """
        raise NotImplementedError

    async def delete(self, access_token: AP) -> None:
        """Delete an access token.

        Parameters:
            access_token: the access token. One that is gone already, or never was written, is no
                error: what counts is the primary key.
        """
        raise NotImplementedError

    async def delete_expired(self, max_age: datetime, *, batch_size: int = 1000) -> int:
        """Delete the access tokens created before a time.

        Each batch is a transaction of its own, so that no lock is held for long and what was
        deleted before a failure stays deleted.

        Parameters:
            max_age: the time; a naive one is taken as UTC.
            batch_size: how many to delete at once, 10 000 at most.

        Returns:
            How many were deleted.
        """
        raise NotImplementedError

    async def check_schema(self) -> list[SchemaProblem]:
        """Compare the table in the database with what this adapter needs of it.

        For use when the app starts. It only reads.

        Returns:
            What is wrong, as data; nothing if the table is sound.
        """
        return await check_tokens(self._live_tables(), self._tokens)

    def _live_tables(self) -> LiveTables:
        """Return the tables that there are, read through this adapter's connection."""
        raise NotImplementedError

    async def _error_about_values(
        self, error: Exception, values: Mapping[str, Any]
    ) -> Exception | None:
        """Return the error that says which of the values could not be written, if `error` is."""
        return await _error_about_values(error, self._live_tables(), [(self._tokens, values)])

    async def _get_token(self, statement: Any) -> AP | None:
        """Execute a statement that selects access tokens and return the one it finds, or `None`."""
        raise NotImplementedError

    def _select_token(self) -> Any:
        """Return the statement that selects access tokens, for `_get_token`."""
        raise NotImplementedError

    def _select_expired(self, max_age: datetime, batch_size: int) -> Any:
        """Return the statement for the values of some access tokens created before a time."""
        if not isinstance(batch_size, int) or isinstance(batch_size, bool):
            raise TypeError(f"batch_size must be an int, not {type(batch_size).__name__}.")
        if not 1 <= batch_size <= LARGEST_BATCH:
            raise ValueError(f"batch_size must be between 1 and {LARGEST_BATCH}.")
        return (
            select(self._tokens.column("token"))
            .where(self._tokens.column("created_at") < _checked_max_age(max_age))
            .limit(batch_size)
        )

    @property
    def _tokens(self) -> Entity:
        return entity(self.access_token_table)


async def _error_about_values(
    error: Exception, live: LiveTables, written: Sequence[tuple[Entity, Mapping[str, Any]]]
) -> Exception | None:
    # Who may not read the catalogue, or has lost the connection, is to see the first error.
    with suppress(Exception):
        return await error_about_values(error, live, written)
    return None


def _has_address(user: Any, email: str) -> bool:
    """Tell whether this is the user whom one was looking for with `email`."""
    found = read(user, "email")
    # What a hook of the app's own has made of the user may have no address.
    return user is not None and (found is None or differs_only_by_case(found, email))


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


def pair_accounts(
    given: Sequence[Mapping[str, Any]], existing: Sequence[Any], id_attribute: str
) -> list[tuple[Mapping[str, Any], Any]]:
    """Find for each given OAuth account the existing one that it is.

    Returns:
        Each given account with the existing one of the same id, else of the same external
        account, else with `None`.
    """
    by_id = {read(account, id_attribute): account for account in existing}
    found = [by_id.get(a.get(id_attribute, a.get("id"))) for a in given]
    # One that is found by its id may become another external account: it is no other given one.
    free = {
        account_key(account): account
        for account in existing
        if not any(account is other for other in found)
    }
    return [
        (account, free.get(account_key(account)) if same is None else same)
        for account, same in zip(given, found, strict=True)
    ]


def _no_list_of_accounts(given: Any) -> TypeError:
    kind = type(given[0]).__name__ if isinstance(given, list) else type(given).__name__
    return TypeError(
        f"oauth_accounts must be a list of dicts: {kind} is none. "
        f'Call update(user, {{"oauth_accounts": [{{"oauth_name": ..., "account_id": ...}}]}}).'
    )


def checked_account(oauth_account: Any) -> Any:
    """Return `oauth_account`, or raise `TypeError` if it is nothing that has an id."""
    if not isinstance(oauth_account, Mapping) and not has_attributes(oauth_account, "id"):
        raise TypeError(
            f"oauth_account must be one of the user's OAuth accounts, not "
            f"{type(oauth_account).__name__}. "
            f"Call update_oauth_account(user, oauth_account, update_dict)."
        )
    return oauth_account


def _checked_max_age(max_age: Any) -> datetime:
    if not isinstance(max_age, datetime):
        raise TypeError(f"max_age must be a datetime, not {type(max_age).__name__}.")
    try:
        return as_utc(max_age)
    except OverflowError:
        raise ValueError("max_age is out of range.") from None


def _has_duplicates(values: Sequence[Any]) -> bool:
    return len(set(values)) < len(values)


def account_key(account: Any) -> AccountKey:
    """Return which external account an OAuth account is."""
    return read(account, "oauth_name"), read(account, "account_id")


def changed_key(account: Any, changes: Mapping[str, Any]) -> list[AccountKey]:
    """Return which external account an OAuth account becomes by `changes`, if it is another."""
    new = account_key(changed_account(account, changes))
    return [] if new == account_key(account) else [new]


def changed_account(account: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` with the external account that it is after them."""
    oauth_name, account_id = account_key(account)
    return {"oauth_name": oauth_name, "account_id": account_id, **changes}


def given_keys(accounts: Iterable[Mapping[str, Any]] | None) -> list[AccountKey]:
    """Return which external accounts these OAuth accounts are, as far as they tell."""
    keys = [account_key(account) for account in accounts or ()]
    return [key for key in keys if None not in key]
