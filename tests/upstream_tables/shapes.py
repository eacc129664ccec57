"""Shapes of an app's tables, made of whatever is installed under the old import name.

Run as a program, this writes their DDL. Upstream's releases run it in environments of their own, so
it needs nothing but them.
"""

import json
import sys
from importlib import import_module
from types import new_class
from typing import Any

import fastapi_users.db  # noqa: F401  # before the next line: upstream depends on this order
import fastapi_users_db_sqlalchemy as package
from sqlalchemy import Column, ForeignKey, Integer, MetaData
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import declarative_base, declared_attr
from sqlalchemy.schema import CreateIndex, CreateTable

DIALECTS: dict[str, Any] = {"sqlite": sqlite, "postgresql": postgresql, "mariadb": mysql}
CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
USER, OAUTH_ACCOUNT, ACCESS_TOKEN = "User", "OAuthAccount", "AccessToken"


class WithID:
    """What the declarative base of some apps brings to every table."""

    id = Column(Integer, primary_key=True)


class WithUserID:
    """What an app brings to every table that belongs to a user."""

    @declared_attr
    def user_id(cls):  # type: ignore[no-untyped-def]  # noqa: N805
        return Column(Integer, ForeignKey("user.id", ondelete="cascade"), nullable=False)


def mixin(kind: str, suffix: str = "") -> Any:
    """Return a mixin of the package."""
    in_package = kind != ACCESS_TOKEN
    module = package if in_package else import_module(f"{package.__name__}.access_token")
    return getattr(module, f"SQLAlchemyBase{kind}Table{suffix}")


def has_access_tokens() -> bool:
    """Tell whether the release has access tokens: all but the first do."""
    try:
        return mixin(ACCESS_TOKEN) is not None
    except ImportError:
        return False


def declare(name: str, *bases: Any, **attributes: Any) -> Any:
    """Declare a class, as a class statement does."""
    attributes["__module__"] = __name__
    return new_class(name, bases, exec_body=lambda body: body.update(attributes))


def plain(base: Any, suffix: str = "", *, mixin_first: bool = True) -> None:
    """Declare the classes with nothing but a mixin each."""
    kinds = [USER, OAUTH_ACCOUNT]
    if has_access_tokens() and not hasattr(base, "id"):
        kinds.append(ACCESS_TOKEN)
    for kind in kinds:
        bases = (mixin(kind, suffix), base)
        declare(kind, *(bases if mixin_first else reversed(bases)))


def inheriting(base: Any, suffix: str = "") -> None:
    """Declare a user class with a subclass that has a table of its own, and one that has none."""
    user = declare(USER, mixin(USER, suffix), base)
    reference = Column(ForeignKey("user.id"), primary_key=True)
    declare("Admin", user, __tablename__="admin", id=reference)
    declare("Guest", user)


def integers(base: Any) -> None:
    """Declare them as FastAPI Users documents it for ids that are no UUIDs."""
    declare(USER, mixin(USER)[int], base, id=Column(Integer, primary_key=True))
    own = {"id": Column(Integer, primary_key=True), "user_id": WithUserID.__dict__["user_id"]}
    declare(OAUTH_ACCOUNT, mixin(OAUTH_ACCOUNT)[int], base, **own)
    declare(ACCESS_TOKEN, mixin(ACCESS_TOKEN)[int], base, user_id=own["user_id"])


def without_user_id(base: Any) -> None:
    """Declare them as `integers`, but for `user_id`: no mixin without a suffix has one."""
    id_ = Column(Integer, primary_key=True)
    declare(OAUTH_ACCOUNT, mixin(OAUTH_ACCOUNT)[int], base, id=id_)
    declare(ACCESS_TOKEN, mixin(ACCESS_TOKEN)[int], base)


def ids_of_the_app(base: Any) -> None:
    """Declare them with ids and `user_id` from classes that come after the mixins."""
    declare(USER, mixin(USER), base)
    declare(OAUTH_ACCOUNT, mixin(OAUTH_ACCOUNT), WithUserID, base)


def shapes(*, uuids_are_asked_for: bool) -> dict[str, MetaData]:
    """Declare the shapes of a release, and return their `MetaData` by name.

    Parameters:
        uuids_are_asked_for: whether it has mixins whose names end in UUID, as those from 4 on.
    """
    bases: dict[str, Any] = {}

    def base(shape: str, cls: type[Any] = object, **options: Any) -> Any:
        bases[shape] = declarative_base(cls=cls, metadata=MetaData(**options))
        return bases[shape]

    suffix = "UUID" if uuids_are_asked_for else ""
    plain(base("mixin first"), suffix)
    plain(base("base first"), suffix, mixin_first=False)
    plain(base("naming convention", naming_convention=CONVENTION), suffix)
    plain(base("id in the base, mixin first", WithID), suffix)
    plain(base("id in the base, base first", WithID), suffix, mixin_first=False)
    inheriting(base("inheritance"), suffix)
    if uuids_are_asked_for:
        integers(base("integers"))
        without_user_id(base("without user_id"))
        ids_of_the_app(base("id in the base, no UUID asked for", WithID))
    return {shape: base.metadata for shape, base in bases.items()}


def ddl(metadata: MetaData, dialect: str) -> list[str]:
    """Return the statements that create the tables of a `MetaData`, columns sorted.

    Which column comes first is SQLAlchemy's choice, another one in each of its versions.
    """
    options = {"dialect": DIALECTS[dialect].dialect()}
    statements: list[str] = []
    for table in sorted(metadata.tables.values(), key=lambda table: str(table.name)):
        first, *columns, _ = str(CreateTable(table).compile(**options)).strip().splitlines()
        lines = sorted(column.strip(" \t,") for column in columns)
        statements.append(f"{first}{', '.join(lines)})")
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements += [str(CreateIndex(index).compile(**options)) for index in indexes]
    return statements


def ddl_of_shapes(*, uuids_are_asked_for: bool) -> dict[str, dict[str, list[str]]]:
    """Return the DDL of the shapes of a release: by shape, by database."""
    return {
        shape: {dialect: ddl(metadata, dialect) for dialect in DIALECTS}
        for shape, metadata in shapes(uuids_are_asked_for=uuids_are_asked_for).items()
    }


if __name__ == "__main__":
    has_uuids = hasattr(package, "SQLAlchemyBaseUserTableUUID")
    sys.stdout.write(json.dumps(ddl_of_shapes(uuids_are_asked_for=has_uuids)))
