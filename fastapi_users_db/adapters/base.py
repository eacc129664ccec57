"""The one interface of both adapters: every method, documented and implemented once.

What is read before a write, what is written in which order, and what an error means stand here. A
backend supplies how: it executes statements, and has a unit of work.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from sqlalchemy import DateTime
from sqlalchemy.exc import MultipleResultsFound
from sqlalchemy.orm.exc import StaleDataError

from fastapi_users_db.accounts import (
    ExternalAccount,
    changed_account,
    checked_account,
    checked_accounts,
    external_account,
    pair_accounts,
    values_of_account,
)
from fastapi_users_db.adapters.retries import repeated
from fastapi_users_db.adapters.unit import NEW, Given, Unit
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.comparison import (
    differs_only_by_case,
    is_same_text,
    same_in_any_case,
    same_text,
)
from fastapi_users_db.drivers import Violation, violation
from fastapi_users_db.exceptions import (
    AccessTokenNotFoundError,
    InvalidValueError,
    NotSetOAuthAccountTableError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UnsuitableServerError,
    UserAlreadyExistsError,
    UserNotFoundError,
    kind_of,
)
from fastapi_users_db.hashing import is_session, session_id, stored_as
from fastapi_users_db.mapping import (
    OAUTH_ACCOUNTS,
    Entity,
    Owner,
    UserEntity,
    entity,
    is_mapped_class,
    is_verbatim,
    members,
    no_mapping,
    read,
    user_entity,
)
from fastapi_users_db.schema import SchemaProblem, check_tokens, check_users, error_about_values
from fastapi_users_db.statements import (
    is_account,
    select_expired,
    select_sessions,
    select_taken,
    where_token,
)
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

__all__ = ["AccessTokenDatabase", "AccessTokenSession", "UserDatabase"]

logger = logging.getLogger("fastapi_users_db")

# Each token is a parameter of the statement, and databases take so many.
LARGEST_BATCH = 10_000
BATCH = 1000

NOTHING = Given()
_NAMES = {"oauth_name", "account_id"}
_OUTDATED = (OAuthAccountNotFoundError, StaleDataError)


class Adapter:
    """What the adapters of users and of access tokens have in common, and a backend supplies.

    Attributes:
        _retries: how many times a call is repeated at most if the database asks for it.
    """

    # Not by the parameter's name: an app's subclass may have a method of that name.
    _retries: int = 0
    _not_found: type[Exception]
    """What says that the row is gone that was to be written."""

    @property
    def _entity(self) -> Entity:
        """What the adapter is for."""
        raise NotImplementedError

    def _unit(self, subject: Any, /, given: Given = NOTHING) -> Unit:
        """Return the unit of work in which an object is written, or added if it is `NEW`.

        Raises:
            TypeError: it is none of the class.
        """
        raise NotImplementedError

    def _may_begin_anew(self, *given: Any) -> bool:
        """Tell whether a call could be undone and begun anew, and nothing of the app's be lost.

        Parameters:
            given: the arguments of the call; an object that is written is among them.
        """
        raise NotImplementedError

    async def _roll_back(self) -> None:
        """Undo what has been read, before it is read anew. What was written is undone already."""
        raise NotImplementedError

    def _live_tables(self, mapper: Any = None) -> LiveTables:
        """Return the tables that there are, read through this adapter's connection.

        Parameters:
            mapper: of which class, if not of the adapter's.
        """
        raise NotImplementedError

    async def _explain(
        self,
        error: Exception,
        violated: Violation | None,
        unit: Unit,
        subject: Any,
        given: Given,
        /,
    ) -> Exception:
        """Return what to raise for an error, once all is undone.

        It is explained by what was given and what the driver says: what an object holds may have
        been expired, and what a query finds may be an old snapshot.

        Parameters:
            error: what the write has raised.
            violated: the constraint that the driver names, if any.
            unit: the unit of work, which is undone.
            subject: what was to be written, or `None` if it is new.
            given: what the write was given.
        """
        raise NotImplementedError


class UserDatabase(Adapter, BaseUserDatabase[UP, ID], Generic[UP, ID]):
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
    _not_found = UserNotFoundError
    _may_repeat = False
    """Whether the OAuth accounts that are given may have an external account twice."""

    async def get(self, id: ID) -> UP | None:
        """Return the user with this id.

        Parameters:
            id: the id; with a UUID column, its text is accepted too.

        Returns:
            The user, or `None`.

        Raises:
            InvalidIDError: the id is of another type than the table's.
        """
        users = self._users
        value = users.id_value(id)
        if value is None:
            return None
        user = await self._get_user(self._select_user().where(users.is_id(value)))
        return user if _holds(user, "id", value, users) else None

    async def get_by_email(self, email: str) -> UP | None:
        """Return the user with this e-mail address.

        The address as it is stored wins, and is found through the unique index. Otherwise upper
        and lower case do not matter. An address that differs by more, such as an accent or a
        trailing space, is never a match, whatever the database's collation says.

        Parameters:
            email: the address.

        Returns:
            The user, or `None`. Of several whose addresses differ only by case, the one whose
            address sorts first, with a line in the log.

        Raises:
            TypeError: `email` is not a string.
        """
        if email is None:
            return None
        if not isinstance(email, str):
            email = as_text("email", email)
        # Whatever can be printed can be stored.
        if not (email.isprintable() or is_storable(email)):
            return None
        comparisons = [operator.eq, same_in_any_case]
        if self._users.has_lower_email_index and self._may_have_lower_index():
            # The address itself is asked for only where the column's collation knows other pairs
            # of letters than lower().
            comparisons.reverse()
        for compare in comparisons:
            criterion = compare(self._users.email_expression, email)
            user = await self._find_by_email(self._select_user().where(criterion), email)
            if user is not None or (compare is operator.eq and await self._finds_every_case()):
                return user
        return None

    async def _finds_every_case(self) -> bool:
        """Tell whether looking for an address as it is stored finds it in any case: on most of
        MySQL's and MariaDB's tables, whose second look would read all of them."""
        column = self._users.find_column("email")
        if column is not None:
            # Who may not read the catalogue looks twice.
            with suppress(Exception):
                return await self._live_tables().ignores_case(column)
        return False

    async def _find_by_email(self, statement: Any, email: str) -> UP | None:
        """Return the user whom a statement finds, if the address differs only by case."""
        try:
            user = await self._get_user(statement)
        except MultipleResultsFound as error:
            user = await self._choose_by_email(statement, email, error)
        return user if has_address(user, email) else None

    async def _choose_by_email(self, statement: Any, email: str, error: Exception) -> UP | None:
        """Return the one of several users who has the address, or the first whose address differs
        only by case."""
        users = self._users
        ordered = statement.order_by(users.email_expression, users.id_expression)
        found: list[Any] = []
        while (user := await self._get_user(ordered.limit(1).offset(len(found)))) is not None:
            key = read(user, users.id)  # what is built of a row need not have it
            if key is not None and any(key == read(other, users.id) for other in found):
                break  # of a mock, which finds the same always
            found.append(user)
        alike = [user for user in found if has_address(user, email)]
        exactly = [user for user in alike if read(user, "email") == email] or alike
        addresses = [read(user, "email") for user in exactly]
        if len(set(addresses)) < len(addresses):
            raise error
        self._log_that_several_match("email")
        return exactly[0] if exactly else None

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
        users, accounts = self._users, self._oauth_accounts
        if oauth is None or account_id is None:
            return None
        if not isinstance(oauth, str) or not isinstance(account_id, str):
            # Providers have numbers, too.
            oauth, account_id = as_text("oauth", oauth), as_text("account_id", account_id)
        if not is_storable(oauth) or not is_storable(account_id):
            return None
        found = self._select_user().join(accounts.target, users.is_owner)
        statement = found.where(is_account(users, oauth, account_id))
        try:
            user = await self._get_user(statement)
        except MultipleResultsFound:
            self._log_that_several_match("id")
            user = await self._get_user(statement.order_by(users.id_expression).limit(1))
        is_exact = user is None or _is_linked(user, users, (oauth, account_id))
        return user if is_exact or not all(map(is_verbatim, users.account_columns)) else None

    async def _get_by_access_token(
        self, tokens: AccessTokenDatabase[Any], values: Sequence[str], max_age: datetime | None
    ) -> UP | None:
        """Return the user of an access token, in one statement.

        Parameters:
            tokens: the access token adapter, which `is_beside` this one.
            values: what may be stored of the token.
            max_age: if given, only an access token created at this time or later.
        """
        of, oldest = tokens._tokens, max_age
        if oldest is not None:
            oldest = _checked_max_age(oldest, of.expression("created_at").type)
        statement = where_token(self._select_user(), self._users, of, values, oldest)
        return await self._get_user(statement)

    @repeated
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
        accounts, values = self._split(create_dict)
        async with self._unit(NEW, Given(values, accounts)) as unit:
            if accounts:
                await self._own_accounts(unit, None, accounts)
            user = unit.add(values)
            for account in accounts or ():
                unit.link(user, account)
        return unit.result  # type: ignore[no-any-return]

    @repeated
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
        accounts, values = self._split(update_dict, user)
        async with self._unit(user, Given(values, accounts)) as unit:
            own = [] if accounts is None else await self._own_accounts(unit, user, accounts)
            unit.set(user, values)
            if accounts is not None:
                self._replace_accounts(unit, user, accounts, own)
        return unit.result  # type: ignore[no-any-return]

    @repeated
    async def delete(self, user: UP) -> None:
        """Delete a user and its OAuth accounts, also where foreign keys are not enforced.

        Parameters:
            user: the user, who stays readable. One who is gone already, or never was written, is
                no error: what counts is the id.
        """
        unit = self._unit(user)
        cascades = self._users.deletes_accounts
        try:
            async with unit:
                if not cascades:
                    await unit.set_apart()
                await unit.remove(user)
        except BaseException as error:
            if cascades or not unit.is_apart or not _is_about("reference", error):
                await unit.give_up(error)
                raise
            # An OAuth account was linked since they were read, and the database does not cascade.
            async with self._unit(user) as unit:
                await unit.accounts(user, (), newest=True)
                await unit.remove(user)

    @repeated
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
        self._oauth_accounts  # noqa: B018  it raises if there are none
        self._users.relationship_to_accounts  # noqa: B018  likewise
        values = values_of_account(create_dict, self._users, user)
        unit = self._unit(user, Given(accounts=[values]))
        try:
            async with unit:
                await self._link(unit, user, values)
        except BaseException as error:
            is_outdated = isinstance(error, _OUTDATED) or _is_about("unique", error)
            if not unit.is_apart or not is_outdated:
                await unit.give_up(error)
                raise
            # It was linked to this user, or unlinked, since it was read.
            unit = self._unit(user, Given(accounts=[values]))
            async with unit:
                await self._link(unit, user, values, newest=True)
        return unit.result  # type: ignore[no-any-return]

    @repeated
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
        self._oauth_accounts  # noqa: B018  it raises if there are none
        values = values_of_account(update_dict, self._users, user)
        self._unit(user)  # a user of the wrong kind is refused first
        wanted = self._oauth_accounts.key_of(checked_account(oauth_account))
        async with self._unit(user, Given(accounts=[values])) as unit:
            existing = self._find_account(await self._own_accounts(unit, user, []), wanted)
            if existing is None:
                is_there = await unit.exists(user)
                raise OAuthAccountNotFoundError() if is_there else UserNotFoundError()
            # A refusal is explained by these, too.
            values.update(changed_account(existing, values))
            if external_account(values) != external_account(existing):
                own = await self._own_accounts(unit, user, [values])
                existing = self._find_account(own, wanted) or existing
            unit.set(existing, values)
        return unit.result  # type: ignore[no-any-return]

    async def check_schema(self) -> list[SchemaProblem]:
        """Compare the tables in the database with what this adapter needs of them.

        Call it when the app starts. It only reads: the catalogue and, to count duplicates and
        orphans, every e-mail address and OAuth account once.

        Returns:
            The problems; an empty list if the tables are sound.
        """
        return await check_users(self._live_tables(), self._users)

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

    def _may_have_lower_index(self) -> bool:
        """Tell whether the index of `unique_email_index` is created on this database."""
        raise NotImplementedError

    async def _link(
        self,
        unit: Unit,
        user: Any,
        values: Mapping[str, Any],
        *,
        newest: bool = False,
    ) -> None:
        own = await self._own_accounts(unit, user, [values], newest=newest)
        [(_, existing)] = pair_accounts([values], own, self._oauth_accounts.id)
        # With the newest ones it is not begun anew any more.
        if not newest and (existing is not None or self._users.may_refuse_accounts):
            await unit.set_apart()
        if existing is None:
            unit.link(user, values)
        else:
            unit.set(existing, values)

    async def _own_accounts(
        self,
        unit: Unit,
        user: Any,
        given: Iterable[Mapping[str, Any]],
        *,
        newest: bool = False,
    ) -> list[Any]:
        """Read a user's OAuth accounts, and refuse given ones that are another user's."""
        external = [(a["oauth_name"], a["account_id"]) for a in given if a.keys() >= _NAMES]
        found = await unit.accounts(user, external, newest=newest)
        own = [account for is_own, account in found if is_own]
        for is_own, account in found:
            # What both have already is not judged: nothing is linked.
            if not is_own and self._is_one_of(account, external) and not _has(own, account):
                raise OAuthAccountAlreadyLinkedError()
        return own

    def _find_account(self, own: Iterable[Any], key: Mapping[str, Any]) -> Any:
        return next((a for a in own if all(read(a, k) == v for k, v in key.items())), None)

    def _replace_accounts(
        self, unit: Unit, user: Any, given: Sequence[Mapping[str, Any]], own: Sequence[Any]
    ) -> None:
        pairs = pair_accounts(given, own, self._oauth_accounts.id)
        for account in own:
            if not any(account is existing for _, existing in pairs):
                unit.unlink(user, account)
        for values, existing in pairs:
            if existing is None:
                unit.link(user, values)
            else:
                unit.set(existing, values)

    async def _explain(
        self, error: Exception, violated: Violation | None, unit: Unit, user: Any, given: Given
    ) -> Exception:
        users = self._users
        if (unsuitable := UnsuitableServerError.from_backend_error(error)) is not None:
            return unsuitable
        if violated is not None:
            refused = await self._refusal(error, violated, unit, user, given)
            return error if refused is None else refused
        if isinstance(error, StaleDataError):
            if not await unit.exists(user):
                return UserNotFoundError()
            is_outdated = given.accounts is not None and not users.has_versions
            return OAuthAccountNotFoundError() if is_outdated else error
        written = [(users, given.values), *((users.oauth, a) for a in given.accounts or ())]
        return await _about_values(error, self._live_tables(), written) or error

    async def _refusal(
        self, error: Exception, violated: Violation, unit: Unit, user: Any, given: Given
    ) -> Exception | None:
        users, columns = self._users, violated.columns
        if violated.kind == "null":
            # The owner of an account is not for the app to give.
            owner = dict.fromkeys(users.owner_attributes, NEW) if given.accounts else {}
            accounts = [(users.oauth, {**owner, **a}) for a in given.accounts or ()]
            about_key = users.error_about_key(given.values) if user is None else None
            missing = _about_missing(error, violated, [(users, given.values), *accounts])
            if lacking := about_key or missing:
                return lacking
        if violated.kind != "unique":
            is_gone = given.accounts and user is not None and not await unit.exists(user)
            return UserNotFoundError() if is_gone else None
        email = given.values.get("email")
        if isinstance(email, str) and any(map(violated.is_in, users.tables)):
            column = users.find_column("email")
            is_email = column is not None and column.name in columns
            # Of several constraints, as where a request is sent twice, the driver names one.
            if is_email or await self._is_taken(unit, user, email):
                return UserAlreadyExistsError.from_integrity_error(error)
        if given.accounts and users.oauth is not None and violated.is_in(users.oauth.table):
            try:
                await self._own_accounts(unit, user, given.accounts, newest=True)
            except OAuthAccountAlreadyLinkedError as refused:
                return refused
        return None

    async def _is_taken(self, unit: Unit, user: Any, email: str) -> bool:
        """Look up what the driver did not say."""
        own_id = None if user is None else read(user, self._users.id)
        exactly, in_any_case = select_taken(self._users, email)
        ids = await unit.column(exactly, newest=True) or await unit.column(in_any_case)
        return any(user_id != own_id for user_id in ids)

    def _log_that_several_match(self, order: str) -> None:
        logger.warning(
            "Several rows of the table %r match where one should: the first by %s is taken.",
            self._users.table.name,
            order,
        )

    def _is_one_of(self, account: Any, external: Sequence[ExternalAccount]) -> bool:
        """Tell whether an OAuth account is one of these: a collation may take others for them."""
        if not all(map(is_verbatim, self._users.account_columns)):
            return True
        found = external_account(account)
        return any(all(map(is_same_text, found, given)) for given in external)

    @property
    def _entity(self) -> Entity:
        return self._users

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
        if not isinstance(values, Mapping):
            raise no_mapping(values)
        given = values.get(OAUTH_ACCOUNTS)
        own = {k: v for k, v in values.items() if k != OAUTH_ACCOUNTS}
        users: Entity = self._users
        kind: Any = type(user)
        if user is not None and kind is not self.user_table and is_mapped_class(kind):
            users = entity(kind)  # a subclass has attributes of its own
        if own.get("password", "") is None and not users.knows("password"):
            # FastAPI Users hands on a password that a request gives as null.
            del own["password"]
        own = users.checked(own)
        if given is None:
            return None, own
        self._oauth_accounts  # noqa: B018  it raises if there are none
        self._users.relationship_to_accounts  # noqa: B018  likewise
        owner = own if user is None else user
        return checked_accounts(given, self._users, owner, may_repeat=self._may_repeat), own


@dataclass(frozen=True)
class AccessTokenSession:
    """A session of a user: an access token, without the token.

    Attributes:
        id: names the session to `end_session`. It opens nothing.
        created_at: when the access token was created.
        last_four: the last four characters of what is stored, and none of its first four.
    """

    id: str
    created_at: datetime
    last_four: str


class AccessTokenDatabase(Adapter, BaseAccessTokenDatabase[AP]):
    """What FastAPI Users' `DatabaseStrategy` calls `database`: access tokens in one SQL table.

    Attributes:
        access_token_table: the access token's class (or table).
    """

    access_token_table: Any
    _not_found = AccessTokenNotFoundError

    async def get_by_token(self, token: str, max_age: datetime | None = None) -> AP | None:
        """Return the access token with this value.

        Parameters:
            token: the value.
            max_age: if given, only an access token created at this time or later. A naive time
                is taken as UTC, unless the column itself is naive.

        Returns:
            The access token, or `None`.
        """
        if token is None:
            return None
        if not isinstance(token, str):
            token = as_text("token", token)
        if not is_storable(token):
            return None
        tokens = self._tokens
        criteria = [same_text(tokens.expression("token"), token)]
        if max_age is not None:
            created_at = tokens.expression("created_at")
            criteria.append(created_at >= _checked_max_age(max_age, created_at.type))
        found = await self._get_token(self._select_token().where(*criteria))
        return found if _holds(found, "token", token, tokens) else None

    @repeated
    async def create(self, create_dict: dict[str, Any]) -> AP:
        """Create an access token.

        Parameters:
            create_dict: values by attribute.

        Returns:
            The access token, with defaults of Python's and of the server's.

        Raises:
            UserNotFoundError: the user is gone, whether foreign keys are enforced or not.
            TypeError: an unknown attribute.
            InvalidValueError: a value that its column cannot hold, or no value for `token`.
        """
        values = self._tokens.checked(create_dict)
        async with self._unit(NEW, Given(values)) as unit:
            unit.owner = await self._unchecked_owner()
            unit.add(values)
        return unit.result  # type: ignore[no-any-return]

    @repeated
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
        values = self._described(access_token).checked(update_dict)
        async with self._unit(access_token, Given(values)) as unit:
            unit.set(access_token, values)
        return unit.result  # type: ignore[no-any-return]

    @repeated
    async def delete(self, access_token: AP) -> None:
        """Delete an access token.

        Parameters:
            access_token: the access token. One that is gone already, or never was written, is no
                error: what counts is the primary key.
        """
        async with self._unit(access_token) as unit:
            await unit.remove(access_token)

    async def delete_expired(self, max_age: datetime, *, batch_size: int = 1000) -> int:
        """Delete the access tokens created before a time.

        Each batch is a transaction of its own, so that no lock is held for long and what was
        deleted before a failure stays deleted.

        Parameters:
            max_age: the time; a naive one is taken as UTC.
            batch_size: how many to delete at once; no more than 10 000.

        Returns:
            How many were deleted.
        """
        _check_batch("batch_size", batch_size)
        created_at = self._tokens.expression("created_at")
        oldest = _checked_max_age(max_age, created_at.type)
        statement = select_expired(self._tokens, oldest, batch_size)
        deleted = 0
        # None of a batch: another has deleted it, and a snapshot of the app's still has it.
        while number := await self._delete_batch(statement):
            deleted += number
        return deleted

    @repeated
    async def _delete_batch(self, statement: Any) -> int:
        tokens = await self._read_column(statement)
        return await self._delete_tokens(tokens) if tokens else 0

    async def list_sessions(
        self, user_id: Any, *, max_age: datetime | None = None, limit: int = 100
    ) -> list[AccessTokenSession]:
        """Return the sessions of a user, the newest first: one for each access token.

        Parameters:
            user_id: the user's id.
            max_age: if given, only those whose access token was created at this time or later:
                others are expired. A naive time is taken as UTC.
            limit: how many to return at most; no more than 10 000.

        Returns:
            The sessions, none of which shows its token.

        Raises:
            InvalidIDError: the id is of another type than the table's.
            ValueError: `limit` is less than 1 or too large.
        """
        _check_batch("limit", limit)
        created_at = self._tokens.expression("created_at")
        oldest = None if max_age is None else _checked_max_age(max_age, created_at.type)
        statement = select_sessions(self._tokens, user_id, oldest).limit(limit)
        return [
            AccessTokenSession(session_id(token), created, token[4:][-4:])
            for token, created in await self._read_sessions(statement)
        ]

    async def end_session(self, user_id: Any, session_id: str) -> bool:
        """End one session of a user: its access token is deleted.

        It is looked for among the user's access tokens, of which each statement reads 1000 at most.
        The deletion is a transaction of its own.

        Parameters:
            user_id: the user's id.
            session_id: the `id` of one of `list_sessions`.

        Returns:
            Whether the user had such a session.

        Raises:
            InvalidIDError: the user's id is of another type than the table's.
            TypeError: `session_id` is not a string.
        """
        if not isinstance(session_id, str):
            kind = kind_of(session_id)
            raise TypeError(f"session_id must be a str, the id of a session, not {kind}.")
        statement = select_sessions(self._tokens, user_id, None)
        read = 0
        while found := await self._read_sessions(statement.limit(BATCH).offset(read)):
            for token, _ in found:
                if is_session(session_id, token):
                    return bool(await self._delete_tokens([token]))
            if len(found) < BATCH:
                break
            read += len(found)
        return False

    async def end_sessions(
        self, user_id: Any, *, but: str | None = None, batch_size: int = 1000
    ) -> int:
        """End all sessions of a user, as when the password changes: their access tokens are
        deleted.

        Each batch is a transaction of its own, as with `delete_expired`.

        Parameters:
            user_id: the user's id.
            but: the token of a session that goes on: the token itself, as the client has it,
                whether it is stored in clear text or hashed.
            batch_size: how many to delete at once; no more than 10 000.

        Returns:
            How many were ended.

        Raises:
            InvalidIDError: the id is of another type than the table's.
            TypeError: `but` is not a string.
            ValueError: `batch_size` is less than 1 or too large.
        """
        _check_batch("batch_size", batch_size)
        if not isinstance(but, str | None):
            raise TypeError(f"but must be a str, the token that stays, not {kind_of(but)}.")
        kept = [] if but is None or not is_storable(but) else stored_as(but)
        statement = select_sessions(self._tokens, user_id, None, kept).limit(batch_size)
        ended = 0
        while number := await self._delete_batch(statement):
            ended += number
        return ended

    async def check_schema(self) -> list[SchemaProblem]:
        """Compare the table in the database with what this adapter needs of it.

        Call it when the app starts. It only reads.

        Returns:
            The problems; an empty list if the table is sound.
        """
        return await check_tokens(self._live_tables(), self._tokens)

    async def _get_token(self, statement: Any) -> AP | None:
        """Execute a statement that selects access tokens and return the one it finds, or `None`."""
        raise NotImplementedError

    def _select_token(self) -> Any:
        """Return the statement that selects access tokens, for `_get_token`."""
        raise NotImplementedError

    async def _read_column(self, statement: Any) -> Sequence[Any]:
        """Return the first column of what a statement finds, before it is written."""
        raise NotImplementedError

    async def _read_sessions(self, statement: Any) -> Sequence[tuple[str, datetime]]:
        """Return the value and the time of the access tokens that a statement finds."""
        raise NotImplementedError

    def is_beside(self, users: Any) -> bool:
        """Tell whether one statement finds an access token and its user as two would, through this
        adapter and one of users.

        It does not where they have different sessions or databases, or where the app has methods of
        its own in the way, as a mock or a subclass has.

        Parameters:
            users: what FastAPI Users calls `user_db`.
        """
        raise NotImplementedError

    async def _delete_tokens(self, tokens: Sequence[str]) -> int:
        """Delete the access tokens with these values, all or none, and return how many."""
        raise NotImplementedError

    async def _unchecked_owner(self) -> Owner | None:
        """Return where to look for the user of a new access token, or `None` if nowhere: a foreign
        key refuses it, or nobody knows where its user is."""
        owner = self._tokens.owner
        if owner is None or await self._live_tables().refers(self._tokens.column("user_id")):
            return None
        return owner if await self._live_tables(owner.mapper).has(owner.column) else None

    async def _explain(
        self,
        error: Exception,
        violated: Violation | None,
        unit: Unit,
        access_token: Any,
        given: Given,
    ) -> Exception:
        if (unsuitable := UnsuitableServerError.from_backend_error(error)) is not None:
            return unsuitable
        if violated is not None:
            if access_token is not None:
                return error
            if violated.kind == "reference" and self._is_about_owner(violated):
                return UserNotFoundError.from_integrity_error(error)
            if violated.kind == "null":
                about_key = self._tokens.error_about_key(given.values)
                written = [(self._tokens, given.values)]
                return about_key or _about_missing(error, violated, written) or error
            return error
        if isinstance(error, StaleDataError):
            return error if await unit.exists(access_token) else AccessTokenNotFoundError()
        written = [(self._tokens, given.values)]
        return await _about_values(error, self._live_tables(), written) or error

    def _is_about_owner(self, violated: Violation) -> bool:
        """Tell whether it is the foreign key to the user, or the only one, that was violated."""
        column, tables = self._tokens.find_column("user_id"), self._tokens.tables
        is_only = not violated.columns and len(self._tokens.table.foreign_keys) == 1
        is_own = any(map(violated.is_in, tables))
        return column is not None and is_own and (is_only or column.name in violated.columns)

    def _described(self, access_token: Any) -> Entity:
        """Return the description of an access token's own class, which may be a subclass."""
        kind: Any = type(access_token)
        return entity(kind) if is_mapped_class(kind) else self._tokens

    @property
    def _entity(self) -> Entity:
        return self._tokens

    @property
    def _tokens(self) -> Entity:
        return entity(self.access_token_table)


async def _about_values(
    error: Exception, live: LiveTables, written: Sequence[tuple[Any, Mapping[str, Any]]]
) -> Exception | None:
    """Return the error that says which of the values could not be written, if `error` is."""
    # Who may not read the catalogue, or has lost the connection, is to see the first error.
    with suppress(Exception):
        return await error_about_values(error, live, written)
    return None


def _about_missing(
    error: Exception, violated: Violation, written: Sequence[tuple[Any, Mapping[str, Any]]]
) -> Exception | None:
    """Return the error that says which attribute was given no value, if one that was written
    lacks it."""
    for of, values in written:
        for attribute, column in of.columns.items():
            is_it = column.name in violated.columns and violated.is_in(column.table)
            if is_it and values.get(attribute) is None:
                message = f"{of.name}.{attribute} needs a value: its column takes no NULL."
                return InvalidValueError.from_integrity_error(error, message)
    return None


def _is_about(kind: str, error: BaseException) -> bool:
    violated = violation(error)
    return violated is not None and violated.kind == kind


def _has(own: Sequence[Any], account: Any) -> bool:
    return external_account(account) in map(external_account, own)


def has_address(user: Any, email: str) -> bool:
    """Tell whether this is the user whom one was looking for with `email`."""
    found = read(user, "email")
    # What a hook of the app's own, or a mock, has made of the user may have no address.
    is_alike = not isinstance(found, str) or found == email or differs_only_by_case(found, email)
    return user is not None and is_alike


def _is_linked(user: Any, users: UserEntity, external: ExternalAccount) -> bool:
    """Tell whether none of the OAuth accounts that can be seen of a user is merely alike."""
    accounts = map(external_account, members(read(user, users.collection)))
    alike = [a for a in accounts if str(a).lower() == str(external).lower()]
    return not alike or any(all(map(is_same_text, a, external)) for a in alike)


def _holds(instance: Any, attribute: str, value: Any, of: Entity) -> bool:
    """Tell whether what was found by a text has it letter by letter, whatever the collation."""
    column = of.find_column(attribute)
    if not isinstance(value, str) or column is None or not is_verbatim(column):
        return True
    return is_same_text(read(instance, of.synonyms.get(attribute, attribute)), value)


def _check_batch(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {kind_of(value)}.")
    if not 1 <= value <= LARGEST_BATCH:
        raise ValueError(f"{name} must be between 1 and {LARGEST_BATCH}.")


def has_methods_of(kind: type[Any], adapter: Any, *names: str) -> bool:
    """Tell whether an adapter's methods are those of a class, and not a subclass's or a mock's."""
    own = getattr(adapter, "__dict__", {})
    methods = [(name, getattr(type(adapter), name, None)) for name in names]
    return all(
        method is getattr(kind, name) and name not in own and is_ours(method)
        for name, method in methods
    )


def is_ours(method: Any) -> bool:
    """Tell whether a method is this package's or FastAPI Users', and no patch."""
    return getattr(method, "__module__", "").split(".")[0] in ("fastapi_users", "fastapi_users_db")


def as_text(name: str, value: Any) -> str:
    """Return what is stored for a number, or raise `TypeError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{name} must be a str, not {kind_of(value)}.")
    return str(value)


def _checked_max_age(max_age: Any, of: Any) -> datetime:
    """Return a time as it is compared with a column of this type."""
    if not isinstance(max_age, datetime):
        raise TypeError(f"max_age must be a datetime, not {kind_of(max_age)}.")
    try:
        moment = as_utc(max_age)
    except OverflowError:
        raise ValueError("max_age is out of range.") from None
    is_naive = isinstance(of, DateTime) and not of.timezone
    return moment.replace(tzinfo=None) if is_naive else moment
