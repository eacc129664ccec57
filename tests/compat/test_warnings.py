"""Warnings point at the line of the app that is to be changed."""

import linecache
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import fastapi_users_db_sqlalchemy as package
import pytest
from fastapi import Depends, FastAPI
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from sqlalchemy import Column, Integer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base

from tests.compat.apps import client
from tests.compat.models import ours

pytestmark = ours
SESSION = AsyncSession()
Base: Any = declarative_base()


class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)


class Subclass(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
    def __init__(self) -> None:
        super().__init__(SESSION, User)


class SubclassOfTheSubclass(Subclass):
    def __init__(self) -> None:
        super().__init__()


async def ask(dependency: Any) -> None:
    """Let FastAPI call a dependency for a request."""
    app = FastAPI()

    @app.get("/")
    async def route(user_db: Any = Depends(dependency)) -> str:  # noqa: B008
        return type(user_db).__name__

    async with client(app) as http:
        assert (await http.get("/")).status_code == 200


@contextmanager
def pointing_at(line: str) -> Iterator[None]:
    """Expect one warning, at a line of this file."""
    with pytest.warns(UserWarning, match="deprecated since fastapi-users-db") as caught:
        yield
    [found] = [warning for warning in caught if "fastapi-users-db" in str(warning.message)]
    assert found.filename == __file__
    assert linecache.getline(found.filename, found.lineno).strip() == line


def test_call() -> None:
    with pointing_at("SQLAlchemyUserDatabase(SESSION, User)"):
        SQLAlchemyUserDatabase(SESSION, User)


def test_constructor_of_a_subclass() -> None:
    with pointing_at("Subclass()"):
        Subclass()
    with pointing_at("SubclassOfTheSubclass()"):
        SubclassOfTheSubclass()


def test_class_statement() -> None:
    base: Any = declarative_base()

    with pointing_at("class Person(base, package.SQLAlchemyBaseUserTableUUID):"):

        class Person(base, package.SQLAlchemyBaseUserTableUUID):
            pass


def test_class_statement_of_a_class_between() -> None:
    base: Any = declarative_base()

    with pointing_at("class Mixin(package.SQLAlchemyBaseUserTableUUID):"):

        class Mixin(package.SQLAlchemyBaseUserTableUUID):
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Person(base, Mixin):
            pass


async def test_dependency() -> None:
    async def get_user_db() -> Any:
        return SQLAlchemyUserDatabase(SESSION, User)

    with pointing_at("return SQLAlchemyUserDatabase(SESSION, User)"):
        await ask(get_user_db)


async def test_dependency_that_yields() -> None:
    async def get_user_db() -> AsyncIterator[Any]:
        yield SQLAlchemyUserDatabase(SESSION, User)

    with pointing_at("yield SQLAlchemyUserDatabase(SESSION, User)"):
        await ask(get_user_db)


async def test_dependency_in_a_thread() -> None:
    def get_user_db() -> Iterator[Any]:
        yield SQLAlchemyUserDatabase(SESSION, User)

    with pointing_at("yield SQLAlchemyUserDatabase(SESSION, User)"):
        await ask(get_user_db)


async def test_dependency_that_is_a_class() -> None:
    class Dependency(SQLAlchemyUserDatabase):  # type: ignore[type-arg]
        def __init__(self) -> None:
            super().__init__(SESSION, User)

    with pointing_at("super().__init__(SESSION, User)"):
        await ask(Dependency)
