"""`check_schema` where SQLAlchemy's `schema_translate_map` says in which schema a table is."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Index, MetaData, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, relationship
from sqlalchemy.pool import NullPool

import fastapi_users_db.types
from fastapi_users_db import (
    SchemaProblem,
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from tests.conftest import Addresses


@dataclass
class Classes:
    metadata: MetaData
    user: Any
    account: Any
    token: Any


def declare(schema: str | None) -> Classes:
    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema)

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount", lazy="joined")

    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
        pass

    return Classes(Base.metadata, User, OAuthAccount, AccessToken)


PER_TENANT = declare("tenant")
ANYWHERE = declare(None)


@dataclass
class Place:
    """A database with two schemas (on MariaDB: databases), as its engine and their names."""

    engine: AsyncEngine
    first: str
    second: str


@pytest.fixture(params=["sqlite", "postgresql", "mariadb-asyncmy"])
async def place(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses], tmp_path: Path
) -> AsyncIterator[Place]:
    addresses = new_database(request.param)
    engine = create_async_engine(addresses.orm, poolclass=NullPool)
    # Names that are quoted, and that mean something to a formatted or a parametrised statement.
    first, second = "Tenant 1", 'ten:ant"2'
    if addresses.name == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def attach(connection: Any, _: Any) -> None:
            for number, name in enumerate((first, second)):
                quoted = name.replace('"', '""')
                connection.execute(f"ATTACH '{tmp_path}/{number}.db' AS \"{quoted}\"")

    elif addresses.name == "postgresql":
        async with engine.begin() as connection:
            for name in (first, second):
                await connection.execute(sa.schema.CreateSchema(name))
    else:
        others = (new_database(request.param) for _ in range(2))
        first, second = (str(sa.make_url(other.orm).database) for other in others)
    yield Place(engine, first, second)
    await engine.dispose()


async def create(engine: AsyncEngine, metadata: MetaData) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)


async def problems(session: AsyncSession, classes: Classes) -> list[SchemaProblem]:
    users = SQLAlchemyUserDatabase(session, classes.user, classes.account)
    tokens = SQLAlchemyAccessTokenDatabase(session, classes.token)
    return [*await users.check_schema(), *await tokens.check_schema()]


async def apply(engine: AsyncEngine, problem: SchemaProblem) -> None:
    """Do what the fix says, on a connection that translates nothing."""

    def do(connection: sa.Connection) -> None:
        if problem.fix.startswith("op."):
            operations = Operations(MigrationContext.configure(connection))
            eval(problem.fix, {"op": operations, "sa": sa, "fastapi_users_db": fastapi_users_db})
        else:
            without_values = connection.execution_options(no_parameters=True)
            without_values.exec_driver_sql(problem.fix)

    async with engine.begin() as connection:
        await connection.run_sync(do)


def translating(place: Place, schemas: dict[Any, Any]) -> AsyncEngine:
    return place.engine.execution_options(schema_translate_map=schemas)


@pytest.mark.parametrize("classes", [PER_TENANT, ANYWHERE], ids=["token", "none"])
async def test_tables_are_looked_for_where_the_engine_says(place: Place, classes: Classes) -> None:
    schemas = {classes.metadata.schema: place.first}
    await create(translating(place, schemas), classes.metadata)

    async with AsyncSession(translating(place, schemas)) as session:
        assert await problems(session, classes) == []

    # Elsewhere there are none, whatever there is of the same name.
    async with AsyncSession(translating(place, {classes.metadata.schema: place.second})) as session:
        found = await problems(session, classes)
    assert [problem.code for problem in found] == ["missing-table"] * 3
    assert found[0].table == f"{place.second}.user"


async def test_tables_are_looked_for_where_the_connection_says(place: Place) -> None:
    schemas = {"tenant": place.first}
    await create(translating(place, schemas), PER_TENANT.metadata)

    async with place.engine.connect() as connection:
        await connection.execution_options(schema_translate_map=schemas)
        async with AsyncSession(connection) as session:
            assert await problems(session, PER_TENANT) == []


async def test_tables_are_looked_for_where_the_transaction_says(place: Place) -> None:
    schemas = {"tenant": place.first}
    await create(translating(place, schemas), PER_TENANT.metadata)

    async with AsyncSession(place.engine) as session:
        await session.connection(execution_options={"schema_translate_map": schemas})
        assert await problems(session, PER_TENANT) == []


async def test_schema_that_leads_to_the_default_one(place: Place) -> None:
    await create(place.engine, ANYWHERE.metadata)

    async with AsyncSession(translating(place, {"tenant": None})) as session:
        assert await problems(session, PER_TENANT) == []


async def test_schema_that_is_not_in_the_map_is_itself(place: Place) -> None:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        __table_args__ = {"schema": place.first}  # noqa: RUF012

    class User(SQLAlchemyBaseUserTableUUID, Base):
        __table_args__ = {"schema": "tenant"}  # noqa: RUF012
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship("OAuthAccount")

    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
        pass

    for table in (OAuthAccount.__table__, AccessToken.__table__):
        for constraint in list(table.foreign_key_constraints):
            table.constraints.discard(constraint)  # SQLite has none between two files
    Index("ix_token_user", AccessToken.__table__.c.user_id)  # MariaDB's is the foreign key's
    classes = Classes(Base.metadata, User, OAuthAccount, AccessToken)
    schemas = {"tenant": place.second}
    await create(translating(place, schemas), Base.metadata)

    async with AsyncSession(translating(place, schemas)) as session:
        assert await problems(session, classes) == []


async def test_problems_are_mended_where_they_are(place: Place) -> None:
    schemas = {"tenant": place.second}
    smaller = MetaData()
    for table in PER_TENANT.metadata.sorted_tables:
        copy = table.to_metadata(smaller)
        copy.indexes.clear()
        for constraint in list(copy.foreign_key_constraints):
            copy.constraints.discard(constraint)
    users = smaller.tables["tenant.user"]
    users._columns.remove(users.c.is_verified)
    engine = translating(place, schemas)
    await create(engine, smaller)
    async with engine.begin() as connection:
        token = {"token": "secret", "user_id": uuid.uuid4()}
        await connection.execute(PER_TENANT.token.__table__.insert().values(**token))

    async with AsyncSession(engine) as session:
        found = await problems(session, PER_TENANT)
    assert [(problem.code, problem.table) for problem in found] == [
        ("missing-column", f"{place.second}.user"),
        ("missing-email-index", f"{place.second}.user"),
        ("missing-user-index", f"{place.second}.accesstoken"),
        ("orphaned-rows", f"{place.second}.accesstoken"),
    ]
    assert f"a row of {place.second}.user for each" in str(found[-1])
    for problem in found:
        await apply(place.engine, problem)
    async with AsyncSession(engine) as session:
        assert await problems(session, PER_TENANT) == []


async def test_addresses_are_listed_where_they_are(place: Place) -> None:
    schemas = {"tenant": place.second}
    engine = translating(place, schemas)
    await create(engine, PER_TENANT.metadata)
    table = PER_TENANT.user.__table__
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    async with engine.begin() as connection:
        await connection.run_sync(
            next(index for index in table.indexes if index.name == "ix_tenant_user_email").drop
        )
        for email in ("anne@example.com", "Anne@example.com"):
            values = {"id": uuid.uuid4(), "email": email, "hashed_password": "hash", **flags}
            await connection.execute(table.insert().values(**values))

    async with AsyncSession(engine) as session:
        [_, problem] = await problems(session, PER_TENANT)

    assert problem.code == "emails-differing-by-case"
    await apply(place.engine, problem)


@pytest.mark.parametrize("place", ["postgresql", "mariadb-asyncmy"], indirect=True)
async def test_error_names_the_narrow_column_where_it_is(place: Place) -> None:
    engine = translating(place, {"tenant": place.first})
    narrow = MetaData()
    for table in PER_TENANT.metadata.sorted_tables:
        table.to_metadata(narrow)
    narrow.tables["tenant.user"].c.hashed_password.type = sa.String(72)
    await create(engine, narrow)

    async with AsyncSession(engine) as session:
        users = SQLAlchemyUserDatabase(session, PER_TENANT.user)
        with pytest.raises(fastapi_users_db.ColumnTooNarrowError) as caught:
            await users.create({"email": "anne@example.com", "hashed_password": "h" * 97})

    assert caught.value.table == f"{place.first}.user"
    assert f"schema={place.first!r}" in str(caught.value)
