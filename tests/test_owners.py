"""No access token for a user who is gone, whether a foreign key refuses it or not."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from databases import Database
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    event,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.ext.declarative import DeferredReflection
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship, synonym

from fastapi_users_db import (
    GUID,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    UserNotFoundError,
)
from fastapi_users_db.mapping import entity
from tests.conftest import Addresses
from tests.people import ANNE, BERT
from tests.races.parties import Observer
from tests.sharing import connections

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

Classes = tuple[Any, Any]


def declared() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTableUUID, Base):
        pass

    return User, Token


def only_users() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Note(Base):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(String(20))

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)

    return User, Token


def kinds_of_users() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        kind: Mapped[str] = mapped_column(String(9), default="user")

        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "user"}  # noqa: RUF012

    class Admin(User):
        __tablename__ = "admin"

        id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id"), primary_key=True)

        __mapper_args__ = {"polymorphic_identity": "admin"}  # noqa: RUF012

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)

    return User, Token


def related() -> Classes:
    class Base(DeclarativeBase):
        pass

    class Archived(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = "archived"

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)
        user: Mapped[User] = relationship(
            User, primaryjoin=lambda: foreign(Token.user_id) == User.id, viewonly=True
        )

    return User, Token


def of_other_names() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        id: Mapped[uuid.UUID] = mapped_column("key", GUID, primary_key=True, default=uuid.uuid4)

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        owner: Mapped[uuid.UUID] = mapped_column("owner_key", GUID, index=True)
        user_id = synonym("owner")  # type: ignore[assignment]

    return User, Token


def of_text() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTable[str], Base):
        id: Mapped[str] = mapped_column(
            String(40), primary_key=True, default=lambda: f"user-{uuid.uuid4().hex}"
        )

    class Token(SQLAlchemyBaseAccessTokenTable[str], Base):
        user_id: Mapped[str] = mapped_column(String(40), index=True)

    return User, Token


def of_numbers() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableInt, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTable[int], Base):
        user_id: Mapped[int] = mapped_column(BigInteger, index=True)

    return User, Token


SHAPES = {
    shape.__name__: shape
    for shape in (
        *(declared, only_users, kinds_of_users, related, of_other_names, of_text, of_numbers),
    )
}
BOTH = ["orm", "orm-no-commit", "databases"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "mariadb-asyncmy"])
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    return new_database(request.param)


class Place:
    """The tables of an app without foreign keys, and adapters over them."""

    def __init__(self, addresses: Addresses, engine: AsyncEngine, database: Database) -> None:
        self.addresses, self.name = addresses, addresses.name
        self.engine, self.database = engine, database
        self._tables: list[MetaData] = []

    async def use(self, metadata: MetaData, *, foreign_keys: bool = False) -> None:
        """Create tables, and take their foreign keys away, as some hosts do."""
        self._tables.append(metadata)
        async with self.engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
            if foreign_keys or self.name == "sqlite":
                return  # which enforces none
            for table in metadata.tables.values():
                keys = await connection.run_sync(
                    lambda c, table=table: inspect(c).get_foreign_keys(table.name)
                )
                for key in keys:
                    await connection.execute(
                        text(f"ALTER TABLE {table.name} DROP CONSTRAINT {key['name']}")
                    )

    @asynccontextmanager
    async def adapters(self, adapter: str, user: Any, token: Any) -> AsyncIterator[Any]:
        if adapter == "databases":
            yield SimpleNamespace(
                users=DatabasesUserDatabase(self.database, user),
                tokens=DatabasesAccessTokenDatabase(self.database, token),
                settle=None,
            )
            return
        options: Any = {"commit": adapter == "orm"}
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield SimpleNamespace(
                users=SQLAlchemyUserDatabase(session, user, **options),
                tokens=SQLAlchemyAccessTokenDatabase(session, token, **options),
                settle=session.commit,
            )

    async def rows(self, table: Any) -> list[Any]:
        async with self.engine.begin() as connection:
            return list(await connection.execute(select(table)))

    async def until_one_waits(self) -> None:
        """Return once a statement waits for a lock of another's; if none does, pytest ends it."""
        observer, nobody = Observer(self.addresses), cast("Any", None)
        while not await observer.is_waiting(nobody, nobody):
            pass
        await observer.engine.dispose()

    async def drop(self) -> None:
        async with self.engine.begin() as connection:
            for metadata in self._tables:
                await connection.run_sync(metadata.drop_all)


@pytest.fixture
async def place(addresses: Addresses) -> AsyncIterator[Place]:
    async with connections(addresses) as (engine, database):
        place = Place(addresses, engine, database)
        yield place
        await place.drop()


async def refuses(at: Any, **values: Any) -> None:
    with pytest.raises(UserNotFoundError):
        await at.tokens.create({"token": "of nobody", **values})


@pytest.mark.parametrize("adapter", BOTH)
@pytest.mark.parametrize("shape", SHAPES)
async def test_without_a_foreign_key_nobody_who_is_gone_gets_a_token(
    place: Place, adapter: str, shape: str
) -> None:
    if adapter == "databases" and shape == "kinds_of_users":
        pytest.skip("databases reads no such classes")
    user_table, token_table = SHAPES[shape]()
    await place.use(user_table.metadata)
    async with place.adapters(adapter, user_table, token_table) as at:
        anne = await at.users.create(ANNE)
        bert = await at.users.create(BERT)
        anne_id, bert_id = anne.id, bert.id
        await at.tokens.create({"token": "of Anne", "user_id": anne_id})
        await at.users.delete(anne)
        await refuses(at, user_id=anne_id)
        await at.tokens.create({"token": "of Bert", "user_id": bert_id})
        if at.settle:
            await at.settle()
    rows = {row.token for row in await place.rows(token_table.__table__)}
    assert rows - {"of Anne"} == {"of Bert"}


@pytest.mark.parametrize("adapter", BOTH)
@pytest.mark.parametrize("other", ["ANNE", "anne ", "änne"])
async def test_whose_id_merely_looks_alike_is_nobody(
    place: Place, adapter: str, other: str
) -> None:
    user_table, token_table = of_text()
    await place.use(user_table.metadata)
    async with place.adapters(adapter, user_table, token_table) as at:
        await at.users.create({**ANNE, "id": "anne"})
        await refuses(at, user_id=other)
        await at.tokens.create({"token": "of Anne", "user_id": "anne"})


async def test_bare_tables_do_the_same(place: Place) -> None:
    metadata = MetaData()
    users = Table(
        *("user", metadata, Column("id", GUID, primary_key=True), Column("email", String(320))),
        Column("hashed_password", String(1024)),
    )
    tokens = Table(
        *("accesstoken", metadata, Column("token", String(43), primary_key=True)),
        *(Column("user_id", GUID), Column("created_at", Integer)),
    )
    await place.use(metadata)
    at = SimpleNamespace(
        tokens=DatabasesAccessTokenDatabase(
            place.database, tokens, access_token_model=SimpleNamespace
        ),
    )
    adapter = DatabasesUserDatabase(place.database, users, user_model=SimpleNamespace)
    anne = await adapter.create({**ANNE, "id": uuid.uuid4()})
    await refuses(at, user_id=uuid.uuid4())
    assert (await at.tokens.create({"token": "x", "user_id": anne.id})).user_id == anne.id
    assert [row.token for row in await place.rows(tokens)] == ["x"]


def two_of_them() -> Classes:
    class Base(DeclarativeBase):
        pass

    class Customer(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = "customer"

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)

    User.others = Customer  # a class of which nobody knows any more is gone
    return User, Token


def of_other_ids() -> Classes:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Token(SQLAlchemyBaseAccessTokenTable[str], Base):
        user_id: Mapped[str] = mapped_column(String(40), index=True)

    return User, Token


def of_another_base() -> Classes:
    class Users(DeclarativeBase):
        pass

    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Users):
        pass

    class Token(SQLAlchemyBaseAccessTokenTable[uuid.UUID], Base):
        user_id: Mapped[uuid.UUID] = mapped_column(GUID, index=True)

    return User, Token


def of_tables_elsewhere() -> Classes:
    _, token_table = only_users()
    # They are in another database: only the tokens are in this one.
    return SimpleNamespace(metadata=MetaData()), token_table


UNKNOWN = (*(two_of_them, of_other_ids, of_another_base, of_tables_elsewhere),)


@pytest.mark.parametrize("adapter", BOTH)
@pytest.mark.parametrize("shape", UNKNOWN)
async def test_where_the_classes_do_not_say_whose_it_is_nothing_is_refused(
    place: Place, adapter: str, shape: Any
) -> None:
    user_table, token_table = shape()
    await place.use(user_table.metadata)
    alone = MetaData()
    token_table.__table__.to_metadata(alone)
    await place.use(alone)
    owner: Any = uuid.uuid4()
    async with place.adapters(adapter, token_table, token_table) as at:
        given = str(owner) if shape is of_other_ids else owner
        assert (await at.tokens.create({"token": "x", "user_id": given})).user_id == given


async def test_users_of_another_engine_are_looked_for_there(place: Place, tmp_path: Any) -> None:
    user_table, token_table = only_users()
    elsewhere = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'users.db'}")
    async with elsewhere.begin() as connection:
        await connection.run_sync(user_table.metadata.create_all)
    # A table of the same name is here, too, and empty.
    await place.use(user_table.metadata)
    binds = {user_table: elsewhere, token_table: place.engine}
    async with AsyncSession(binds=binds, expire_on_commit=False) as session:
        at = SimpleNamespace(tokens=SQLAlchemyAccessTokenDatabase(session, token_table))
        anne = await SQLAlchemyUserDatabase(session, user_table).create(ANNE)
        assert await at.tokens.create({"token": "x", "user_id": anne.id})
        await refuses(at, user_id=uuid.uuid4())
    async with AsyncSession(binds={token_table: place.engine}) as session:
        # Nobody knows where they are.
        tokens = SQLAlchemyAccessTokenDatabase(session, token_table)
        assert await tokens.create({"token": "y", "user_id": uuid.uuid4()})
    await elsewhere.dispose()
    assert {row.token for row in await place.rows(token_table.__table__)} == {"x", "y"}


@asynccontextmanager
async def statements_of(place: Place, adapter: str) -> AsyncIterator[list[str]]:
    """The statements that are executed meanwhile."""
    noted: list[str] = []
    if adapter != "databases":

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            noted.append(statement)

        event.listen(place.engine.sync_engine, "before_cursor_execute", note)
        yield noted
        event.remove(place.engine.sync_engine, "before_cursor_execute", note)
        return
    names = ("fetch_all", "execute")
    originals = [getattr(place.database, name) for name in names]

    def noting(original: Any) -> Any:
        async def call(query: Any, *rest: Any) -> Any:
            noted.append(str(query))
            return await original(query, *rest)

        return call

    for name, original in zip(names, originals, strict=True):
        setattr(place.database, name, noting(original))
    yield noted
    for name in names:
        delattr(place.database, name)


@pytest.mark.parametrize("adapter", ["orm", "databases"])
async def test_a_foreign_key_is_enough_where_it_is_enforced(place: Place, adapter: str) -> None:
    user_table, token_table = declared()
    await place.use(user_table.metadata, foreign_keys=True)
    async with place.adapters(adapter, user_table, token_table) as at:
        anne = await at.users.create(ANNE)
        await at.tokens.create({"token": "first", "user_id": anne.id})
        async with statements_of(place, adapter) as statements:
            token = await at.tokens.create({"token": "second", "user_id": anne.id})
        assert token.user_id == anne.id
        found = [statement.split()[0].upper() for statement in statements]
        insert = ["INSERT", "SELECT"] if place.name == "mariadb-asyncmy" else ["INSERT"]
        # MariaDB keeps whole seconds: the time is read again.
        assert found == [*insert, *(["SELECT"] if place.name == "sqlite" else [])]
        await refuses(at, user_id=uuid.uuid4())


@pytest.mark.parametrize("adapter", ["orm", "databases"])
async def test_who_is_being_deleted_gets_no_token(place: Place, adapter: str) -> None:
    """The deletion is not committed yet when the token is created."""
    if place.name == "sqlite":
        pytest.skip("one writes at a time")
    user_table, token_table = only_users()
    await place.use(user_table.metadata)
    async with place.adapters(adapter, user_table, token_table) as at:
        anne = await at.users.create(ANNE)
        await at.tokens.create({"token": "first", "user_id": anne.id})
        async with place.engine.connect() as connection:
            await connection.execute(delete(user_table.__table__))
            waiting = asyncio.ensure_future(
                at.tokens.create({"token": "second", "user_id": anne.id})
            )
            await place.until_one_waits()
            assert not waiting.done()
            await connection.commit()
        with pytest.raises(UserNotFoundError):
            await waiting
    assert [row.token for row in await place.rows(token_table.__table__)] == ["first"]


@pytest.mark.parametrize("adapter", ["orm", "databases"])
async def test_check_schema_reports_tokens_of_who_is_gone_without_a_foreign_key(
    place: Place, adapter: str
) -> None:
    user_table, token_table = only_users()
    await place.use(user_table.metadata)
    async with place.adapters(adapter, user_table, token_table) as at:
        anne = await at.users.create(ANNE)
        await at.tokens.create({"token": "x", "user_id": anne.id})
        assert [p.code for p in await at.tokens.check_schema()] == []
        await at.users.delete(anne)
        assert [p.code for p in await at.tokens.check_schema()] == ["orphaned-rows"]


def test_a_class_that_waits_for_its_table_is_no_error() -> None:
    user_table, token_table = only_users()

    class Waiting(DeferredReflection, user_table.__bases__[-1]):  # type: ignore[misc]
        __tablename__ = "waiting"

    assert Waiting.registry is token_table.registry
    assert entity(token_table).owner is None
