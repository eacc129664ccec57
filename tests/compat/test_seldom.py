"""What seldom happens to the old forms, and to what stands beneath them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase, access_token
from fastapi_users_db_sqlalchemy._contracts import LEGACY_ORM
from fastapi_users_db_sqlalchemy.generics import TIMESTAMPAware
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, create_engine, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError, MultipleResultsFound
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base

import fastapi_users_db
from fastapi_users_db.adapters.rows import transaction
from fastapi_users_db.drivers import Violation
from fastapi_users_db.mapping import entity, user_entity
from fastapi_users_db.statements import is_owner_of_token
from fastapi_users_db.values import too_wide

pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
Base: Any = declarative_base()


class User(fastapi_users_db.SQLAlchemyBaseUserTableUUID, Base):
    pass


class Token(fastapi_users_db.SQLAlchemyBaseAccessTokenTableUUID, Base):
    pass


class Signed(fastapi_users_db.SQLAlchemyBaseAccessTokenTableInt, Base):
    __tablename__ = "signed"
    user_id = Column(Integer, ForeignKey("user.id"))
    signer_id = Column(Integer, ForeignKey("user.id"))


class Model(BaseModel):
    if pydantic.VERSION.startswith("1."):

        class Config:
            orm_mode = True
    else:
        model_config = {"from_attributes": True}

    email: str = ""
    token: str = ""


@pytest.fixture
async def session() -> Any:
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as connection:
        await connection.run_sync(
            lambda sync: Base.metadata.create_all(sync, [User.__table__, Token.__table__])
        )
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


async def test_of_several_a_legacy_form_takes_the_first(session: AsyncSession) -> None:
    users: Any = fastapi_users_db.SQLAlchemyUserDatabase(session, User)
    tokens: Any = fastapi_users_db.SQLAlchemyAccessTokenDatabase(session, Token)
    for name in ("anne", "bert"):
        user = await users.create({"email": f"{name}@example.com", "hashed_password": "hash"})
        await tokens.create({"token": name, "user_id": user.id})
    legacy: Any = SQLAlchemyUserDatabase(Model, session, User)
    assert (await legacy._get_user(select(User).order_by(User.email))).email == "anne@example.com"
    old = access_token.SQLAlchemyAccessTokenDatabase
    legacy = old(Model, session, Token)
    assert (await legacy._get_token(select(Token).order_by(Token.token))).token == "anne"
    with pytest.raises(MultipleResultsFound):
        await old(session, Token)._get_token(select(Token))
    with pytest.raises(MultipleResultsFound):
        await SQLAlchemyUserDatabase(session, User)._get_user(select(User))
    with pytest.raises(IntegrityError):
        await tokens.update(await tokens.get_by_token("anne"), {"token": "bert"})


async def test_a_look_alike_is_not_the_first(session: AsyncSession) -> None:
    found = [SimpleNamespace(email="änne@example.com", id=1)]

    class Alike(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
        async def _get_user(self, statement: Any) -> Any:
            return found.pop() if found else None

    assert await Alike(Model, session, User).get_by_email("anne@example.com") is None


def test_an_attribute_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        LEGACY_ORM.entity(Token).checked({"nonsense": 1})


def test_a_naive_time_stays_naive_on_postgresql() -> None:
    dialect: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
    moment: Any = object()
    assert TIMESTAMPAware().process_result_value(moment, dialect) is moment


async def test_a_wrapper_without_transactions_has_none() -> None:
    wrapper: Any = SimpleNamespace()
    async with transaction(wrapper, atomic=True):
        pass


def test_of_two_references_the_owners_is_told_by_name(session: AsyncSession) -> None:
    tokens: Any = fastapi_users_db.SQLAlchemyAccessTokenDatabase(session, Signed)
    assert tokens._is_about_owner(Violation("reference", frozenset({"user_id"})))
    assert not tokens._is_about_owner(Violation("reference", frozenset({"signer_id"})))


def test_ids_of_two_types_are_compared_by_python() -> None:
    assert is_owner_of_token(user_entity(User), entity(Signed)) is None


def test_ids_that_sqlite_cannot_count_are_not_counted() -> None:
    base: Any = declarative_base()

    class Large(fastapi_users_db.SQLAlchemyBaseUserTableInt, base):  # type: ignore[misc]
        id = Column(BigInteger, primary_key=True)

    assert "sqlite_autoincrement" not in [*Large.__table__.kwargs]


def test_a_number_that_fits_is_not_too_wide() -> None:
    assert too_wide("User.age", Column("age", Integer), 5) is None


class Wrapper:
    """A wrapper of the app's own round a database, with what it calls and nothing else."""

    def __init__(self, database: Any) -> None:
        self.fetch_one, self.fetch_all = database.fetch_one, database.fetch_all
        self.execute = database.execute


async def test_a_token_is_created_through_a_wrapper(tmp_path: Path) -> None:
    databases = pytest.importorskip("databases")
    path = tmp_path / "wrapped.db"
    engine = create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine, [User.__table__, Token.__table__])
    async with databases.Database(f"sqlite:///{path}") as database:
        wrapper: Any = Wrapper(database)
        users: Any = fastapi_users_db.DatabasesUserDatabase(wrapper, User, retries=1)
        tokens: Any = fastapi_users_db.DatabasesAccessTokenDatabase(wrapper, Token)
        user = await users.create({"email": "anne@example.com", "hashed_password": "hash"})
        await tokens.create({"token": "anne", "user_id": user.id})
        assert (await tokens.get_by_token("anne")).user_id == user.id


class OverEngine:
    """A wrapper of the app's own that has an engine of SQLAlchemy's in place of a database."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    async def execute(self, query: Any, values: Any = None) -> None:
        with self._engine.begin() as connection:
            connection.execute(query, values or {})

    async def fetch_all(self, query: Any) -> Any:
        with self._engine.begin() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    async def fetch_one(self, query: Any) -> Any:
        return next(iter(await self.fetch_all(query)), None)


async def test_a_wrapper_may_execute_by_sqlalchemy_itself(tmp_path: Path) -> None:
    pytest.importorskip("databases")
    engine = create_engine(f"sqlite:///{tmp_path / 'engine.db'}")
    Base.metadata.create_all(engine, [User.__table__])
    users: Any = fastapi_users_db.DatabasesUserDatabase(OverEngine(engine), User)
    user = await users.create({"email": "anne@example.com", "hashed_password": "hash"})
    await users.update(user, {"is_verified": True})
    found = await users.get_by_email("ANNE@example.com")
    await users.delete(user)

    assert (found.id, found.is_verified) == (user.id, True)
    assert await users.get(user.id) is None
