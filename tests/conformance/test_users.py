"""Users: look-ups, creation, changes, deletion."""

import logging
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi_users.exceptions import UserAlreadyExists, UserNotExists
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from fastapi_users_db import UserAlreadyExistsError, UserNotFoundError
from fastapi_users_db.mapping import user_entity
from tests.conformance.conftest import Backend
from tests.conformance.models import OAuthAccount, User, UserModel
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT


def values(user: Any) -> dict[str, Any]:
    return {
        name: getattr(user, name) for name in UserModel.__annotations__ if name != "oauth_accounts"
    }


async def test_create_returns_a_complete_user(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.close()
    assert isinstance(user.id, uuid.UUID)
    assert values(user) == {
        **ANNE,
        "id": user.id,
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
        "name": None,
        "preferences": None,
        "greeting": "hello",
        "changes": 0,
    }
    assert user.oauth_accounts == []


async def test_create_returns_an_instance_of_the_users_class(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    assert type(user) is (UserModel if backend.adapter == "databases-user-model" else User)


async def test_create_keeps_the_given_id(users: Any) -> None:
    user_id = uuid.uuid4()
    user = await users.create({**ANNE, "id": user_id})
    assert user.id == user_id


async def test_create_takes_the_text_of_an_id(users: Any) -> None:
    user_id = uuid.uuid4()
    user = await users.create({**ANNE, "id": str(user_id)})
    assert user.id == user_id
    assert isinstance(user.id, uuid.UUID)


async def test_create_writes_what_it_returns(backend: Backend) -> None:
    user = await backend.users.create(
        {**ANNE, "name": "Ænne 🦊", "preferences": {"a": [1, None]}, "is_superuser": True}
    )
    assert [dict(row._mapping) for row in await backend.rows(select(User.__table__))] == [
        values(user)
    ]


async def test_create_does_not_change_its_argument(users: Any) -> None:
    create_dict = {**ANNE, "oauth_accounts": []}
    await users.create(create_dict)
    assert create_dict == {**ANNE, "oauth_accounts": []}


async def test_get_returns_the_user(users: Any) -> None:
    user = await users.create(ANNE)
    found = await users.get(user.id)
    assert values(found) == values(user)


async def test_get_takes_the_text_of_an_id(users: Any) -> None:
    user = await users.create(ANNE)
    assert (await users.get(str(user.id))).id == user.id


async def test_get_returns_none_for_an_unknown_id(users: Any) -> None:
    assert await users.get(uuid.uuid4()) is None


async def test_found_user_is_readable_after_closing(backend: Backend) -> None:
    created = await backend.users.create(ANNE)
    found = await backend.users.get(created.id)
    await backend.close()
    assert values(found) == values(created)
    assert found.oauth_accounts == []


async def test_users_stay_readable_when_another_is_written(users: Any) -> None:
    anne = await users.create(ANNE)
    bert = await users.create(BERT)
    await users.update(bert, {"name": "Bert"})
    await users.delete(bert)
    assert anne.email == "anne@example.com"


async def test_users_stay_readable_after_an_error(users: Any) -> None:
    anne = await users.create(ANNE)
    bert = await users.create(BERT)
    with pytest.raises(UserAlreadyExists):
        await users.update(bert, {"email": anne.email})
    assert (anne.email, bert.email) == ("anne@example.com", "bert@example.com")
    assert (anne.oauth_accounts, bert.oauth_accounts) == ([], [])


@pytest.fixture(params=[False, True], ids=["", "lower-index-declared"])
def lower_index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the class declares `unique_email_index`. The table does not have it: what is found
    must not depend on that."""
    users = user_entity(User, OAuthAccount)
    monkeypatch.setattr(users, "has_lower_email_index", request.param)


with_and_without_lower_index = pytest.mark.usefixtures("lower_index")


@with_and_without_lower_index
async def test_get_by_email_finds_the_address_as_stored(users: Any) -> None:
    user = await users.create(ANNE)
    assert (await users.get_by_email("anne@example.com")).id == user.id


@with_and_without_lower_index
@pytest.mark.parametrize("email", ["ANNE@example.com", "anne@EXAMPLE.com", "Anne@Example.Com"])
async def test_get_by_email_ignores_case(users: Any, email: str) -> None:
    user = await users.create(ANNE)
    assert (await users.get_by_email(email)).id == user.id


@with_and_without_lower_index
async def test_get_by_email_finds_an_address_stored_in_upper_case(users: Any) -> None:
    user = await users.create({**ANNE, "email": "ANNE@example.com"})
    assert (await users.get_by_email("anne@example.com")).id == user.id


@with_and_without_lower_index
@pytest.mark.parametrize(
    "email",
    [
        "ännë@example.com",
        "anne@example.com ",
        " anne@example.com",
        "anne@example.co",
        "ann\N{LATIN SMALL LETTER E WITH ACUTE}@example.com",
        "anne\N{ZERO WIDTH SPACE}@example.com",
        "_nne@example.com",
        "%",
        "",
    ],
)
async def test_get_by_email_finds_nothing_that_differs_by_more_than_case(
    users: Any, email: str
) -> None:
    await users.create(ANNE)
    assert await users.get_by_email(email) is None


@with_and_without_lower_index
@pytest.mark.parametrize(
    ("sign", "letter"),
    [
        ("\N{KELVIN SIGN}", "k"),
        ("\N{ANGSTROM SIGN}", "\N{LATIN SMALL LETTER A WITH RING ABOVE}"),
        ("\N{OHM SIGN}", "\N{GREEK SMALL LETTER OMEGA}"),
        ("\N{GREEK CAPITAL THETA SYMBOL}", "\N{GREEK SMALL LETTER THETA}"),
        ("\N{LATIN CAPITAL LETTER SHARP S}", "\N{LATIN SMALL LETTER SHARP S}"),
    ],
)
async def test_get_by_email_tells_a_sign_from_the_letter(
    users: Any, sign: str, letter: str
) -> None:
    await users.create({**ANNE, "email": f"mi{letter}e@example.com"})
    assert await users.get_by_email(f"mi{sign}e@example.com") is None


# MariaDB's unique index refuses addresses that differ only by case.
where_case_counts = pytest.mark.parametrize("addresses", ["sqlite", "postgresql"], indirect=True)


async def several_by_case(backend: Backend) -> None:
    defaults = {"hashed_password": "hash", "is_active": True, "changes": 0}
    flags = {"is_superuser": False, "is_verified": False}
    for email in ("anne@x.com", "Anne@x.com", "ANNE@x.com"):
        row = {"id": uuid.uuid4(), "email": email, **defaults, **flags}
        await backend.rows(insert(User.__table__).values(**row))


@pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
async def test_get_by_email_finds_a_user_beside_one_who_looks_alike(backend: Backend) -> None:
    """PostgreSQL takes the dotted capital I for an i in another case."""
    user = await backend.users.create({**ANNE, "email": "victim@example.com"})
    for name in ("V{}ctim", "v{}ctim", "{}"):
        email = name.format("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}") + "@example.com"
        await backend.users.create({**BERT, "email": email})
    assert (await backend.users.get_by_email("Victim@example.com")).id == user.id
    assert await backend.users.get_by_email("I@example.com") is None


@pytest.fixture
async def no_unique_index(
    addresses: Addresses, engine_of: Callable[[Addresses], AsyncEngine]
) -> AsyncIterator[None]:
    """The table without its index on addresses, for the time of a test."""
    [index] = [index for index in User.__table__.indexes if index.unique]
    async with engine_of(addresses).begin() as connection:
        await connection.run_sync(index.drop)
    yield
    async with engine_of(addresses).begin() as connection:
        await connection.run_sync(index.create)


@pytest.mark.usefixtures("no_unique_index")
@pytest.mark.parametrize("addresses", ["mariadb-aiomysql", "mariadb-asyncmy"], indirect=True)
async def test_get_by_email_finds_a_user_behind_others_who_look_alike(backend: Backend) -> None:
    """MariaDB takes letters with accents for the same, and has them all without a unique index."""
    look_alikes = [f"ann{letter}@example.com" for letter in "\xe9\xe8\xeb"]
    for number, email in enumerate([*look_alikes, ANNE["email"]]):
        await backend.users.create({**ANNE, "email": email, "id": uuid.UUID(int=number)})
    for email in (ANNE["email"], "Anne@example.com"):
        assert (await backend.users.get_by_email(email)).email == ANNE["email"]
    assert await backend.users.get_by_email("ann\xea@example.com") is None


@with_and_without_lower_index
@where_case_counts
async def test_get_by_email_prefers_the_address_as_stored(backend: Backend) -> None:
    await several_by_case(backend)
    for email in ("anne@x.com", "Anne@x.com", "ANNE@x.com"):
        assert (await backend.users.get_by_email(email)).email == email


@with_and_without_lower_index
@where_case_counts
async def test_get_by_email_chooses_one_of_several_that_differ_only_by_case(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    await several_by_case(backend)
    with caplog.at_level(logging.WARNING, logger="fastapi_users_db"):
        found = {(await backend.users.get_by_email("aNNe@x.com")).email for _ in range(3)}
    assert len(found) == 1
    assert "Several rows of the table 'user'" in caplog.text
    assert "x.com" not in caplog.text


async def test_create_refuses_an_address_that_is_taken(backend: Backend) -> None:
    await backend.users.create(ANNE)
    with pytest.raises(UserAlreadyExistsError) as caught:
        await backend.users.create({**ANNE, "hashed_password": "secret hash"})
    assert isinstance(caught.value, UserAlreadyExists)
    names = {cls.__name__ for cls in type(caught.value).__mro__}
    assert names & {"IntegrityError", "UniqueViolationError"}
    assert "secret hash" not in f"{caught.value} {caught.value!r}"
    assert len(await backend.rows(select(User.__table__))) == 1


async def test_adapter_is_usable_after_a_refusal(users: Any) -> None:
    await users.create(ANNE)
    with pytest.raises(UserAlreadyExists):
        await users.create(ANNE)
    bert = await users.create(BERT)
    assert (await users.get(bert.id)).email == "bert@example.com"


async def test_update_writes_and_returns_the_same_user(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    updated = await backend.users.update(user, {"email": "new@example.com", "name": "Anne"})
    await backend.settle()
    assert updated is user
    assert (user.email, user.name) == ("new@example.com", "Anne")
    [row] = await backend.rows(select(User.__table__))
    assert dict(row._mapping) == values(user)


async def test_update_applies_onupdate(users: Any) -> None:
    user = await users.create(ANNE)
    await users.update(user, {"name": "Anne"})
    assert user.changes == 1
    assert (await users.get(user.id)).changes == 1


async def test_update_writes_only_what_changed(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "name": "Anne"})
    table = User.__table__
    await backend.rows(table.update().values(name="Anna", hashed_password="newer", changes=7))
    await backend.users.update(user, {"name": "Anne", "preferences": {"a": 1}})
    [row] = await backend.rows(select(table.c.name, table.c.hashed_password, table.c.preferences))
    # What a model of the app's own holds says nothing of the row.
    name = "Anne" if backend.adapter == "databases-user-model" else "Anna"
    assert tuple(row) == (name, "newer", {"a": 1})


@pytest.mark.parametrize(
    ("attribute", "read", "elsewhere"),
    [
        ("email", "anne@example.com", "hanna@example.com"),
        ("hashed_password", "hash", "newer"),
        ("is_active", True, False),
        ("is_superuser", False, True),
        ("is_verified", False, True),
    ],
)
async def test_what_is_given_of_the_framework_is_written_whatever_was_read(
    backend: Backend, attribute: str, read: Any, elsewhere: Any
) -> None:
    """A demotion is not lost because another has promoted the user since the look-up."""
    user = await backend.users.create(ANNE)
    table = User.__table__
    await backend.rows(table.update().values({attribute: elsewhere}))
    await backend.users.update(user, {attribute: read})
    [row] = await backend.rows(select(table.c[attribute]))
    assert row[0] == read == getattr(user, attribute)


async def test_update_without_a_change_writes_nothing(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "name": "Anne"})
    given = {} if backend.adapter == "databases-user-model" else {"name": "Anne"}
    await backend.users.update(user, given)
    assert user.changes == 0
    assert [row.changes for row in await backend.rows(select(User.__table__))] == [0]


async def test_update_with_an_empty_dict_returns_the_user(users: Any) -> None:
    user = await users.create(ANNE)
    assert await users.update(user, {}) is user


async def test_update_leaves_out_a_password_that_is_null(users: Any) -> None:
    """FastAPI Users hands on the `{"password": null}` of a request: it is no attribute."""
    user = await users.create(ANNE)
    assert await users.update(user, {"password": None, "is_verified": True}) is user
    assert user.is_verified
    with pytest.raises(TypeError, match="password"):
        await users.update(user, {"password": "secret"})


async def test_update_sets_null(users: Any) -> None:
    user = await users.create({**ANNE, "name": "Anne"})
    await users.update(user, {"name": None})
    assert (await users.get(user.id)).name is None


async def test_update_refuses_an_address_that_is_taken(backend: Backend) -> None:
    await backend.users.create(ANNE)
    bert = await backend.users.create(BERT)
    with pytest.raises(UserAlreadyExistsError):
        await backend.users.update(bert, {"email": ANNE["email"], "name": "Bert"})
    assert (bert.email, bert.name) == (BERT["email"], None)
    assert (await backend.users.get(bert.id)).name is None
    emails = sorted(row.email for row in await backend.rows(select(User.__table__)))
    assert emails == [ANNE["email"], BERT["email"]]


async def test_user_is_updated_again_after_a_refusal(users: Any) -> None:
    await users.create(ANNE)
    bert = await users.create(BERT)
    with pytest.raises(UserAlreadyExistsError):
        await users.update(bert, {"email": ANNE["email"]})
    await users.update(bert, {"email": "free@example.com"})
    assert (await users.get(bert.id)).email == "free@example.com"


async def test_update_of_the_own_address_by_case_is_no_duplicate(users: Any) -> None:
    user = await users.create(ANNE)
    await users.update(user, {"email": "Anne@example.com"})
    assert (await users.get(user.id)).email == "Anne@example.com"


async def test_delete_removes_the_user_who_stays_readable(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.users.delete(user)
    assert await backend.users.get(user.id) is None
    assert await backend.rows(select(User.__table__)) == []
    assert user.email == ANNE["email"]


async def test_delete_of_a_user_who_is_gone_is_no_error(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.rows(User.__table__.delete())
    await backend.users.delete(user)
    await backend.users.delete(user)


async def test_delete_of_a_user_who_was_never_written_is_no_error(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    for other in (
        backend.unwritten(id=None),
        backend.unwritten(id=uuid.uuid4()),
        backend.unwritten(id=uuid.uuid4(), **BERT),
    ):
        await backend.users.delete(other)
        await backend.users.delete(other)
    assert [row.id for row in await backend.rows(select(User.__table__.c.id))] == [user.id]


async def test_delete_of_a_user_by_its_id_removes_the_row(backend: Backend) -> None:
    user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    await backend.users.delete(backend.unwritten(id=user.id))
    assert await backend.rows(select(User.__table__)) == []
    assert await backend.rows(select(OAuthAccount.__table__)) == []
    assert user.email == ANNE["email"]


async def test_update_of_a_user_who_was_never_written_is_refused(backend: Backend) -> None:
    with pytest.raises(UserNotFoundError):
        await backend.users.update(
            backend.unwritten(id=uuid.uuid4(), **ANNE), {"email": "new@example.com"}
        )
    assert await backend.rows(select(User.__table__)) == []


async def test_update_of_a_user_who_is_gone_is_refused(backend: Backend) -> None:
    user = await backend.users.create(ANNE)
    await backend.rows(User.__table__.delete())
    with pytest.raises(UserNotFoundError) as caught:
        await backend.users.update(user, {"name": "Anne"})
    assert isinstance(caught.value, UserNotExists)
    assert user.name is None
    assert await backend.users.create(BERT)


async def test_update_of_a_deleted_user_is_refused(users: Any) -> None:
    user = await users.create(ANNE)
    await users.delete(user)
    with pytest.raises(UserNotFoundError):
        await users.update(user, {"name": "Anne"})


async def test_an_object_stands_for_whoever_has_its_id(backend: Backend) -> None:
    """SQL cannot tell that another user has got the id meanwhile."""
    user = await backend.users.create(ANNE)
    await backend.rows(User.__table__.delete())
    flags = {"is_active": True, "is_superuser": False, "is_verified": False, "changes": 0}
    await backend.rows(insert(User.__table__).values(id=user.id, **BERT, **flags))

    await backend.users.update(user, {"name": "Bert"})

    table = User.__table__
    assert await backend.rows(select(table.c.email, table.c.name)) == [(BERT["email"], "Bert")]
    await backend.users.delete(user)
    assert await backend.rows(select(table)) == []


async def test_adapter_without_oauth_table_works(backend: Backend) -> None:
    users = backend.users_without_oauth
    user = await users.create(ANNE)
    await users.update(user, {"name": "Anne"})
    assert (await users.get_by_email(ANNE["email"])).name == "Anne"
    await users.delete(user)
    assert await users.get(user.id) is None
