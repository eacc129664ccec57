"""Wrong arguments: the error comes at once and shows the right call."""

from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from databases import Database
from sqlalchemy import ForeignKey, Integer, create_engine, inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
)

from fastapi_users_db import (
    DatabaseNotConnectedError,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    MissingDependencyError,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
)
from tests.conformance.models import AccessToken, OAuthAccount, User, UserModel

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
DATABASE = Database("sqlite:///unused.db")


@pytest.mark.parametrize(
    "arguments",
    [
        (User, AsyncSession()),
        (AsyncSession, User),
        (Session(), User),
        (async_sessionmaker(), User),
        (DATABASE, User),
        (AsyncSession(), User.__table__),
        (AsyncSession(), User()),
        (AsyncSession(), UserModel),
        (AsyncSession(), User, OAuthAccount.__table__),
        (AsyncSession(), OAuthAccount, User),
    ],
)
def test_orm_adapter_refuses(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"Call SQLAlchemyUserDatabase\(session, User\)"):
        SQLAlchemyUserDatabase(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (User, DATABASE),
        (Database, User),
        (AsyncSession(), User),
        (DATABASE, UserModel),
        (DATABASE, User, UserModel),
        (DATABASE, OAuthAccount, User),
    ],
)
def test_databases_adapter_refuses(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"Call DatabasesUserDatabase\(database, User\)"):
        DatabasesUserDatabase(*arguments)


def test_databases_adapter_refuses_a_table_without_a_model() -> None:
    table: Any = User.__table__
    with pytest.raises(TypeError, match=r"\(database, User, user_model=\.\.\.\)"):
        DatabasesUserDatabase(DATABASE, table)


def test_access_token_adapters_refuse_swapped_arguments() -> None:
    swapped: Any = (AccessToken, AsyncSession())
    with pytest.raises(TypeError, match=r"SQLAlchemyAccessTokenDatabase\(session, AccessToken\)"):
        SQLAlchemyAccessTokenDatabase(*swapped)
    with pytest.raises(TypeError, match=r"DatabasesAccessTokenDatabase\(database, AccessToken\)"):
        DatabasesAccessTokenDatabase(*swapped)


def test_a_missing_argument_is_named() -> None:
    construct: Any = SQLAlchemyUserDatabase
    with pytest.raises(TypeError, match="user_table"):
        construct(AsyncSession())


@pytest.mark.parametrize("session", [AsyncMock(), Mock(), AsyncMock(spec=AsyncSession)])
def test_orm_adapter_takes_a_mock_as_session(session: Any) -> None:
    assert SQLAlchemyUserDatabase(session, User).session is session


async def test_a_database_that_is_not_connected_is_refused() -> None:
    adapter: Any = DatabasesUserDatabase(Database("postgresql://localhost/unused"), User)
    with pytest.raises(DatabaseNotConnectedError, match=r"await database\.connect\(\)"):
        await adapter.get_by_email("anne@example.com")
    with pytest.raises(DatabaseNotConnectedError, match=r"await database\.connect\(\)"):
        await adapter.create({"email": "anne@example.com", "hashed_password": "hash"})


async def test_sqlite_needs_no_connection(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/users.db"
    engine = create_engine(address)
    User.metadata.create_all(engine)
    engine.dispose()
    adapter: Any = DatabasesUserDatabase(Database(address), User)

    user = await adapter.create({"email": "anne@example.com", "hashed_password": "hash"})

    assert (await adapter.get_by_email("anne@example.com")).id == user.id


def test_the_databases_adapter_names_the_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastapi_users_db.adapters.rows.find_spec", lambda _: None)
    with pytest.raises(
        MissingDependencyError, match=r'pip install "fastapi-users-db\[databases,aiosqlite\]"'
    ):
        DatabasesUserDatabase(DATABASE, User)


async def test_a_user_class_without_an_address_is_refused() -> None:
    adapter: Any = SQLAlchemyUserDatabase(AsyncSession(), AccessToken)
    with pytest.raises(TypeError, match="AccessToken has no column attribute 'email'"):
        await adapter.get_by_email("anne@example.com")


ADAPTERS = [(SQLAlchemyUserDatabase, AsyncSession()), (DatabasesUserDatabase, DATABASE)]
RELATIONSHIP = r"relationship\(\"AccessToken\", lazy=\"joined\"\)"


@pytest.mark.parametrize(("adapter_class", "connection"), ADAPTERS)
async def test_a_missing_relationship_is_named(adapter_class: Any, connection: Any) -> None:
    inspect(User).registry.configure()  # not the classes of other tests
    adapter = adapter_class(connection, User, AccessToken)
    with pytest.raises(TypeError, match=RELATIONSHIP):
        await adapter.add_oauth_account(User(), {"oauth_name": "a", "account_id": "1"})


@pytest.mark.parametrize(("adapter_class", "connection"), ADAPTERS)
async def test_classes_can_be_declared_after_the_adapter_is_built(
    adapter_class: Any, connection: Any
) -> None:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableInt, Base):
        team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
        team: Mapped[Any] = relationship("Team")

    class AccessToken(SQLAlchemyBaseAccessTokenTableInt, Base):
        pass

    adapter = adapter_class(connection, User, AccessToken)

    class Team(Base):
        __tablename__ = "team"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(TypeError, match=RELATIONSHIP):
        await adapter.add_oauth_account(User(), {"oauth_name": "a", "account_id": "1"})


@pytest.mark.parametrize(
    ("build", "connection"),
    [(SQLAlchemyUserDatabase, AsyncSession()), (DatabasesUserDatabase, DATABASE)],
)
def test_swapped_classes_are_named(build: Any, connection: Any) -> None:
    swapped = "user_table and oauth_account_table are swapped: OAuthAccount is the class of OAuth"
    with pytest.raises(TypeError, match=swapped):
        build(connection, OAuthAccount, User)


def test_a_table_is_not_printed_whole() -> None:
    users, tokens = SQLAlchemyUserDatabase, SQLAlchemyAccessTokenDatabase
    for build, table in ((users, User.__table__), (tokens, AccessToken.__table__)):
        wrong: Any = (AsyncSession(), table)
        with pytest.raises(TypeError, match="must be a mapped class, not the Table '") as caught:
            build(*wrong)
        assert "Column" not in str(caught.value)


@pytest.mark.parametrize("build", [SQLAlchemyUserDatabase, DatabasesUserDatabase])
async def test_what_was_not_awaited_is_no_connection(build: Any) -> None:
    async def connect() -> None: ...

    forgotten = connect()
    with pytest.raises(TypeError, match=r"not coroutine \(did you forget await\?\)\. Call"):
        build(forgotten, User)
    await forgotten


@pytest.mark.parametrize(
    ("mixin", "names"),
    [
        (SQLAlchemyBaseUserTable, "SQLAlchemyBaseUserTableUUID or SQLAlchemyBaseUserTableInt"),
        (
            SQLAlchemyBaseOAuthAccountTable,
            "SQLAlchemyBaseOAuthAccountTableUUID or SQLAlchemyBaseOAuthAccountTableInt",
        ),
    ],
)
def test_a_class_without_an_id_is_told_which_mixin_has_one(mixin: Any, names: str) -> None:
    class Base(DeclarativeBase):
        pass

    with pytest.raises(ArgumentError, match=f"Row has no id: .* Derive it from {names}, or"):
        type("Row", (mixin, Base), {})

    columns = {"code": mapped_column(Integer)}
    named = {"__mapper_args__": {"primary_key": [columns["code"]]}, "__tablename__": "own"}
    assert type("Own", (mixin, Base), {**columns, **named})


async def test_databases_adapter_refuses_a_class_that_inherits() -> None:
    class Base(DeclarativeBase):
        pass

    class User(SQLAlchemyBaseUserTableInt, Base):
        pass

    class Admin(User):
        __tablename__ = "admin"
        id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)

    adapter: Any = DatabasesUserDatabase(Database("sqlite://"), Admin)
    with pytest.raises(TypeError, match=r"Admin inherits from another mapped class.*ORM adapter"):
        await adapter.get(1)
