"""The comparison of the live tables with what the adapters need, and the error for a column
that is too narrow: on tables as older releases and other hands have made them."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from databases import Database
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import MetaData, Table, create_engine, make_url
from sqlalchemy.dialects.oracle.base import OracleDialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

import fastapi_users_db.types
from fastapi_users_db import (
    ColumnTooNarrowError,
    DatabasesAccessTokenDatabase,
    DatabasesUserDatabase,
    SchemaProblem,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
    unique_email_index,
    unique_oauth_account_index,
)
from fastapi_users_db.catalogue import LiveTables
from fastapi_users_db.mapping import entity
from fastapi_users_db.schema import check_tokens, error_about_values
from tests.conftest import Addresses
from tests.sharing import connections

pytestmark = [
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*expression-based index:sqlalchemy.exc.SAWarning"),
]
SYNCHRONOUS_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-asyncmy": "mysql+pymysql",
}
ADAPTERS = ["orm", "orm-no-commit", "databases"]
HASH = "h" * 97
SECRET = "s" * 2000
ANNE = uuid.UUID(int=1)
BERT = uuid.UUID(int=2)

every_database_with_widths = pytest.mark.parametrize(
    "addresses", ["postgresql", "mariadb-asyncmy"], indirect=True
)
on_postgresql = pytest.mark.parametrize("addresses", ["postgresql"], indirect=True)
on_sqlite = pytest.mark.parametrize("addresses", ["sqlite"], indirect=True)
on_those_with_lower = pytest.mark.parametrize("addresses", ["sqlite", "postgresql"], indirect=True)
on_mariadb = pytest.mark.parametrize("addresses", ["mariadb-asyncmy"], indirect=True)


class Base(DeclarativeBase):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    name: Mapped[str | None] = mapped_column(sa.String(20))
    oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")


unique_email_index(User)


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


@dataclass
class Live:
    """A database whose tables are made by hand, and the adapters over it."""

    addresses: Addresses
    engine: sa.Engine
    async_engine: AsyncEngine
    database: Database
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def is_mariadb(self) -> bool:
        return self.addresses.name.startswith("mariadb")

    def declare(self) -> None:
        """Take copies of the app's tables, to change before they are created."""
        metadata = MetaData()
        self.tables = {
            table.name: table.to_metadata(metadata) for table in Base.metadata.sorted_tables
        }
        for table in self.tables.values():
            # A copy forgets the condition under which an index is created.
            if self.is_mariadb:
                # That on the user stays: some tests take the foreign key away, which has one.
                table.indexes -= {i for i in table.indexes if str(i.name).endswith("_lower")}

    def create(self) -> None:
        """Create the tables that were declared."""
        with self.engine.begin() as connection:
            for table in self.tables.values():
                table.create(connection, checkfirst=False)

    def drop(self) -> None:
        """Drop the tables that were declared, as far as they were created."""
        with self.engine.begin() as connection:
            for table in reversed(self.tables.values()):
                connection.execute(sa.schema.DropTable(table, if_exists=True))

    def insert(self, table: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(self.tables[table].insert().values(**values))

    def rows(self, table: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(self.tables[table].select()).all())

    def apply(self, problem: SchemaProblem) -> None:
        """Do what the fix says."""
        with self.engine.begin() as connection:
            if problem.fix.startswith("op."):
                operations = Operations(MigrationContext.configure(connection))
                names = {"op": operations, "sa": sa, "fastapi_users_db": fastapi_users_db}
                eval(problem.fix, names)
            else:
                # As a client of the database does: no driver looks for parameters.
                alone = connection.execution_options(no_parameters=True)
                alone.exec_driver_sql(problem.fix)

    @asynccontextmanager
    async def open(self, adapter: str, **classes: Any) -> AsyncIterator[tuple[Any, Any, Any]]:
        """Give the user adapter, the access token adapter, and what they talk through."""
        user, account, token = (
            classes.get(c.__name__, c) for c in (User, OAuthAccount, AccessToken)
        )
        if adapter == "databases":
            yield (
                DatabasesUserDatabase(self.database, user, account),
                DatabasesAccessTokenDatabase(self.database, token),
                self.database,
            )
            return
        async with AsyncSession(self.async_engine) as session:
            commit = adapter == "orm"
            yield (
                SQLAlchemyUserDatabase(session, user, account, commit=commit),
                SQLAlchemyAccessTokenDatabase(session, token, commit=commit),
                session,
            )

    async def problems(
        self, adapters: Sequence[str] = ADAPTERS, **classes: Any
    ) -> list[SchemaProblem]:
        """Return what every adapter reports, of users and of access tokens."""
        reports = {}
        for adapter in adapters:
            async with self.open(adapter, **classes) as (users, tokens, _):
                reports[adapter] = [*await users.check_schema(), *await tokens.check_schema()]
        assert all(report == reports["orm"] for report in reports.values()), reports
        return reports["orm"]


@asynccontextmanager
async def connected(addresses: Addresses) -> AsyncIterator[Live]:
    url = make_url(addresses.orm).set(drivername=SYNCHRONOUS_DRIVERS[addresses.name])
    engine = create_engine(url)
    async with connections(addresses) as (async_engine, database):
        live = Live(addresses, engine, async_engine, database)
        live.declare()
        yield live
    engine.dispose()


@pytest.fixture(scope="session", params=SYNCHRONOUS_DRIVERS)
def addresses(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Addresses:
    return new_database(request.param)


@pytest.fixture(scope="session")
async def lasting(addresses: Addresses) -> AsyncIterator[Live]:
    async with connected(addresses) as live:
        yield live


@pytest.fixture
def live(lasting: Live) -> Iterator[Live]:
    """Give an empty database."""
    lasting.declare()
    yield lasting
    lasting.drop()


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> str:
    """What writes. The comparison is made by all of them in the same test."""
    name: str = request.param
    return name


def codes(problems: list[SchemaProblem]) -> list[tuple[str, str, str | None]]:
    return [(problem.code, problem.table, problem.column) for problem in problems]


def user(id: uuid.UUID = ANNE, email: str = "anne@example.com", **values: Any) -> dict[str, Any]:
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    return {"id": id, "email": email, "hashed_password": "hash", **flags, **values}


def account(user_id: uuid.UUID | None, **values: Any) -> dict[str, Any]:
    return {
        "oauth_name": "provider",
        "access_token": "token",
        "account_id": "1",
        "account_email": "anne@provider.example",
        "user_id": user_id,
        **values,
    }


def given(user_id: uuid.UUID, **values: Any) -> dict[str, Any]:
    return {k: v for k, v in account(user_id, **values).items() if k != "user_id"}


def without_foreign_keys(table: Table) -> None:
    for constraint in list(table.foreign_key_constraints):
        table.constraints.discard(constraint)


async def test_sound_tables_have_no_problems(live: Live) -> None:
    live.create()
    live.insert("user", **user())
    live.insert("oauth_account", id=BERT, **account(ANNE))
    assert await live.problems() == []


async def test_missing_tables_are_reported_once_each(live: Live) -> None:
    problems = await live.problems()
    assert codes(problems) == [
        ("missing-table", "user", None),
        ("missing-table", "oauth_account", None),
        ("missing-table", "accesstoken", None),
    ]
    assert str(problems[0]) == (
        "user: expected a table, found no table. Fix: alembic revision --autogenerate "
        "-m 'create user' [missing-table: "
        "https://fastapi-users-db.readthedocs.io/1.0/schema/#missing-table]"
    )


async def test_missing_columns_are_reported_and_added(live: Live) -> None:
    users = live.tables["user"]
    users._columns.remove(users.c.is_verified)
    users._columns.remove(users.c.name)
    live.create()
    live.insert(
        "user",
        **{key: value for key, value in user().items() if key != "is_verified"},
    )
    problems = await live.problems()
    assert codes(problems) == [
        ("missing-column", "user", "name"),
        ("missing-column", "user", "is_verified"),
    ] or codes(problems) == [
        ("missing-column", "user", "is_verified"),
        ("missing-column", "user", "name"),
    ]
    for problem in problems:
        live.apply(problem)
    assert await live.problems() == []


async def test_missing_id_is_reported_without_more(live: Live) -> None:
    accounts = live.tables["oauth_account"]
    accounts.indexes.clear()
    without_foreign_keys(accounts)
    accounts._columns.remove(accounts.c.user_id)
    live.create()
    [problem] = await live.problems()
    assert codes([problem]) == [("missing-column", "oauth_account", "user_id")]
    assert problem.fix.endswith("fastapi_users_db.types.GUID(), nullable=False))")


@every_database_with_widths
async def test_narrow_columns_are_reported_and_widened(live: Live) -> None:
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.tables["oauth_account"].c.access_token.type = sa.String(1024)
    live.tables["oauth_account"].c.refresh_token.type = sa.String(1024)
    live.create()
    problems = await live.problems()
    assert codes(problems) == [
        ("narrow-column", "user", "hashed_password"),
        ("narrow-column", "oauth_account", "access_token"),
        ("narrow-column", "oauth_account", "refresh_token"),
    ]
    assert "(72)" in problems[0].found
    assert problems[0].expected == "VARCHAR(1024)"
    assert problems[0].fix == (
        "op.alter_column('user', 'hashed_password', type_=sa.String(length=1024), "
        "existing_type=sa.String(72), existing_nullable=False)"
    )
    assert problems[1].expected == "TEXT"
    for problem in problems:
        live.apply(problem)
    assert await live.problems() == []


@on_sqlite
async def test_widths_do_not_count_where_they_are_not_enforced(live: Live) -> None:
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    assert await live.problems() == []


@every_database_with_widths
async def test_needs_of_fastapi_users_go_before_what_the_class_declares(live: Live) -> None:
    class OldBase(DeclarativeBase):
        pass

    class OldAccount(SQLAlchemyBaseOAuthAccountTableUUID, OldBase):
        access_token: Mapped[str] = mapped_column(sa.String(1024))

    class OldUser(SQLAlchemyBaseUserTableUUID, OldBase):
        hashed_password: Mapped[str] = mapped_column(sa.String(72))
        oauth_accounts: Mapped[list[OldAccount]] = relationship(OldAccount)

    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.tables["oauth_account"].c.access_token.type = sa.String(1024)
    live.create()
    problems = await live.problems(User=OldUser, OAuthAccount=OldAccount)
    assert [(p.code, p.column, p.expected) for p in problems] == [
        ("narrow-column", "hashed_password", "VARCHAR(1024)"),
        ("narrow-column", "access_token", "TEXT"),
    ]


@every_database_with_widths
async def test_room_for_a_hash_is_enough_where_the_class_declares_it(live: Live) -> None:
    class ExactBase(DeclarativeBase):
        pass

    class ExactUser(SQLAlchemyBaseUserTableUUID, ExactBase):
        hashed_password: Mapped[str] = mapped_column(sa.String(len(HASH)))

    live.tables["user"].c.hashed_password.type = sa.String(len(HASH))
    live.create()
    assert await live.problems(User=ExactUser, OAuthAccount=None) == []


@on_mariadb
async def test_width_is_not_compared_where_the_class_names_none(live: Live) -> None:
    class AnyBase(DeclarativeBase):
        pass

    class AnyAccount(SQLAlchemyBaseOAuthAccountTableUUID, AnyBase):
        pass

    class AnyUser(SQLAlchemyBaseUserTableUUID, AnyBase):
        name: Mapped[str | None] = mapped_column(sa.String)
        oauth_accounts: Mapped[list[AnyAccount]] = relationship(AnyAccount)

    live.create()
    assert await live.problems(User=AnyUser, OAuthAccount=AnyAccount) == []


async def test_ids_without_hyphens_are_of_the_wrong_type(live: Live) -> None:
    for table, name in (("user", "id"), ("oauth_account", "user_id"), ("accesstoken", "user_id")):
        without_foreign_keys(live.tables[table])
        live.tables[table].c[name].type = sa.CHAR(32)
    live.create()
    problems = await live.problems()
    assert codes(problems) == [
        ("wrong-type", "user", "id"),
        ("wrong-type", "oauth_account", "user_id"),
        ("wrong-type", "accesstoken", "user_id"),
    ]
    expected = "UUID" if live.addresses.name == "postgresql" else "CHAR(36)"
    assert {problem.expected for problem in problems} == {expected}


@on_postgresql
async def test_wrong_type_is_altered(live: Live) -> None:
    without_foreign_keys(live.tables["accesstoken"])
    live.tables["accesstoken"].c.user_id.type = sa.CHAR(32)
    live.tables["accesstoken"].c.created_at.type = sa.TIMESTAMP(timezone=False)
    live.create()
    problems = await live.problems()
    assert codes(problems) == [
        ("wrong-type", "accesstoken", "created_at"),
        ("wrong-type", "accesstoken", "user_id"),
    ] or codes(problems) == [
        ("wrong-type", "accesstoken", "user_id"),
        ("wrong-type", "accesstoken", "created_at"),
    ]
    for problem in problems:
        live.apply(problem)
    assert await live.problems() == []


async def test_integer_is_no_address(live: Live) -> None:
    live.tables["user"].c.email.type = sa.Integer()
    live.tables["user"].indexes.clear()
    live.create()
    assert codes(await live.problems()) == [("wrong-type", "user", "email")]


async def test_missing_unique_index_is_reported_and_created(live: Live) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email"}
    live.create()
    [problem] = await live.problems()
    assert codes([problem]) == [("missing-email-index", "user", "email")]
    assert problem.fix == "op.create_index('ix_user_email', 'user', ['email'], unique=True)"
    live.apply(problem)
    assert await live.problems() == []


async def test_index_over_several_columns_does_not_keep_addresses_apart(live: Live) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email"}
    sa.Index("several", users.c.email, users.c.is_active, unique=True)
    live.create()
    assert codes(await live.problems()) == [("missing-email-index", "user", "email")]


async def test_constraint_keeps_addresses_apart(live: Live) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email"}
    users.append_constraint(sa.UniqueConstraint("email"))
    live.create()
    assert await live.problems() == []


@on_those_with_lower
async def test_missing_index_on_lower_is_reported_where_it_is_declared(live: Live) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    live.create()
    [problem] = await live.problems()
    assert codes([problem]) == [("missing-lower-email-index", "user", "email")]
    assert "the time that a look-up takes tells which addresses are registered" in str(problem)
    live.apply(problem)
    assert await live.problems() == []


@on_mariadb
@pytest.mark.parametrize("collation", ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin"])
async def test_no_index_on_lower_is_advised_where_there_is_none(live: Live, collation: str) -> None:
    """Without case MariaDB finds an address by the column's own index; else there is no other."""
    live.tables["user"].c.email.type = sa.String(320, collation=collation)
    live.create()
    assert await live.problems() == []


@on_those_with_lower
async def test_index_on_lower_is_not_asked_of_who_has_not_declared_it(live: Live) -> None:
    class PlainBase(DeclarativeBase):
        pass

    class PlainAccount(SQLAlchemyBaseOAuthAccountTableUUID, PlainBase):
        pass

    class PlainUser(SQLAlchemyBaseUserTableUUID, PlainBase):
        oauth_accounts: Mapped[list[PlainAccount]] = relationship(PlainAccount)

    sa.Index("upper", sa.func.upper(PlainUser.email), unique=True)
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    live.create()
    assert await live.problems(User=PlainUser, OAuthAccount=PlainAccount) == []


@on_those_with_lower
async def test_index_on_lower_of_another_column_does_not_keep_addresses_apart(live: Live) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    sa.Index("of_name", sa.func.lower(users.c.name), unique=True)
    live.create()
    assert codes(await live.problems()) == [("missing-lower-email-index", "user", "email")]


@on_those_with_lower
@pytest.mark.parametrize(
    "expression", ["upper(email)", "lower(email || name)", "upper(lower(email))", "lower('email')"]
)
async def test_index_on_something_else_does_not_keep_addresses_apart(
    live: Live, expression: str
) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    sa.Index("other", sa.text(expression), unique=True, _table=users)
    live.create()
    assert codes(await live.problems()) == [("missing-lower-email-index", "user", "email")]


@on_those_with_lower
@pytest.mark.parametrize("expression", ["lower(email)", "LOWER( email )", 'lower("email")'])
async def test_index_on_lower_is_known_however_it_is_written(live: Live, expression: str) -> None:
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    sa.Index("other", sa.text(expression), unique=True, _table=users)
    live.create()
    assert await live.problems() == []


@on_those_with_lower
async def test_index_on_lower_of_another_column_does_not_ask_for_the_addresses(live: Live) -> None:
    class NamedBase(DeclarativeBase):
        pass

    class NamedAccount(SQLAlchemyBaseOAuthAccountTableUUID, NamedBase):
        pass

    class NamedUser(SQLAlchemyBaseUserTableUUID, NamedBase):
        name: Mapped[str | None] = mapped_column(sa.String(20))
        oauth_accounts: Mapped[list[NamedAccount]] = relationship(NamedAccount)

    sa.Index("of_name", sa.func.lower(NamedUser.name), unique=True)
    users = live.tables["user"]
    users.indexes = {index for index in users.indexes if index.name != "ix_user_email_lower"}
    live.create()
    assert await live.problems(User=NamedUser, OAuthAccount=NamedAccount) == []


def with_unique_accounts() -> dict[str, Any]:
    class IndexedBase(DeclarativeBase):
        pass

    class IndexedAccount(SQLAlchemyBaseOAuthAccountTableUUID, IndexedBase):
        pass

    class IndexedUser(SQLAlchemyBaseUserTableUUID, IndexedBase):
        oauth_accounts: Mapped[list[IndexedAccount]] = relationship(IndexedAccount)

    unique_oauth_account_index(IndexedAccount)
    return {"User": IndexedUser, "OAuthAccount": IndexedAccount}


async def test_missing_index_on_accounts_is_reported_where_it_is_declared(live: Live) -> None:
    live.create()
    assert await live.problems() == []
    [problem] = await live.problems(**with_unique_accounts())
    assert codes([problem]) == [("missing-oauth-account-index", "oauth_account", None)]
    assert problem.found == "no unique index on oauth_name and account_id"
    live.apply(problem)
    assert await live.problems(**with_unique_accounts()) == []


async def test_constraint_keeps_accounts_apart(live: Live) -> None:
    accounts = live.tables["oauth_account"]
    accounts.append_constraint(sa.UniqueConstraint("account_id"))
    live.create()
    assert await live.problems(**with_unique_accounts()) == []


async def test_index_on_accounts_needs_their_columns(live: Live) -> None:
    accounts = live.tables["oauth_account"]
    accounts.indexes.clear()
    accounts._columns.remove(accounts.c.account_id)
    live.create()
    problems = await live.problems(**with_unique_accounts())
    assert codes(problems) == [("missing-column", "oauth_account", "account_id")]


async def test_addresses_that_differ_by_case_are_counted(live: Live) -> None:
    users = live.tables["user"]
    users.indexes.clear()
    live.create()
    live.insert("user", **user(ANNE, "Anne@example.com"))
    live.insert("user", **user(BERT, "anne@example.com"))
    live.insert("user", **user(uuid.UUID(int=3), "bert@example.com"))
    problem = (await live.problems())[-1]
    assert codes([problem]) == [("emails-differing-by-case", "user", "email")]
    assert problem.found == "1 address of several users each"
    assert "anne" not in str(problem).lower()
    live.apply(problem)


@on_mariadb
async def test_addresses_that_differ_by_more_than_case_are_not_counted(live: Live) -> None:
    live.tables["user"].indexes.clear()
    live.create()
    live.insert("user", **user(ANNE, "jose@example.com"))
    live.insert("user", **user(BERT, "josé@example.com"))
    assert codes(await live.problems()) == [("missing-email-index", "user", "email")]


async def test_orphaned_rows_are_counted_and_removed(live: Live) -> None:
    for name in ("oauth_account", "accesstoken"):
        without_foreign_keys(live.tables[name])
    live.create()
    live.insert("user", **user())
    live.insert("oauth_account", id=ANNE, **account(ANNE))
    live.insert("oauth_account", id=BERT, **account(BERT))
    live.insert("accesstoken", token="1", user_id=BERT)
    live.insert("accesstoken", token="2", user_id=BERT)
    problems = await live.problems()
    assert codes(problems) == [
        ("orphaned-rows", "oauth_account", "user_id"),
        ("orphaned-rows", "accesstoken", "user_id"),
    ]
    assert [problem.found for problem in problems] == [
        "1 row of users who are gone",
        "2 rows of users who are gone",
    ]
    for problem in problems:
        live.apply(problem)
    assert await live.problems() == []
    assert [row.user_id for row in live.rows("oauth_account")] == [ANNE]


async def test_missing_index_on_the_user_is_reported_and_created(live: Live) -> None:
    without_foreign_keys(live.tables["accesstoken"])
    live.tables["accesstoken"].indexes.clear()
    live.create()
    problems = await live.problems()
    assert codes(problems) == [("missing-user-index", "accesstoken", "user_id")]
    live.apply(problems[0])
    live.insert("user", **user())
    for token in ("1", "2"):
        live.insert("accesstoken", token=token, user_id=ANNE)
    assert await live.problems() == []


async def test_rows_without_a_user_are_not_orphaned(live: Live) -> None:
    for name in ("oauth_account", "accesstoken"):
        without_foreign_keys(live.tables[name])
        live.tables[name].c.user_id.nullable = True
    live.create()
    live.insert("user", **user())
    live.insert("oauth_account", id=ANNE, **account(None))
    live.insert("accesstoken", token="1", user_id=None)
    assert await live.problems() == []
    # Beside those of a user who is gone, they are neither counted nor removed.
    live.insert("oauth_account", id=BERT, **account(BERT))
    live.insert("accesstoken", token="2", user_id=BERT)
    problems = await live.problems()
    assert [problem.found for problem in problems] == ["1 row of users who are gone"] * 2
    for problem in problems:
        live.apply(problem)
    assert [row.id for row in live.rows("oauth_account")] == [ANNE]
    assert [row.token for row in live.rows("accesstoken")] == ["1"]


async def test_access_tokens_are_checked_without_the_user_table(live: Live) -> None:
    class OtherBase(DeclarativeBase):
        pass

    class OtherToken(SQLAlchemyBaseAccessTokenTableUUID, OtherBase):
        pass

    live.create()
    assert await live.problems(AccessToken=OtherToken) == []


async def test_user_adapter_without_oauth_accounts_checks_users(live: Live, adapter: str) -> None:
    live.create()
    live.tables["oauth_account"].drop(live.engine)
    async with live.open(adapter) as (users, _, connection):
        alone = type(users)(connection, User)
        assert await alone.check_schema() == []


async def test_bare_tables_are_checked(live: Live) -> None:
    live.create()
    accounts, tokens = OAuthAccount.__table__, AccessToken.__table__
    async with live.open("databases") as (_, _tokens, database):
        users = DatabasesUserDatabase(database, User.__table__, accounts, user_model=dict)
        assert await users.check_schema() == []
        access_tokens = DatabasesAccessTokenDatabase(database, tokens, access_token_model=dict)
        assert await access_tokens.check_schema() == []


async def test_other_kinds_of_database_are_not_checked() -> None:
    async def fetch(statement: Any) -> Any:
        raise AssertionError

    live = LiveTables(OracleDialect(), fetch)
    with pytest.raises(NotImplementedError, match="oracle"):
        await check_tokens(live, entity(AccessToken))
    error = ValueError()
    assert await error_about_values(error, live, [(entity(User), {"email": "e"})]) is None


@on_postgresql
async def test_table_in_a_schema_is_found_there(live: Live) -> None:
    class SchemaBase(DeclarativeBase):
        metadata = MetaData(schema="Auth")

    class SchemaAccount(SQLAlchemyBaseOAuthAccountTableUUID, SchemaBase):
        pass

    class SchemaUser(SQLAlchemyBaseUserTableUUID, SchemaBase):
        oauth_accounts: Mapped[list[SchemaAccount]] = relationship(SchemaAccount)

    live.create()  # of the same names, elsewhere
    with live.engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema("Auth"))
        SchemaBase.metadata.create_all(connection)
        connection.execute(sa.text('ALTER TABLE "Auth"."user" DROP COLUMN is_verified'))
    problems = await live.problems(User=SchemaUser, OAuthAccount=SchemaAccount)
    assert codes(problems) == [("missing-column", "Auth.user", "is_verified")]
    live.apply(problems[0])
    assert await live.problems(User=SchemaUser, OAuthAccount=SchemaAccount) == []
    with live.engine.begin() as connection:
        connection.execute(sa.schema.DropSchema("Auth", cascade=True))


async def test_table_is_found_on_the_search_path(
    new_database: Callable[[str], Addresses],
) -> None:
    addresses = new_database("postgresql")
    async with connected(addresses) as live:
        live.create()
        with live.engine.begin() as connection:
            connection.execute(sa.text("CREATE SCHEMA other"))
            connection.execute(sa.text('ALTER TABLE "user" SET SCHEMA other'))
            name = live.engine.url.database
            connection.execute(sa.text(f"ALTER DATABASE {name} SET search_path = public, other"))
    # It is that of connections made from now on.
    async with connected(addresses) as live:
        assert await live.problems() == []


async def test_check_leaves_the_adapter_usable(live: Live, adapter: str) -> None:
    live.create()
    async with live.open(adapter) as (users, _, _connection):
        await users.check_schema()
        created = await users.create({"email": "anne@example.com", "hashed_password": "hash"})
        assert (await users.get(created.id)).email == "anne@example.com"


@every_database_with_widths
async def test_error_names_the_column_that_is_too_narrow(live: Live, adapter: str) -> None:
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    live.insert("user", **user())
    async with live.open(adapter) as (users, _, connection):
        anne = await users.get(ANNE)
        with pytest.raises(ColumnTooNarrowError) as caught:
            await users.update(anne, {"hashed_password": HASH})
        error = caught.value
        assert (error.table, error.column, error.width, error.needed) == (
            "user",
            "hashed_password",
            72,
            97,
        )
        assert str(error) == (
            f"user.hashed_password is {_varchar(live, 72)} in the database, and the value takes "
            "97 characters. Widen the column: op.alter_column('user', 'hashed_password', "
            "type_=sa.String(length=1024), existing_type=sa.String(72), existing_nullable=False) "
            "[narrow-column: https://fastapi-users-db.readthedocs.io/1.0/schema/#narrow-column]"
        )
        # Nothing has changed, and everything works.
        assert anne.hashed_password == "hash"
        await users.update(anne, {"name": "Anne"})
        if adapter == "orm-no-commit":
            await connection.commit()
    [row] = live.rows("user")
    assert (row.hashed_password, row.name) == ("hash", "Anne")


@every_database_with_widths
async def test_error_is_also_the_backends_own(live: Live, adapter: str) -> None:
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    async with live.open(adapter) as (users, _, _connection):
        with pytest.raises(ColumnTooNarrowError) as caught:
            await users.create({"email": "anne@example.com", "hashed_password": HASH})
    names = {cls.__name__ for cls in type(caught.value).__mro__}
    if adapter == "databases":
        own = "DataError" if live.is_mariadb else "StringDataRightTruncationError"
        assert own in names
    else:
        assert isinstance(caught.value, DBAPIError)
    assert live.rows("user") == []


@every_database_with_widths
async def test_error_is_the_databases_where_its_catalogue_cannot_be_read(
    live: Live, adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(statement: Any) -> Any:
        raise PermissionError("no catalogue")

    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    async with live.open(adapter) as (users, _, _connection):
        tables = LiveTables(users._live_tables().dialect, refuse)
        monkeypatch.setattr(users, "_live_tables", lambda: tables)
        with pytest.raises(Exception, match="too long") as caught:
            await users.create({"email": "anne@example.com", "hashed_password": HASH})
        assert not isinstance(caught.value, ColumnTooNarrowError)
        assert await users.get_by_email("anne@example.com") is None


@every_database_with_widths
async def test_error_never_shows_the_value(live: Live, adapter: str) -> None:
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    async with live.open(adapter) as (users, _, _connection):
        with pytest.raises(ColumnTooNarrowError) as caught:
            await users.create({"email": "anne@example.com", "hashed_password": HASH})
    error: BaseException | None = caught.value
    while error is not None:
        assert HASH not in f"{error} {error!r}"
        assert "anne" not in f"{error} {error!r}"
        error = error.__context__


@every_database_with_widths
async def test_oauth_token_that_is_too_long_leaves_no_user(live: Live, adapter: str) -> None:
    live.tables["oauth_account"].c.access_token.type = sa.String(1024)
    live.create()
    values = {
        "email": "anne@example.com",
        "hashed_password": "hash",
        "oauth_accounts": [given(ANNE, access_token=SECRET)],
    }
    async with live.open(adapter) as (users, _, connection):
        with pytest.raises(ColumnTooNarrowError, match=r"^oauth_account\.access_token is .*1024"):
            await users.create(values)
        if adapter == "orm-no-commit":
            await connection.commit()
    assert live.rows("user") == live.rows("oauth_account") == []


@every_database_with_widths
async def test_oauth_account_with_a_token_that_is_too_long_is_not_written(
    live: Live, adapter: str
) -> None:
    live.tables["oauth_account"].c.refresh_token.type = sa.String(1024)
    live.create()
    live.insert("user", **user())
    long = given(ANNE, refresh_token=SECRET)
    async with live.open(adapter) as (users, _, _connection):
        anne = await users.get(ANNE)
        with pytest.raises(ColumnTooNarrowError):
            await users.add_oauth_account(anne, long)
        assert anne.oauth_accounts == []
        await users.add_oauth_account(anne, given(ANNE))
        [link] = anne.oauth_accounts
        with pytest.raises(ColumnTooNarrowError):
            await users.update_oauth_account(anne, link, long)
        with pytest.raises(ColumnTooNarrowError):
            await users.update(anne, {"oauth_accounts": [long]})
        assert (await users.get(ANNE)).oauth_accounts[0].refresh_token is None


@every_database_with_widths
async def test_access_token_that_is_too_long_is_named(live: Live, adapter: str) -> None:
    live.tables["accesstoken"].c.token.type = sa.String(20)
    live.create()
    live.insert("user", **user())
    async with live.open(adapter) as (_, tokens, _connection):
        with pytest.raises(ColumnTooNarrowError, match=r"^accesstoken\.token is .*20") as caught:
            await tokens.create({"token": "t" * 43, "user_id": ANNE})
        assert (caught.value.width, caught.value.needed) == (20, 43)
        token = await tokens.create({"token": "t", "user_id": ANNE})
        with pytest.raises(ColumnTooNarrowError):
            await tokens.update(token, {"token": "t" * 43})
        assert (await tokens.get_by_token("t")).user_id == ANNE


@every_database_with_widths
async def test_error_about_a_column_that_the_adapter_does_not_write_passes(
    live: Live, adapter: str
) -> None:
    live.tables["user"].append_column(
        sa.Column("copy", sa.String(72), sa.Computed("hashed_password", persisted=True))
    )
    live.create()
    async with live.open(adapter) as (users, _, _connection):
        with pytest.raises(Exception, match=r"(?i)too long") as caught:
            await users.create({"email": "anne@example.com", "hashed_password": HASH})
    assert not isinstance(caught.value, ColumnTooNarrowError)


@on_postgresql
async def test_other_errors_of_the_database_pass(live: Live, adapter: str) -> None:
    for table, column in (("user", "email"), ("accesstoken", "token")):
        division = sa.Computed(f"1 / (length({column}) - 1)", persisted=True)
        live.tables[table].append_column(sa.Column("quotient", sa.Integer, division))
    live.create()
    live.insert("user", **user())
    async with live.open(adapter) as (users, tokens, _connection):
        for write in (
            users.create({"email": "b", "hashed_password": "hash"}),
            tokens.create({"token": "t", "user_id": ANNE}),
        ):
            with pytest.raises(Exception, match="division by zero") as caught:
                await write
            assert not isinstance(caught.value, ColumnTooNarrowError)


@every_database_with_widths
async def test_login_that_renews_an_old_hash_says_what_is_wrong(live: Live, adapter: str) -> None:
    # Cheap hashes, the new one of the same length as by default.
    argon2 = Argon2Hasher(time_cost=1, memory_cost=10_000, parallelism=4)
    bcrypt = BcryptHasher(rounds=4)
    helper = PasswordHelper(PasswordHash((argon2, bcrypt)))
    live.tables["user"].c.hashed_password.type = sa.String(72)
    live.create()
    old_hash = bcrypt.hash("secret")
    live.insert("user", **user(hashed_password=old_hash))
    credentials = OAuth2PasswordRequestForm(username="anne@example.com", password="secret")
    async with live.open(adapter) as (users, _, _connection):
        with pytest.raises(ColumnTooNarrowError, match=r"hashed_password .* takes 97 characters"):
            await BaseUserManager(users, helper).authenticate(credentials)
        # The next request of the same user, and of others, finds everything as it was.
        assert (await users.get_by_email("anne@example.com")).hashed_password == old_hash
        [problem] = await users.check_schema()
    live.apply(problem)
    async with live.open(adapter) as (users, _, _connection):
        anne = await BaseUserManager(users, helper).authenticate(credentials)
        assert anne.hashed_password.startswith("$argon2")


def _varchar(live: Live, width: int) -> str:
    return f"VARCHAR({width})" if live.is_mariadb else f"CHARACTER VARYING({width})"
