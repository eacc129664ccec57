"""Type parameters, in any number and of any kind: nothing may raise."""

import uuid
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, Generic, Optional, TypeVar, get_type_hints

import pytest
from fastapi import Depends
from fastapi_users.db import BaseUserDatabase
from fastapi_users_db_sqlalchemy import GUID, SQLAlchemyUserDatabase
from sqlalchemy.ext.asyncio import AsyncSession

from tests.compat.models import UserDB, anne, current_form, legacy_form, ours

UP = TypeVar("UP")
ID = TypeVar("ID")


class User:
    pass


orm = SimpleNamespace(User=User)
two_parameters = pytest.mark.parametrize(
    "parameters",
    [(User, uuid.UUID), (User, int), (User, str), (int, User), (orm.User, GUID), (Any, Any)],
    ids=str,
)


@current_form
@two_parameters
def test_two_parameters(parameters: Any) -> None:
    annotation = SQLAlchemyUserDatabase[parameters]

    assert annotation.__args__ == parameters


@legacy_form
@pytest.mark.parametrize("parameter", [UserDB, Any, "UserDB"], ids=str)
def test_one_parameter(parameter: Any) -> None:
    assert SQLAlchemyUserDatabase[parameter].__origin__ is SQLAlchemyUserDatabase


@ours
def test_one_and_two_parameters_on_the_same_stack() -> None:
    assert SQLAlchemyUserDatabase[UserDB] != SQLAlchemyUserDatabase[UserDB, int]


@current_form
@two_parameters
def test_base_class_with_two_parameters(parameters: Any) -> None:
    class UserDatabase(SQLAlchemyUserDatabase[parameters]):
        pass

    assert issubclass(UserDatabase, SQLAlchemyUserDatabase)


@legacy_form
def test_base_class_with_one_parameter() -> None:
    class UserDatabase(SQLAlchemyUserDatabase[UserDB]):
        pass

    assert issubclass(UserDatabase, SQLAlchemyUserDatabase)


@legacy_form
def test_generic_subclass_with_one_parameter() -> None:
    class UserDatabase(SQLAlchemyUserDatabase[UP], Generic[UP]):
        pass

    assert UserDatabase[UserDB].__args__ == (UserDB,)


@current_form
def test_generic_subclass_with_two_parameters() -> None:
    class UserDatabase(SQLAlchemyUserDatabase[UP, ID], Generic[UP, ID]):
        pass

    assert UserDatabase[User, int].__args__ == (User, int)


@current_form
def test_generic_subclass_without_naming_generic() -> None:
    class UserDatabase(SQLAlchemyUserDatabase[UP, ID]):
        pass

    assert UserDatabase[User, int].__args__ == (User, int)


@current_form
async def test_parametrised_subclass_builds(
    session: AsyncSession, current: SimpleNamespace
) -> None:
    class UserDatabase(SQLAlchemyUserDatabase[UP, ID], Generic[UP, ID]):
        pass

    user_db = UserDatabase[current.User, uuid.UUID](session, current.User)

    assert (await user_db.create(anne())).email == "anne@example.com"


@current_form
def test_annotation_of_a_dependency() -> None:
    async def get_user_db() -> AsyncIterator[SQLAlchemyUserDatabase[User, uuid.UUID]]:
        yield SQLAlchemyUserDatabase(None, User)

    async def get_user_manager(
        user_db: SQLAlchemyUserDatabase[User, uuid.UUID] = Depends(get_user_db),  # noqa: B008
    ) -> None:
        pass

    assert get_type_hints(get_user_manager)["user_db"].__origin__ is SQLAlchemyUserDatabase


def test_union_with_none() -> None:
    assert Optional[SQLAlchemyUserDatabase]
    assert SQLAlchemyUserDatabase | None


def test_subclass_of_fastapi_users_base() -> None:
    assert issubclass(SQLAlchemyUserDatabase, BaseUserDatabase)
