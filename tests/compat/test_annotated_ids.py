"""Ids and references that an app declares as SQLAlchemy 2 has it: by an annotation.

They count as any other of the app's own, whether there is a value beside the annotation or not, and
wherever they stand: in the class, in a mixin of the app's, in its declarative base.
"""

import uuid
from collections.abc import Callable
from typing import Annotated, Any

import pytest

from tests.compat.models import FASTAPI_USERS, SQLALCHEMY, ours

if SQLALCHEMY < (2, 0):
    pytest.skip("SQLAlchemy 2.0 brought annotations", allow_module_level=True)
if FASTAPI_USERS < 10:
    pytest.skip("until 10 the mixin's id counts", allow_module_level=True)

from fastapi_users_db_sqlalchemy import (
    GUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
)
from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyBaseAccessTokenTable
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Table, inspect
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    declared_attr,
    mapped_column,
)

key = Annotated[int, mapped_column(primary_key=True)]
reference = Annotated[int, mapped_column(ForeignKey("user.id"))]


USER_COLUMNS = ["email", "hashed_password", "is_active", "is_superuser", "is_verified"]


class WithValue:
    id: Mapped[int] = mapped_column(primary_key=True)


class WithType:
    id: Mapped[int] = mapped_column(Integer, primary_key=True)


class WithAnnotationAlone:
    id: Mapped[key]


class WithTextAlone:
    id: "Mapped[key]"


class WithMethod:
    @declared_attr
    def id(cls) -> Mapped[int]:  # noqa: N805
        return mapped_column(primary_key=True)


class WithUserID:
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class WithUserIDAlone:
    user_id: Mapped[reference]


WITH_ID = [WithValue, WithType, WithAnnotationAlone, WithTextAlone, WithMethod]


def base_of(*mixins: type[Any], **attributes: Any) -> Any:
    """Return a declarative base of its own."""
    return type(DeclarativeBase)(
        "Base", (*mixins, DeclarativeBase), {"metadata": MetaData(), **attributes}
    )


def of_the_base(with_id: type[Any]) -> Any:
    return base_of(with_id)


def of_an_abstract_class(with_id: type[Any]) -> Any:
    class Abstract(with_id, base_of()):  # type: ignore[misc]
        __abstract__ = True

    return Abstract


def of_what_the_base_follows(with_id: type[Any]) -> Any:
    class Abstract(base_of(AsyncAttrs), with_id):  # type: ignore[misc]
        __abstract__ = True

    return Abstract


def table_of(cls: Any) -> Table:
    table: Table = inspect(cls).local_table
    return table


@pytest.mark.parametrize("mixin", [SQLAlchemyBaseUserTable, SQLAlchemyBaseUserTable[int]])
@pytest.mark.parametrize("with_id", WITH_ID)
@pytest.mark.parametrize("place", [of_the_base, of_an_abstract_class, of_what_the_base_follows])
@pytest.mark.parametrize("mixin_first", [True, False])
def test_id_of_the_base(
    mixin: Any, with_id: type[Any], place: Callable[[type[Any]], Any], mixin_first: bool
) -> None:
    base = place(with_id)

    if mixin_first:

        class User(mixin, base):
            pass
    else:

        class User(base, mixin):  # type: ignore[no-redef]
            pass

    assert isinstance(table_of(User).c.id.type, Integer)
    assert list(table_of(User).primary_key) == [table_of(User).c.id]


@pytest.mark.parametrize("mixin", [SQLAlchemyBaseUserTable, SQLAlchemyBaseUserTable[int]])
def test_id_that_the_class_has_only_annotated(mixin: Any) -> None:
    base = base_of()

    class User(mixin, base):
        id: Mapped[key]

    class Text(mixin, base):
        __tablename__ = "text"
        id: "Mapped[key]"

    for cls in (User, Text):
        assert isinstance(table_of(cls).c.id.type, Integer)
        assert list(table_of(cls).primary_key) == [table_of(cls).c.id]


def test_type_is_the_one_that_the_base_names_for_the_annotation() -> None:
    base = base_of(WithValue, type_annotation_map={int: BigInteger})

    class User(SQLAlchemyBaseUserTable[int], base):  # type: ignore[misc]
        pass

    assert isinstance(table_of(User).c.id.type, BigInteger)


def test_id_of_a_dataclass() -> None:
    class Base(MappedAsDataclass, base_of()):  # type: ignore[misc]
        __abstract__ = True
        id: Mapped[int] = mapped_column(primary_key=True, init=False)

    class User(SQLAlchemyBaseUserTable[int], Base):
        name: Mapped[str | None] = mapped_column(default=None)

    assert isinstance(table_of(User).c.id.type, Integer)
    assert User(name="Ada").name == "Ada"  # type: ignore[call-arg]


@pytest.mark.parametrize("with_id", WITH_ID)
def test_id_of_a_class_between(with_id: type[Any]) -> None:
    class AppUser(SQLAlchemyBaseUserTable[int], with_id):  # type: ignore[misc, valid-type]
        pass

    class User(AppUser, base_of()):  # type: ignore[misc]
        pass

    assert isinstance(table_of(User).c.id.type, Integer)


@pytest.mark.parametrize("with_user_id", [WithUserID, WithUserIDAlone])
@pytest.mark.parametrize("mixin_first", [True, False])
@pytest.mark.parametrize(
    "mixin", [SQLAlchemyBaseOAuthAccountTable[int], SQLAlchemyBaseAccessTokenTable[int]]
)
def test_reference_of_a_mixin(mixin: Any, with_user_id: type[Any], mixin_first: bool) -> None:
    base = base_of(WithValue)

    if mixin_first:

        class Row(mixin, with_user_id, base):  # type: ignore[misc, valid-type]
            pass
    else:

        class Row(with_user_id, mixin, base):  # type: ignore[misc, no-redef, valid-type]
            pass

    column = table_of(Row).c.user_id
    assert not column.nullable
    assert [foreign_key.target_fullname for foreign_key in column.foreign_keys] == ["user.id"]


@pytest.mark.parametrize(
    "mixin", [SQLAlchemyBaseOAuthAccountTable[int], SQLAlchemyBaseAccessTokenTable[int]]
)
def test_reference_that_the_class_has_only_annotated(mixin: Any) -> None:
    class Row(mixin, base_of(WithValue)):  # type: ignore[misc]
        user_id: Mapped[reference]

    column = table_of(Row).c.user_id
    assert not column.nullable
    assert [foreign_key.target_fullname for foreign_key in column.foreign_keys] == ["user.id"]


def test_table_of_the_apps_own_has_its_own_id() -> None:
    base = base_of()
    columns = [Column("id", GUID, primary_key=True), *map(Column, USER_COLUMNS)]

    class User(SQLAlchemyBaseUserTableUUID, base):  # type: ignore[misc]
        __table__ = Table("user", base.metadata, *columns)

    assert inspect(User).column_attrs.keys() == ["id", *USER_COLUMNS]


@ours
def test_annotation_that_maps_nothing_does_not_count() -> None:
    class Template:
        id: Any

    class User(SQLAlchemyBaseUserTable, base_of(Template)):  # type: ignore[misc, type-arg]
        pass

    assert table_of(User).c.id.type.python_type is uuid.UUID
