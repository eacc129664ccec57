"""The mixins: what they declare, and to what their foreign keys refer."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    Uuid,
    create_engine,
    insert,
    inspect,
    make_url,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, synonym

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
    unique_email_index,
    unique_oauth_account_index,
)
from tests.conftest import Addresses

SYNCHRONOUS_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mariadb-aiomysql": "mysql+pymysql",
}


@pytest.fixture
def base() -> Any:
    class Base(DeclarativeBase):
        pass

    return Base


@pytest.fixture(scope="module", params=SYNCHRONOUS_DRIVERS)
def lasting_engine(
    request: pytest.FixtureRequest, new_database: Callable[[str], Addresses]
) -> Iterator[Engine]:
    url = make_url(new_database(request.param).orm)
    engine = create_engine(url.set(drivername=SYNCHRONOUS_DRIVERS[request.param]))
    yield engine
    engine.dispose()


@pytest.fixture
def engine(lasting_engine: Engine, base: Any) -> Iterator[Engine]:
    """Drops the tables of `base` after the test."""
    yield lasting_engine
    base.metadata.drop_all(lasting_engine)


def reference(table_class: Any) -> tuple[str, str | None]:
    """Return to what `user_id` refers, by its one foreign key, and what a deletion does."""
    [foreign_key] = table_class.__table__.foreign_keys
    [constraint] = table_class.__table__.foreign_key_constraints
    assert list(constraint.elements) == [foreign_key]
    assert foreign_key.parent is table_class.__table__.c.user_id
    return foreign_key.target_fullname, foreign_key.ondelete


# What the mixins declare


def test_user_columns_are_wide_enough_for_every_hash(base: Any) -> None:
    class User(SQLAlchemyBaseUserTableUUID, base):
        pass

    columns = User.__table__.c
    assert columns.email.type.length == 320
    assert columns.hashed_password.type.length == 1024
    assert [c.name for c in columns if c.nullable] == []


def test_oauth_tokens_are_unbounded(base: Any) -> None:
    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[int], base):
        id: Mapped[int] = mapped_column(primary_key=True)

    for token in (OAuthAccount.__table__.c.access_token, OAuthAccount.__table__.c.refresh_token):
        assert type(token.type) is Text
        assert token.type.length is None


def test_default_table_names_are_those_of_upstream() -> None:
    assert SQLAlchemyBaseUserTable.__tablename__ == "user"
    assert SQLAlchemyBaseOAuthAccountTable.__tablename__ == "oauth_account"
    assert SQLAlchemyBaseAccessTokenTable.__tablename__ == "accesstoken"


# What the foreign keys follow


@pytest.mark.parametrize("user_comes", ["first", "last"])
@pytest.mark.parametrize(
    ("user_mixin", "mixin", "type_"),
    [
        (SQLAlchemyBaseUserTableUUID, SQLAlchemyBaseOAuthAccountTableUUID, GUID),
        (SQLAlchemyBaseUserTableUUID, SQLAlchemyBaseAccessTokenTableUUID, GUID),
        (SQLAlchemyBaseUserTableInt, SQLAlchemyBaseOAuthAccountTableInt, Integer),
        (SQLAlchemyBaseUserTableInt, SQLAlchemyBaseAccessTokenTableInt, Integer),
    ],
)
def test_foreign_key_follows_the_user_table(
    base: Any, user_mixin: Any, mixin: Any, type_: Any, user_comes: str
) -> None:
    def define_user() -> None:
        class User(user_mixin, base):
            __tablename__ = "people"
            __table_args__ = (CheckConstraint("email <> ''"), {"schema": "camelot"})

    if user_comes == "first":
        define_user()

    class Other(mixin, base):
        pass

    if user_comes == "last":
        define_user()

    assert reference(Other) == ("camelot.people.id", "cascade")
    assert isinstance(Other.__table__.c.user_id.type, type_)


@pytest.mark.parametrize("user_comes", ["first", "last"])
def test_foreign_key_follows_the_type_of_the_id(base: Any, user_comes: str) -> None:
    def define_user() -> None:
        class User(SQLAlchemyBaseUserTable[uuid.UUID], base):
            id: Mapped[uuid.UUID] = mapped_column("pk", Uuid, primary_key=True)

    if user_comes == "first":
        define_user()

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    if user_comes == "last":
        define_user()

    assert reference(OAuthAccount) == ("user.pk", "cascade")
    assert isinstance(OAuthAccount.__table__.c.user_id.type, Uuid)


def test_foreign_key_follows_a_table_name_that_is_computed(base: Any) -> None:
    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    class Member(SQLAlchemyBaseUserTableUUID, base):
        @declared_attr.directive
        def __tablename__(cls) -> str:  # noqa: N805 - a class
            return cls.__name__.lower()

    assert reference(OAuthAccount) == ("member.id", "cascade")


@pytest.mark.parametrize("schema", [None, "camelot"])
def test_foreign_key_refers_to_user_where_there_are_several_user_tables(schema: Any) -> None:
    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema)

    class Admin(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = "admin"

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        pass

    class Guest(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = "guest"

    assert reference(OAuthAccount) == (f"{User.__table__}.id", "cascade")


def test_foreign_key_takes_the_type_of_the_user_table_that_comes_later(base: Any) -> None:
    class Admin(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "admin"

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    assert isinstance(OAuthAccount.__table__.c.user_id.type, Integer)

    class User(SQLAlchemyBaseUserTableUUID, base):
        pass

    assert reference(OAuthAccount) == ("user.id", "cascade")
    assert isinstance(OAuthAccount.__table__.c.user_id.type, GUID)


def test_foreign_key_follows_the_table_that_others_inherit_from(base: Any) -> None:
    class Person(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "person"

    class Admin(Person):
        __tablename__ = "admin"
        id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, base):
        pass

    assert reference(OAuthAccount) == ("person.id", "cascade")


def test_user_table_with_a_primary_key_of_several_columns_is_left_to_the_app(base: Any) -> None:
    class User(SQLAlchemyBaseUserTable[int], base):
        tenant_id: Mapped[int] = mapped_column(primary_key=True)
        id: Mapped[int] = mapped_column(primary_key=True, unique=True)

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, base):
        pass

    assert reference(OAuthAccount) == ("user.id", "cascade")


def test_foreign_key_is_named_by_the_naming_convention() -> None:
    class Base(DeclarativeBase):
        metadata = MetaData(naming_convention={"fk": "fk_%(table_name)s_%(referred_table_name)s"})

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class Person(SQLAlchemyBaseUserTableUUID, Base):
        __tablename__ = "person"

    [constraint] = OAuthAccount.__table__.foreign_key_constraints
    assert constraint.name == "fk_oauth_account_person"


def test_foreign_keys_of_another_metadata_are_left_alone(base: Any) -> None:
    class OtherBase(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    class Member(SQLAlchemyBaseUserTableUUID, OtherBase):
        __tablename__ = "member"

    assert reference(OAuthAccount) == ("user.id", "cascade")


@pytest.mark.parametrize(
    "mixin", [SQLAlchemyBaseOAuthAccountTableInt, SQLAlchemyBaseOAuthAccountTableUUID]
)
def test_own_user_id_wins(base: Any, mixin: Any) -> None:
    class User(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "people"

    class Admin(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "admin"

    class Other(mixin, base):
        user_id: Mapped[int] = mapped_column(ForeignKey("admin.id", ondelete="restrict"))

    assert reference(Other) == ("admin.id", "restrict")


def test_tables_are_created_as_they_are_declared(base: Any, engine: Engine) -> None:
    class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, base):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, base):
        __tablename__ = "people"

    base.metadata.create_all(engine)

    for table in ("accesstoken", "oauth_account"):
        [foreign_key] = inspect(engine).get_foreign_keys(table)
        assert foreign_key["constrained_columns"] == ["user_id"]
        assert foreign_key["referred_table"] == "people"
        assert foreign_key["referred_columns"] == ["id"]
        assert foreign_key["options"]["ondelete"].lower() == "cascade"


# The unique index on the lower-case address


def test_unique_email_index_refuses_addresses_that_differ_by_case(
    base: Any, engine: Engine
) -> None:
    class User(SQLAlchemyBaseUserTableInt, base):
        pass

    unique_email_index(User)
    base.metadata.create_all(engine)

    with engine.begin() as connection:
        connection.execute(insert(User).values(email="arthur@camelot.bt", hashed_password=""))
    with engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(insert(User).values(email="Arthur@Camelot.bt", hashed_password=""))


def test_unique_email_index_is_not_created_on_mariadb(base: Any, engine: Engine) -> None:
    class User(SQLAlchemyBaseUserTableInt, base):
        pass

    index = unique_email_index(User)
    base.metadata.create_all(engine)

    with engine.connect() as connection:
        names = connection.exec_driver_sql(INDEX_NAMES[engine.dialect.name]).scalars().all()
    assert (index.name in names) == (engine.dialect.name != "mysql")


INDEX_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes",
    "mysql": "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()",
}


def test_unique_indexes_follow_synonyms(base: Any) -> None:
    class User(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "people"
        address: Mapped[str] = mapped_column(String(320), unique=True)
        email = synonym("address")

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, base):
        number: Mapped[str] = mapped_column(String(320))
        account_id = synonym("number")

    [lower] = unique_email_index(User).expressions
    assert str(lower) == "lower(people.address)"
    names = [column.name for column in unique_oauth_account_index(OAuthAccount).columns]
    assert names == ["oauth_name", "number"]


def test_unique_email_index_follows_the_name_of_the_column(base: Any) -> None:
    class User(SQLAlchemyBaseUserTableInt, base):
        __tablename__ = "people"
        email: Mapped[str] = mapped_column("address", String(320), unique=True)

    index = unique_email_index(User)

    assert index in User.__table__.indexes
    assert index.name == "ix_people_email_lower"
    assert [str(expression) for expression in index.expressions] == ["lower(people.address)"]
