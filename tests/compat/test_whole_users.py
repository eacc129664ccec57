"""What the old forms make of rows, and of a user that is written as a whole."""

import uuid
import warnings
from types import SimpleNamespace
from typing import Any, Optional

import pydantic
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from sqlalchemy import JSON, Boolean, Column, Integer, MetaData, String, Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from tests.compat.conftest import Form
from tests.compat.models import (
    BaseOAuthAccount,
    BaseUserDB,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    databases_form,
    legacy_orm_form,
    on_every_database,
    ours,
)

DUMP = "dict" if pydantic.VERSION.startswith("1.") else "model_dump"

TAKES_DATA = hasattr(pydantic.fields.FieldInfo, "default_factory_takes_validated_data")


class Strict(UserDB):
    """A model of what its table has, and of nothing else."""

    nick: Optional[str] = None

    if pydantic.VERSION.startswith("1."):

        class Config:
            extra = "forbid"

    else:
        model_config = {"extra": "forbid"}


class Needing(UserDB):
    needed: str


class Wrapper:
    """A wrapper of the app's own round a database: what upstream calls, and nothing else."""

    def __init__(self, database: Any) -> None:
        self.fetch_one, self.fetch_all = database.fetch_one, database.fetch_all
        self.execute, self.execute_many = database.execute, database.execute_many


@databases_form
@on_every_database
async def test_what_is_json_is_read_through_a_wrapper(database: Any, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        settings = Column(JSON)

    class Settings(BaseUserDB):
        settings: Optional[Any] = None

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(Settings, Wrapper(database), UserTable.__table__)
    user = await user_db.create(Settings(**anne(settings={"a": [1, None]})))

    assert (await user_db.get(user.id)).settings == {"a": [1, None]}


async def test_a_model_that_forbids_a_column_refuses_the_row(legacy_form: Form, rows: Any) -> None:
    """The error is the model's own and names the column; nothing is written."""
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne()))
    user_db.user_db_model = Needing

    for call in (user_db.get(user.id), user_db.get_by_email(user.email)):
        with pytest.raises(pydantic.ValidationError, match="needed"):
            await call
    with pytest.raises(pydantic.ValidationError, match="needed"):
        await user_db.create({**anne(email="bert@example.com"), "id": None})

    assert await rows(select(users.c.email)) == [("anne@example.com",)]


@databases_form
async def test_extra_columns_are_refused_by_the_model(
    database: Any, create_all: Any, rows: Any
) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        username = Column(String(20))
        tenant = Column(String(20))
        nick = Column(String(20))
        added = Column(String(20), server_default="later")

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(Strict, database, UserTable.__table__)
    given = Strict(**anne(nick="anne"))
    given.tenant = None  # type: ignore[assignment]

    assert await user_db.create(given) is given
    with pytest.raises(pydantic.ValidationError, match="added"):
        await user_db.get(given.id)
    given.nick = "bert"
    # It could not read the row before: that is not for this change to mend.
    assert await user_db.update(given) is given
    assert await rows(select(UserTable.nick, UserTable.added)) == [("bert", "later")]


@on_every_database
async def test_of_two_stale_writers_the_first_ones_change_is_lost(
    legacy_form: Form, rows: Any
) -> None:
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne(username="anne")))
    first, second = await user_db.get(user.id), await user_db.get(user.id)
    first.username, second.is_verified = "bert", True

    await user_db.update(first)
    await user_db.update(second)

    found = await rows(select(users.c.username, users.c.is_verified))
    assert [tuple(row) for row in found] == [("anne", True)]


async def test_of_two_dicts_both_changes_stay(legacy_form: Form, rows: Any) -> None:
    user_db, users = legacy_form.user_db, legacy_form.users
    user = await user_db.create(UserDB(**anne(username="anne")))
    first, second = await user_db.get(user.id), await user_db.get(user.id)

    await user_db.update(first, {"username": "bert"})
    await user_db.update(second, {"is_verified": True})

    found = await rows(select(users.c.username, users.c.is_verified))
    assert [tuple(row) for row in found] == [("bert", True)]


async def test_of_a_mapped_object_only_what_was_changed_is_written(
    form: Form, session: Any, rows: Any
) -> None:
    if form.name == "databases":
        pytest.skip("it has no mapped objects")
    user = await form.user_db.create(anne() if form.name == "current" else UserDB(**anne()))
    kind = form.user_db.user_table
    held = await session.get(kind, user.id)
    name = getattr(held, "username", None)
    await rows_of_another(session, update(form.users).values(username="bert"))
    held.is_verified = True

    await form.user_db.update(held)

    found = await rows(select(form.users.c.username, form.users.c.is_verified))
    assert (name, [tuple(row) for row in found]) == (None, [("bert", True)])


async def rows_of_another(session: Any, statement: Any) -> None:
    """Execute a statement as another process does."""
    await session.commit()
    async with session.bind.begin() as connection:
        await connection.execute(statement)


@legacy_orm_form
async def test_what_is_written_is_returned_as_the_own_get_does(
    session: AsyncSession, legacy: SimpleNamespace
) -> None:
    class Named(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
        async def get(self, id: Any) -> Any:
            return f"{(await super().get(id)).username}, by get"

    user_db, user = Named(UserDB, session, legacy.UserTable), UserDB(**anne(username="anne"))

    assert await user_db.create(user) == "anne, by get"
    user.username = "bert"
    assert await user_db.update(user) == "bert, by get"


@legacy_orm_form
async def test_what_is_written_is_read_through_the_hook(
    session: AsyncSession, legacy: SimpleNamespace
) -> None:
    class OfTenant(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
        async def _get_user(self, statement: Any) -> Any:
            return await super()._get_user(statement.where(legacy.UserTable.tenant == 1))

    user_db, user = OfTenant(UserDB, session, legacy.UserTable), UserDB(**anne(tenant=2))

    assert await user_db.create(user) is None
    assert await user_db.update(user) is None


class Scoped(BaseOAuthAccount):
    scope: str = "all"


class OwnDump(OAuthUserDB):
    """A model whose own method counts on how it is called, and leaves the accounts out."""

    nick: str = "anne"
    oauth_accounts: list[Scoped] = pydantic.Field(default_factory=list)


def _without_nick(self: Any, *, exclude: Any, **options: Any) -> Any:
    return getattr(super(OwnDump, self), DUMP)(exclude={*exclude, "nick"}, **options)


def _without_scope(self: Any, **options: Any) -> Any:
    dumped = getattr(super(Scoped, self), DUMP)(**options)
    return {key: value for key, value in dumped.items() if key != "scope"}


setattr(OwnDump, DUMP, _without_nick)
setattr(Scoped, DUMP, _without_scope)


@legacy_orm_form
async def test_own_dict_of_a_user_and_of_its_accounts(legacy_form: Form) -> None:
    if legacy_form.name == "databases":
        pytest.skip("there the user's own has all")
    user_db = legacy_form.user_db
    user_db.user_db_model = OwnDump
    linked = Scoped(id=uuid.uuid4(), **account())

    user = await user_db.create(OwnDump(**anne(oauth_accounts=[linked])))
    user.oauth_accounts[0].access_token = "new"
    updated = await user_db.update(user)

    assert [a.access_token for a in updated.oauth_accounts] == ["new"]


class Marking:
    """A mixin of the app's own with the method that upstream calls."""

    def dict(self, **options: Any) -> Any:
        return {**getattr(super(), DUMP)(**options), "username": "by dict"}


class Marked(Marking, OAuthUserDB):
    pass


class Inheriting(Marked):
    pass


class DumpingToo(Marked):
    """A model that has been prepared for pydantic 2."""

    def model_dump(self, **options: Any) -> Any:
        return {**getattr(super(), DUMP)(**options), "tenant": 2}


class MarkedAccount(BaseOAuthAccount):
    def dict(self, **options: Any) -> Any:
        return {**getattr(super(), DUMP)(**options), "access_token": "by dict"}


class Linked(UserDB):
    oauth_accounts: list[MarkedAccount] = pydantic.Field(default_factory=list)


@pytest.mark.parametrize("model", [Marked, Inheriting, DumpingToo])
async def test_own_dict_has_the_say(legacy_form: Form, rows: Any, model: Any) -> None:
    user_db, users = legacy_form.user_db, legacy_form.users
    given = model(**anne())

    await user_db.create(given)
    assert await rows(select(users.c.username)) == [("by dict",)]
    given.email = "new@example.com"
    await user_db.update(given)

    assert await rows(select(users.c.username, users.c.email)) == [("by dict", "new@example.com")]


async def test_own_dict_of_an_account_has_the_say(legacy_form: Form, rows: Any) -> None:
    user_db, accounts = legacy_form.user_db, legacy_form.oauth_accounts
    user_db.user_db_model = Linked

    given = Linked(**anne(oauth_accounts=[MarkedAccount(**account())]))
    await user_db.create(given)
    assert await rows(select(accounts.c.access_token)) == [("by dict",)]
    await user_db.update(given)

    assert await rows(select(accounts.c.access_token)) == [("by dict",)]


@legacy_orm_form
async def test_own_from_orm_has_the_say(session: AsyncSession, legacy: SimpleNamespace) -> None:
    class Built(UserDB):
        @classmethod
        def from_orm(cls, instance: Any) -> Any:
            return cls(**{**anne(id=instance.id), "username": "by from_orm"})

    user_db: Any = SQLAlchemyUserDatabase(Built, session, legacy.UserTable)

    assert (await user_db.create(Built(**anne()))).username == "by from_orm"


@pytest.mark.skipif(DUMP == "dict", reason="pydantic 1 deprecates nothing")
async def test_a_model_without_methods_of_its_own_does_not_warn(legacy_form: Form) -> None:
    user_db, given = legacy_form.user_db, OAuthUserDB(**anne(oauth_accounts=[account()]))
    with warnings.catch_warnings():
        warnings.simplefilter("error", pydantic.PydanticDeprecatedSince20)

        await user_db.create(given)
        await user_db.update(given)

        assert (await user_db.get(given.id)).email == given.email


@ours
async def test_of_a_dict_no_factory_is_called_for_what_is_given(legacy_form: Form) -> None:
    called: list[str] = []

    def by_default() -> str:
        called.append("username")
        return "by default"

    class Calling(OAuthUserDB):
        username: Optional[str] = pydantic.Field(default_factory=by_default)

    legacy_form.user_db.user_db_model = Calling

    given = await legacy_form.user_db.create({**anne(), "username": "anne"})
    assert (given.username, called) == ("anne", [])
    missing = await legacy_form.user_db.create(anne(email="bert@example.com"))
    assert (missing.username, called) == ("by default", ["username"])


@ours
@pytest.mark.skipif(not TAKES_DATA, reason="pydantic 2.10 brought such factories")
async def test_of_a_dict_a_factory_is_given_what_the_fields_before_it_have(
    legacy_form: Form,
) -> None:
    class Named(OAuthUserDB):
        username: Optional[str] = pydantic.Field(
            default_factory=lambda data: f"{data['email']} {data['is_active']} {'tenant' in data}"
        )

    legacy_form.user_db.user_db_model = Named

    user = await legacy_form.user_db.create(anne(email="a@b.de"))

    assert user.username == "a@b.de True False"


@databases_form
@ours
async def test_a_model_without_an_id_is_given_the_tables(database: Any, create_all: Any) -> None:
    metadata = MetaData()
    flags = [Column(f"is_{name}", Boolean) for name in ("active", "superuser", "verified")]
    texts = [Column(name, String(99)) for name in ("email", "hashed_password")]
    users = Table("numbered", metadata, Column("id", Integer, primary_key=True), *texts, *flags)
    await create_all(SimpleNamespace(metadata=metadata))

    class Numbered(BaseUserDB):
        id: Optional[int] = None  # type: ignore[assignment]

    user_db: Any = SQLAlchemyUserDatabase(Numbered, database, users)
    given = Numbered(**anne())

    assert await user_db.create(given) is given
    assert (await user_db.get_by_email(given.email)).id == given.id is not None


@legacy_orm_form
async def test_what_the_own_get_refuses_is_not_written(
    session: AsyncSession, legacy: SimpleNamespace
) -> None:
    class Refusing(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
        async def get(self, id: Any) -> Any:
            raise RuntimeError("the connection is lost")

    user_db, given = SQLAlchemyUserDatabase(UserDB, session, legacy.UserTable), UserDB(**anne())
    refusing = Refusing(UserDB, session, legacy.UserTable)

    with pytest.raises(RuntimeError, match="lost"):
        await refusing.create(given)
    assert await user_db.get(given.id) is None
    await user_db.create(given)
    given.email = "new@example.com"
    with pytest.raises(RuntimeError, match="lost"):
        await refusing.update(given)
    assert (await user_db.get(given.id)).email == anne()["email"]  # type: ignore[union-attr]
