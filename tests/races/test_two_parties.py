"""Two parties at once: one is held before each of its statements while the other acts.

Each test states what becomes of both. All of it holds wherever the first is held, whichever
adapter each of them uses, and where the first has a transaction of its own.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from fastapi_users_db import (
    AccessTokenNotFoundError,
    OAuthAccountAlreadyLinkedError,
    OAuthAccountNotFoundError,
    UserAlreadyExistsError,
    UserNotFoundError,
    is_retryable,
)
from tests.faults.secrets import planted
from tests.races.conftest import Duel
from tests.races.parties import Outcome, Party

ANNE, BERT, CARL = "anne@example.com", "bert@example.com", "carl@example.com"
HASH, REHASHED, NEW = planted("hash"), planted("rehashed hash"), planted("new hash")
SECRET = planted("token")
FLAGS = {"is_active": True, "is_superuser": False, "is_verified": False}
NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


def account(access_token: str = "access token", account_id: str = "1") -> dict[str, Any]:
    return {
        "oauth_name": "provider",
        "access_token": planted(access_token),
        "expires_at": None,
        "refresh_token": planted("refresh token"),
        "account_id": account_id,
        "account_email": ANNE,
    }


async def nothing() -> None:
    """Prepare nothing."""


def succeeded(*outcomes: Outcome) -> list[Any]:
    """Return what those who succeeded have returned."""
    return [outcome.value for outcome in outcomes if outcome.error is None]


def errors(*outcomes: Outcome) -> list[BaseException]:
    """Return the errors of those who failed."""
    return [outcome.error for outcome in outcomes if outcome.error is not None]


async def test_one_of_two_registers_an_address(duel: Duel) -> None:
    """One user is created; the other is refused as the address is taken."""

    async def register(party: Party) -> Any:
        return (await party.users.create({"email": ANNE, "hashed_password": HASH})).id

    async def check(*outcomes: Outcome) -> None:
        [created] = succeeded(*outcomes)
        [refused] = errors(*outcomes)
        assert isinstance(refused, UserAlreadyExistsError)
        assert list(await duel.users()) == [created]

    await duel.at_each_statement(nothing, register, register, check)


async def test_one_of_two_registers_an_address_in_any_case(indexed_duel: Duel) -> None:
    """With `unique_email_index`: one user, however the address is written."""

    def register(email: str) -> Any:
        async def create(party: Party) -> Any:
            return (await party.users.create({"email": email, "hashed_password": HASH})).id

        return create

    async def check(*outcomes: Outcome) -> None:
        [created] = succeeded(*outcomes)
        [refused] = errors(*outcomes)
        assert isinstance(refused, UserAlreadyExistsError)
        assert list(await indexed_duel.users()) == [created]

    await indexed_duel.at_each_statement(nothing, register(ANNE), register(ANNE.upper()), check)


async def test_one_of_two_changes_to_an_address(duel: Duel) -> None:
    """One has the address; the other is refused and keeps its own."""
    ids = []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=email) for email in (ANNE, BERT)]

    def change(index: int) -> Any:
        async def update(party: Party) -> None:
            user = await party.users.get(ids[index])
            await party.users.update(user, {"email": CARL})

        return update

    async def check(*outcomes: Outcome) -> None:
        [refused] = errors(*outcomes)
        assert isinstance(refused, UserAlreadyExistsError)
        loser = [outcome.error for outcome in outcomes].index(refused)
        users = await duel.users()
        assert users[ids[loser]].email == (ANNE, BERT)[loser]
        assert users[ids[1 - loser]].email == CARL

    await duel.at_each_statement(prepare, change(0), change(1), check)


async def test_one_of_two_users_is_linked(indexed_duel: Duel) -> None:
    """With `unique_oauth_account_index`: one user has the account, the other is refused."""
    duel, ids = indexed_duel, []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=email) for email in (ANNE, BERT)]

    def link(index: int) -> Any:
        async def add(party: Party) -> None:
            user = await party.users.get(ids[index])
            await party.users.add_oauth_account(user, account())

        return add

    async def check(*outcomes: Outcome) -> None:
        [refused] = errors(*outcomes)
        assert isinstance(refused, OAuthAccountAlreadyLinkedError)
        loser = [outcome.error for outcome in outcomes].index(refused)
        assert await duel.owners() == [ids[1 - loser]]

    await duel.at_each_statement(prepare, link(0), link(1), check)


async def test_one_of_two_is_created_with_an_account(indexed_duel: Duel) -> None:
    """With `unique_oauth_account_index`: one is created; of the other, nothing is there."""
    duel = indexed_duel

    def register(email: str) -> Any:
        async def create(party: Party) -> Any:
            values = {"email": email, "hashed_password": HASH, "oauth_accounts": [account()]}
            return (await party.users.create(values)).id

        return create

    async def check(*outcomes: Outcome) -> None:
        [created] = succeeded(*outcomes)
        [refused] = errors(*outcomes)
        assert isinstance(refused, OAuthAccountAlreadyLinkedError)
        assert list(await duel.users()) == await duel.owners() == [created]

    await duel.at_each_statement(nothing, register(ANNE), register(BERT), check)


async def test_a_user_is_linked_twice_at_once(indexed_duel: Duel) -> None:
    """With `unique_oauth_account_index`: both succeed, and there is one link."""
    duel, ids = indexed_duel, []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]

    async def link(party: Party) -> int:
        user = await party.users.get(ids[0])
        await party.users.add_oauth_account(user, account(party.kind))
        return len(user.oauth_accounts)

    async def check(*outcomes: Outcome) -> None:
        assert succeeded(*outcomes) == [1, 1]
        assert await duel.owners() == ids

    await duel.at_each_statement(prepare, link, link, check)


async def test_a_user_is_linked_at_once_beside_a_statement_of_the_apps_own(
    indexed_duel: Duel,
) -> None:
    """With `unique_oauth_account_index`: both succeed, and what each app has executed is there."""
    duel, ids = indexed_duel, []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]

    def link(email: str) -> Any:
        async def add(party: Party) -> None:
            user = await party.users.get(ids[0])
            await register_past_the_adapter(duel, party, email)
            await party.users.add_oauth_account(user, account(party.kind))

        return add

    async def check(*outcomes: Outcome) -> None:
        assert errors(*outcomes) == []
        assert {user.email for user in (await duel.users()).values()} == {ANNE, BERT, CARL}
        assert await duel.owners() == ids

    await duel.at_each_statement(prepare, link(BERT), link(CARL), check)


async def register_past_the_adapter(duel: Duel, party: Party, email: str) -> None:
    """Execute a statement as an app does, in the transaction of what comes after it, if any."""
    row = {"id": uuid4(), "email": email, "hashed_password": HASH, **FLAGS}
    await party.connection.execute(insert(duel.tables.User.__table__).values(**row))


async def add_account(duel: Duel, user_id: Any) -> None:
    async with duel.observer.engine.connect() as connection:
        row = {"id": uuid4(), "user_id": user_id, **account()}
        await connection.execute(insert(duel.tables.OAuthAccount.__table__).values(**row))


async def change_while_deleting(
    duel: Duel,
    change: Callable[[Party, Any], Awaitable[Any]],
    *,
    refusals: tuple[type[Exception], ...] = (UserNotFoundError,),
    is_linked: bool = False,
    deleting_first: bool = False,
) -> None:
    """Let one party change a user whom the other deletes.

    The user is gone in the end. The change succeeds before, or finds nobody.
    """
    ids = []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]
        if is_linked:
            await add_account(duel, ids[0])

    async def find_and_change(party: Party) -> None:
        user = await party.users.get(ids[0])
        if user is not None:
            await change(party, user)

    async def remove(party: Party) -> None:
        await party.users.delete(await party.users.get(ids[0]))

    async def check(one: Outcome, other: Outcome) -> None:
        deleting, changing = (one, other) if deleting_first else (other, one)
        assert deleting.error is None
        assert changing.error is None or isinstance(changing.error, refusals)
        assert await duel.users() == {}

    one, other = (remove, find_and_change) if deleting_first else (find_and_change, remove)
    await duel.at_each_statement(prepare, one, other, check)


async def link(party: Party, user: Any) -> None:
    await party.users.add_oauth_account(user, account())


async def rename(party: Party, user: Any) -> None:
    await party.users.update(user, {"name": "Anne"})


async def change_account(party: Party, user: Any) -> None:
    [linked] = user.oauth_accounts
    await party.users.update_oauth_account(user, linked, {"access_token": planted("new")})


async def test_linking_against_deleting(duel: Duel) -> None:
    """The user is gone in the end, with the link. Linking succeeds before, or finds nobody."""
    await change_while_deleting(duel, link)


async def test_deleting_beside_a_statement_of_the_apps_own(duel: Duel) -> None:
    """While another links an account: both the deletion and what the app has executed are there, or
    neither, where the database has undone them."""
    ids = []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]

    async def remove(party: Party) -> None:
        user = await party.users.get(ids[0])
        await register_past_the_adapter(duel, party, BERT)
        await party.users.delete(user)

    async def add(party: Party) -> None:
        user = await party.users.get(ids[0])
        if user is not None:
            await link(party, user)

    async def check(*outcomes: Outcome) -> None:
        for error in errors(*outcomes):
            assert isinstance(error, UserNotFoundError) or is_retryable(error)
        is_deleted = outcomes[0].error is None
        is_beside = is_deleted or duel.pair[0] == "databases"  # each statement is committed
        emails = {user.email for user in (await duel.users()).values()}
        assert emails == {*([] if is_deleted else [ANNE]), *([BERT] if is_beside else [])}

    await duel.at_each_statement(prepare, remove, add, check)


async def test_update_against_deleting(duel: Duel) -> None:
    """The user is gone in the end. The update succeeds before, or finds nobody."""
    await change_while_deleting(duel, rename)


async def test_deleting_against_update(duel: Duel) -> None:
    """The other way round: an update while a deletion is under way."""
    await change_while_deleting(duel, rename, deleting_first=True)


async def test_an_account_is_updated_while_its_user_is_deleted(duel: Duel) -> None:
    """The user is gone in the end. The update succeeds before, or finds nothing."""
    refusals = (UserNotFoundError, OAuthAccountNotFoundError)
    await change_while_deleting(duel, change_account, refusals=refusals, is_linked=True)


async def test_two_delete_a_user(duel: Duel) -> None:
    """Both succeed: one who is gone already is no error."""
    ids = []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]
        await add_account(duel, ids[0])

    async def remove(party: Party) -> None:
        user = await party.users.get(ids[0])
        if user is not None:
            await party.users.delete(user)

    async def check(*outcomes: Outcome) -> None:
        assert errors(*outcomes) == []
        assert await duel.users() == {}

    await duel.at_each_statement(prepare, remove, remove, check)


async def test_rehash_against_password_change(duel: Duel) -> None:
    """The hash is that of the last writer; what else the other has changed is kept.

    FastAPI Users asks for both with the same call, so the adapter cannot tell them apart.
    """
    ids: list[Any] = []
    found: list[str] = []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]

    async def rehash(party: Party) -> None:
        user = await party.users.get_by_email(ANNE)
        await party.users.update(user, {"hashed_password": REHASHED})

    async def change(party: Party) -> None:
        user = await party.users.get(ids[0])
        await party.users.update(user, {"hashed_password": NEW, "name": "Anne"})

    async def check(*outcomes: Outcome) -> None:
        assert errors(*outcomes) == []
        [user] = (await duel.users()).values()
        found.append(user.hashed_password)
        assert (user.name, user.email) == ("Anne", ANNE)

    await duel.at_each_statement(prepare, rehash, change, check)
    assert {*found} == {REHASHED, NEW}
    # Held before it has begun, the first writes last; not held, it has ended before the second.
    assert (found[0], found[-1]) == (REHASHED, NEW)


async def test_token_is_used_while_it_is_deleted(duel: Duel) -> None:
    """Whoever uses it finds it or does not; changing it succeeds before, or finds nothing."""
    tokens = duel.tables.AccessToken.__table__

    async def prepare() -> None:
        user_id = await duel.add_user(email=ANNE)
        async with duel.observer.engine.connect() as connection:
            row = {"token": SECRET, "user_id": user_id, "created_at": NOON}
            await connection.execute(insert(tokens).values(**row))

    async def use(party: Party) -> None:
        token = await party.tokens.get_by_token(SECRET)
        if token is not None:
            await party.tokens.update(token, {"created_at": NOON + timedelta(hours=1)})
        await party.tokens.get_by_token(SECRET, NOON)

    async def remove(party: Party) -> None:
        await party.tokens.delete(await party.tokens.get_by_token(SECRET))

    async def check(using: Outcome, deleting: Outcome) -> None:
        assert deleting.error is None
        assert using.error is None or isinstance(using.error, AccessTokenNotFoundError)
        assert await duel.count(tokens) == 0

    await duel.at_each_statement(prepare, use, remove, check)


async def a_token_is_created_while_its_user_is_deleted(duel: Duel, *, reverse: bool) -> list[bool]:
    """Let one party log a user in whom the other deletes, and return whether it could."""
    tokens, ids, created = duel.tables.AccessToken.__table__, [], []

    async def prepare() -> None:
        ids[:] = [await duel.add_user(email=ANNE)]

    async def create(party: Party) -> None:
        await party.tokens.create({"token": SECRET, "user_id": ids[0]})

    async def remove(party: Party) -> None:
        await party.users.delete(await party.users.get(ids[0]))

    async def check(*outcomes: Outcome) -> None:
        creating, deleting = reversed(outcomes) if reverse else outcomes
        assert deleting.error is None
        assert creating.error is None or isinstance(creating.error, UserNotFoundError)
        created.append(creating.error is None)
        # What goes with a user on the servers stays on SQLite, without foreign keys.
        is_left = creating.error is None and duel.observer.database == "sqlite"
        assert await duel.count(tokens) == is_left

    both = (remove, create) if reverse else (create, remove)
    await duel.at_each_statement(prepare, *both, check)
    return created


async def test_a_token_is_created_while_its_user_is_deleted(duel: Duel) -> None:
    """It is created before, or refused."""
    created = await a_token_is_created_while_its_user_is_deleted(duel, reverse=False)
    # Held before it has begun, it comes too late; not held, it comes first.
    assert (created[0], created[-1]) == (False, True)


async def test_a_user_is_deleted_while_a_token_is_created(duel: Duel) -> None:
    """The other way round: a login while a deletion is under way."""
    created = await a_token_is_created_while_its_user_is_deleted(duel, reverse=True)
    assert (created[0], created[-1]) == (True, False)


async def test_two_delete_expired_tokens(duel: Duel) -> None:
    """Both end, nothing expired is left, and each token is counted once."""
    tokens = duel.tables.AccessToken.__table__

    async def prepare() -> None:
        user_id = await duel.add_user(email=ANNE)
        rows = [
            {"token": planted(str(n)), "user_id": user_id, "created_at": NOON + timedelta(hours=n)}
            for n in range(5)
        ]
        async with duel.observer.engine.connect() as connection:
            await connection.execute(insert(tokens), rows)

    async def clean(party: Party) -> int:
        deleted: int = await party.tokens.delete_expired(NOON + timedelta(hours=4), batch_size=3)
        return deleted

    async def check(*outcomes: Outcome) -> None:
        assert sum(succeeded(*outcomes)) == 4
        assert errors(*outcomes) == []
        assert await duel.count(tokens) == 1

    await duel.at_each_statement(prepare, clean, clean, check)
