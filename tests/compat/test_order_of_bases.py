"""Which `id` counts where the app's declarative base brings one and the mixin another.

Before FastAPI Users 10 Python's order of attributes decides, as it did with upstream's releases 1
to 3; since then the base's counts, as upstream's mixins have none.
"""

import uuid
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import (
    GUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from sqlalchemy import Column, Integer, String, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base, declared_attr, relationship

from tests.compat.models import FASTAPI_USERS, SQLALCHEMY, UPSTREAM, account, anne, ours

MIXINS = [SQLAlchemyBaseUserTable, SQLAlchemyBaseOAuthAccountTable]
every_mixin = pytest.mark.parametrize("mixin", MIXINS)
until_10 = pytest.mark.skipif(FASTAPI_USERS >= 10, reason="since 10 the app's id counts")


class WithID:
    id = Column(Integer, primary_key=True)


class WithDeclaredID:
    @declared_attr
    def id(cls):  # type: ignore[no-untyped-def]  # noqa: N805
        return Column(Integer, primary_key=True)


@pytest.fixture(autouse=True)
def every_line_warns_again(monkeypatch: pytest.MonkeyPatch) -> None:
    if UPSTREAM is None:
        from fastapi_users_db import deprecation

        monkeypatch.setattr(deprecation, "_warned", set())


@pytest.fixture(params=["before 10", "since 10"])
def mixin_counts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Act as if FastAPI Users were of one time, then of the other."""
    from fastapi_users_db.versions import fastapi_users

    is_before_10: bool = request.param == "before 10"
    monkeypatch.setattr(fastapi_users, "USERS_ARE_MODELS", is_before_10)
    return is_before_10


def id_type(cls: Any) -> type[Any]:
    return type(inspect(cls).local_table.c.id.type)


@ours
@every_mixin
@pytest.mark.parametrize("with_id", [WithID, WithDeclaredID])
def test_mixin_first(mixin: Any, with_id: Any, mixin_counts: bool) -> None:
    base: Any = declarative_base(cls=with_id)

    class Mapped(mixin, base):
        pass

    assert id_type(Mapped) is (GUID if mixin_counts else Integer)


@ours
@every_mixin
@pytest.mark.parametrize("with_id", [WithID, WithDeclaredID])
def test_base_first(mixin: Any, with_id: Any, mixin_counts: bool) -> None:
    base: Any = declarative_base(cls=with_id)

    class Mapped(base, mixin):
        pass

    assert id_type(Mapped) is Integer


@ours
@every_mixin
@pytest.mark.skipif(SQLALCHEMY < (2, 0), reason="SQLAlchemy 2.0 brought it")
def test_mixin_before_a_declarative_base_class(mixin: Any, mixin_counts: bool) -> None:
    from sqlalchemy.orm import DeclarativeBase

    class Base(DeclarativeBase):
        id = Column(Integer, primary_key=True)

    class Mapped(mixin, Base):
        pass

    assert id_type(Mapped) is (GUID if mixin_counts else Integer)


@ours
@every_mixin
def test_own_id_counts_before_any_other(mixin: Any, mixin_counts: bool) -> None:
    base: Any = declarative_base(cls=WithID)

    class Mapped(mixin, base):
        id = Column(Integer, primary_key=True)

    assert id_type(Mapped) is Integer


@ours
def test_mixin_for_uuids_counts_where_it_comes_first(mixin_counts: bool) -> None:
    base: Any = declarative_base(cls=WithID)

    class User(SQLAlchemyBaseUserTableUUID, base):
        pass

    assert id_type(User) is GUID


@ours
def test_id_that_is_no_column_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastapi_users_db.versions import fastapi_users

    class WithProperty:
        number = Column(Integer, primary_key=True)

        @property
        def id(self) -> Any:
            return self.number

    monkeypatch.setattr(fastapi_users, "USERS_ARE_MODELS", False)
    base: Any = declarative_base(cls=WithProperty)

    class User(SQLAlchemyBaseUserTable, base):  # type: ignore[type-arg]
        pass

    assert User(number=7).id == 7


@until_10
async def test_users_of_such_a_class(session: AsyncSession, create_all: Any) -> None:
    from tests.compat.models import OAuthUserDB

    base: Any = declarative_base(cls=WithID)

    class UserTable(SQLAlchemyBaseUserTable, base):  # type: ignore[type-arg]
        username = Column(String(20))
        tenant = Column(Integer)
        oauth_accounts = relationship("OAuthAccountTable")

    class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, base):  # type: ignore[type-arg]
        pass

    await create_all(base)
    user_db: Any = SQLAlchemyUserDatabase(OAuthUserDB, session, UserTable, OAuthAccountTable)

    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

    assert isinstance(user.id, uuid.UUID)
    assert await user_db.get(user.id) == user


@ours
@every_mixin
def test_warning_names_what_keeps_the_ids(mixin: Any, mixin_counts: bool) -> None:
    base: Any = declarative_base(cls=WithID)

    with pytest.warns(UserWarning, match="deprecated since fastapi-users-db") as caught:

        class Mapped(mixin, base):
            user_id = Column(Integer)

    [message] = [str(warning.message) for warning in caught]
    if mixin_counts:
        statement = f"class Mapped(fastapi_users_db.{mixin.__name__}UUID, Base)"
        assert "A table class that declares no `id`, and so gets" in message
        assert f"{statement}, before you upgrade to FastAPI Users 10 [" in message
    else:
        assert f"from fastapi_users_db import {mixin.__name__}, with any FastAPI Users [" in message


@ours
def test_warning_says_all_that_the_class_lacks(mixin_counts: bool) -> None:
    base: Any = declarative_base()

    with pytest.warns(UserWarning, match="declares no `id` and no `user_id`, and so gets UUIDs"):

        class OAuthAccount(SQLAlchemyBaseOAuthAccountTable, base):  # type: ignore[type-arg]
            pass


@ours
def test_warning_of_a_class_that_lacks_the_reference_alone(mixin_counts: bool) -> None:
    base: Any = declarative_base()

    with pytest.warns(UserWarning, match="declares no `user_id`, and so gets UUIDs unasked"):

        class OAuthAccount(SQLAlchemyBaseOAuthAccountTable, base):  # type: ignore[type-arg]
            id = Column(Integer, primary_key=True)
