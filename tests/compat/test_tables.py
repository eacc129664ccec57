"""Every way in which apps have declared their tables."""

import uuid
from typing import Any

import fastapi_users_db_sqlalchemy as package
import pytest
from fastapi_users_db_sqlalchemy import (
    GUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
)
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Text, inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import declarative_base, declared_attr, registry, relationship, synonym
from sqlalchemy.schema import CreateIndex, CreateTable

from tests.compat.models import (
    FASTAPI_USERS,
    SQLALCHEMY,
    OAuthUserDB,
    UserDB,
    account,
    anne,
    current_form,
    current_tables,
    databases_form,
    legacy_form,
    legacy_orm_form,
    legacy_tables,
    on_every_database,
    ours,
)

sqlalchemy_2 = pytest.mark.skipif(SQLALCHEMY < (2, 0), reason="SQLAlchemy 2.0 brought it")
# pydantic's own warnings, of what is in the nature of the mixins, and no other.
sqlmodel_warnings = pytest.mark.filterwarnings(
    "error::sqlalchemy.exc.SAWarning", "ignore:Field name", "ignore:Classes should inherit from"
)
COLUMNS = {"email", "hashed_password", "is_active", "is_superuser", "is_verified"}


def primary_key(table: Any) -> Any:
    [column] = inspect(table).primary_key
    return column


async def read_back(session: AsyncSession, *tables: Any, **values: Any) -> Any:
    """Create a user, forget it, and read it again."""
    user_db = SQLAlchemyUserDatabase(session, *tables)
    user = await user_db.create(anne(**values))
    if tables[1:]:
        await user_db.add_oauth_account(user, account())
    user_id = user.id
    session.expunge_all()
    found = await user_db.get(user_id)
    assert await user_db.get_by_email("anne@example.com") is found
    return found


@legacy_form
class TestLegacy:
    def test_brings_the_guid_id(self) -> None:
        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            pass

        assert primary_key(UserTable).name == "id"
        assert isinstance(primary_key(UserTable).type, GUID)
        assert UserTable.__tablename__ == "user"
        assert set(UserTable.__table__.c.keys()) == {"id", *COLUMNS}

    def test_either_order_of_bases(self) -> None:
        base: Any = declarative_base()

        class UserTable(SQLAlchemyBaseUserTable, base):
            pass

        assert isinstance(primary_key(UserTable).type, GUID)

    def test_oauth_accounts_bring_their_ids(self) -> None:
        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            pass

        class OAuthAccount(base, SQLAlchemyBaseOAuthAccountTable):
            pass

        assert isinstance(primary_key(OAuthAccount).type, GUID)
        assert OAuthAccount.__tablename__ == "oauth_account"
        assert isinstance(OAuthAccount.__table__.c.user_id.type, GUID)
        [foreign_key] = OAuthAccount.__table__.c.user_id.foreign_keys
        assert foreign_key.column is UserTable.__table__.c.id

    def test_two_apps_in_one_process(self) -> None:
        for _ in range(2):
            base: Any = declarative_base()

            class UserTable(base, SQLAlchemyBaseUserTable):
                pass

            assert isinstance(primary_key(UserTable).type, GUID)

    def test_columns_of_the_apps_own(self) -> None:
        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            name = Column(String(50))

        assert set(UserTable.__table__.c.keys()) == {"id", "name", *COLUMNS}

    def test_overridden_column(self) -> None:
        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            hashed_password = Column(String(2048), nullable=False)

        assert UserTable.__table__.c.hashed_password.type.length == 2048

    @pytest.mark.skipif(FASTAPI_USERS < 9, reason="FastAPI Users 9 brought access tokens")
    def test_access_tokens(self) -> None:
        from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyBaseAccessTokenTable

        base: Any = declarative_base()

        class UserTable(base, SQLAlchemyBaseUserTable):
            pass

        class AccessToken(base, SQLAlchemyBaseAccessTokenTable):
            pass

        assert primary_key(AccessToken).name == "token"
        assert isinstance(AccessToken.__table__.c.user_id.type, GUID)


@legacy_orm_form
async def test_relationship_without_lazy(session: AsyncSession, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        username = Column(String(20))
        tenant = Column(Integer)
        oauth_accounts = relationship("OAuthAccount")

    class OAuthAccount(base, SQLAlchemyBaseOAuthAccountTable):
        pass

    await create_all(base)
    user_db = SQLAlchemyUserDatabase(OAuthUserDB, session, UserTable, OAuthAccount)
    await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

    user = await user_db.get_by_oauth_account("provider", "1")

    assert [a.account_id for a in user.oauth_accounts] == ["1"]


@legacy_orm_form
@pytest.mark.parametrize("lazy", ["joined", "selectin", "select"])
async def test_legacy_relationship(lazy: str, session: AsyncSession, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        username = Column(String(20))
        tenant = Column(Integer)
        oauth_accounts = relationship("OAuthAccount", lazy=lazy)

    class OAuthAccount(base, SQLAlchemyBaseOAuthAccountTable):
        pass

    await create_all(base)
    user_db = SQLAlchemyUserDatabase(OAuthUserDB, session, UserTable, OAuthAccount)
    user = await user_db.create(OAuthUserDB(**anne(oauth_accounts=[account()])))

    assert [a.account_id for a in user.oauth_accounts] == ["1"]


@ours
async def test_plain_columns_of_an_oauth_account(session: AsyncSession, create_all: Any) -> None:
    """The models of legacy apps gave the ids, so that the tables needed no default."""
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        oauth_accounts = relationship("OAuthAccountTable")

    class OAuthAccountTable(base):
        __tablename__ = "oauth_account"
        id = Column(GUID, primary_key=True)
        user_id = Column(GUID, ForeignKey("user.id"), nullable=False)
        oauth_name = Column(String(100), nullable=False)
        access_token = Column(Text, nullable=False)
        expires_at = Column(Integer)
        refresh_token = Column(Text)
        account_id = Column(String(320), nullable=False)
        account_email = Column(String(320), nullable=False)

    await create_all(base)
    user_db = SQLAlchemyUserDatabase(OAuthUserDB, session, UserTable, OAuthAccountTable)

    user = await user_db.add_oauth_account(await user_db.create(anne()), account())

    [linked] = user.oauth_accounts
    assert isinstance(linked.id, uuid.UUID)
    assert await user_db.get(user.id) == user


@databases_form
async def test_plain_columns_databases(database: Any, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base):
        __tablename__ = "people"

        id = Column(GUID, primary_key=True)
        email = Column(String(320), unique=True)
        hashed_password = Column(String(1024))
        is_active = Column(Boolean)
        is_superuser = Column(Boolean)
        is_verified = Column(Boolean)
        username = Column(String(20))
        tenant = Column(Integer)

    await create_all(base)
    user_db = SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)
    user = await user_db.create(UserDB(**anne()))

    assert await user_db.get_by_email("ANNE@example.com") == user


@current_form
class TestCurrent:
    @on_every_database
    @pytest.mark.parametrize("mixin_first", [True, False])
    async def test_int_with_its_own_id(
        self, mixin_first: bool, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()
        bases: Any = (SQLAlchemyBaseUserTable[int], base)

        class User(*(bases if mixin_first else reversed(bases))):  # type: ignore[misc]
            id = Column(Integer, primary_key=True)

        await create_all(base)

        assert isinstance(primary_key(User).type, Integer)
        assert (await read_back(session, User)).id == 1

    @pytest.mark.parametrize(
        ("parameter", "type", "value"),
        [
            (str, String(36), "anne"),
            (uuid.UUID, GUID(), uuid.uuid4()),
            (None, Integer(), 7),
            (None, GUID(), uuid.uuid4()),
        ],
        ids=["str", "UUID", "unsubscripted int", "unsubscripted UUID"],
    )
    async def test_with_its_own_id(
        self, parameter: Any, type: Any, value: Any, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()
        mixin: Any = SQLAlchemyBaseUserTable
        if parameter is not None:
            mixin = mixin[parameter]

        class User(mixin, base):
            id = Column(type, primary_key=True)

        await create_all(base)

        assert primary_key(User).type is type
        assert (await read_back(session, User, id=value)).id == value

    async def test_own_id_below_a_mixin_of_the_apps_own(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()

        class WithID:
            id = Column(Integer, primary_key=True)

        class User(WithID, SQLAlchemyBaseUserTable, base):
            pass

        await create_all(base)

        assert (await read_back(session, User)).id == 1

    def test_type_argument_without_an_id(self) -> None:
        base: Any = declarative_base()
        with pytest.raises(ArgumentError, match=r"has no id|could not assemble any"):

            class User(SQLAlchemyBaseUserTable[int], base):
                pass

    @pytest.mark.skipif(FASTAPI_USERS < 10, reason="until then the mixin's own counted")
    async def test_own_id_in_the_declarative_base(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        class WithID:
            id = Column(Integer, primary_key=True)

        base: Any = declarative_base(cls=WithID)

        class User(SQLAlchemyBaseUserTable, base):
            pass

        await create_all(base)

        assert (await read_back(session, User)).id == 1

    async def test_own_id_declared_by_a_function(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()

        class User(SQLAlchemyBaseUserTable[int], base):
            @declared_attr
            def id(cls) -> Any:  # noqa: N805
                return Column(Integer, primary_key=True)

        await create_all(base)

        assert (await read_back(session, User)).id == 1

    async def test_primary_key_of_another_name(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()

        class User(SQLAlchemyBaseUserTable[uuid.UUID], base):
            user_id = Column(GUID, primary_key=True, default=uuid.uuid4)
            id = synonym("user_id")

        await create_all(base)

        user = await read_back(session, User)
        assert primary_key(User).name == "user_id"
        assert user.id == user.user_id

    async def test_unsubscripted_with_a_primary_key_of_another_name(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()

        class User(base, SQLAlchemyBaseUserTable):
            user_id = Column(Integer, primary_key=True)
            id = synonym("user_id")

        await create_all(base)

        assert primary_key(User).name == "user_id"
        assert (await read_back(session, User)).id == 1

    async def test_custom_tablename(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(package.SQLAlchemyBaseUserTableUUID, base):
            __tablename__ = "people"

        await create_all(base)

        assert User.__table__.name == "people"
        assert await read_back(session, User)

    async def test_declared_tablename(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class Prefixed:
            @declared_attr
            def __tablename__(cls) -> str:  # noqa: N805
                return f"app_{cls.__name__.lower()}"

        class User(Prefixed, package.SQLAlchemyBaseUserTableUUID, base):
            pass

        await create_all(base)

        assert User.__table__.name == "app_user"
        assert await read_back(session, User)

    @on_every_database
    async def test_foreign_key_of_ones_own(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(SQLAlchemyBaseUserTable[int], base):
            __tablename__ = "people"
            id = Column(Integer, primary_key=True)
            oauth_accounts = relationship("OAuthAccount", lazy="joined")

        class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[int], base):
            id = Column(Integer, primary_key=True)
            user_id = Column(Integer, ForeignKey("people.id", ondelete="cascade"), nullable=False)

        await create_all(base)

        user = await read_back(session, User, OAuthAccount)
        assert [a.user_id for a in user.oauth_accounts] == [user.id]

    async def test_declared_foreign_key_of_ones_own(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        base: Any = declarative_base()

        class User(package.SQLAlchemyBaseUserTableUUID, base):
            __tablename__ = "people"
            oauth_accounts = relationship("OAuthAccount", lazy="joined")

        class OAuthAccount(package.SQLAlchemyBaseOAuthAccountTableUUID, base):
            @declared_attr
            def user_id(cls) -> Any:  # noqa: N805
                return Column(GUID, ForeignKey("people.id", ondelete="cascade"), nullable=False)

        await create_all(base)

        user = await read_back(session, User, OAuthAccount)
        assert [a.user_id for a in user.oauth_accounts] == [user.id]

    async def test_no_mixin_at_all(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(base):
            __tablename__ = "people"

            id = Column(Integer, primary_key=True)
            email = Column(String(320), unique=True)
            hashed_password = Column(String(1024))
            is_active = Column(Boolean, default=True)
            is_superuser = Column(Boolean, default=False)
            is_verified = Column(Boolean, default=False)

        await create_all(base)

        assert (await read_back(session, User)).is_active is True

    @pytest.mark.parametrize("lazy", ["joined", "selectin"])
    async def test_relationship(self, lazy: str, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(package.SQLAlchemyBaseUserTableUUID, base):
            oauth_accounts = relationship("OAuthAccount", lazy=lazy)

        class OAuthAccount(package.SQLAlchemyBaseOAuthAccountTableUUID, base):
            pass

        await create_all(base)

        user = await read_back(session, User, OAuthAccount)
        assert [a.account_id for a in user.oauth_accounts] == ["1"]

    @on_every_database
    async def test_widened_token_columns(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(package.SQLAlchemyBaseUserTableUUID, base):
            oauth_accounts = relationship("OAuthAccount", lazy="joined")

        class OAuthAccount(package.SQLAlchemyBaseOAuthAccountTableUUID, base):
            access_token = Column(Text, nullable=False)
            refresh_token = Column(String(4096), nullable=True)

        await create_all(base)
        user_db = SQLAlchemyUserDatabase(session, User, OAuthAccount)
        user = await user_db.create(anne())
        long = account(access_token="a" * 5000, refresh_token="r" * 4096)

        user = await user_db.add_oauth_account(user, long)

        assert OAuthAccount.__table__.c.refresh_token.type.length == 4096
        assert [len(a.access_token) for a in user.oauth_accounts] == [5000]

    async def test_overridden_columns(self, session: AsyncSession, create_all: Any) -> None:
        base: Any = declarative_base()

        class User(package.SQLAlchemyBaseUserTableUUID, base):
            email = Column(String(100), unique=True, nullable=False)
            is_active = Column(Boolean, default=False, nullable=False)

        await create_all(base)

        assert (await read_back(session, User)).is_active is False

    @sqlalchemy_2
    async def test_declarative_base_class(self, session: AsyncSession, create_all: Any) -> None:
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

        class Base(DeclarativeBase):
            pass

        class User(SQLAlchemyBaseUserTable[int], Base):
            id: Mapped[int] = mapped_column(Integer, primary_key=True)
            name: Mapped[str | None]

        await create_all(Base)

        assert (await read_back(session, User, name="Anne")).name == "Anne"

    @sqlalchemy_2
    @pytest.mark.parametrize("mixin_first", [True, False])
    async def test_mapped_as_dataclass(
        self, mixin_first: bool, session: AsyncSession, create_all: Any
    ) -> None:
        from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

        class Base(MappedAsDataclass, DeclarativeBase):
            pass

        bases: Any = (SQLAlchemyBaseUserTable, Base)

        class User(*(bases if mixin_first else reversed(bases)), kw_only=True):  # type: ignore[misc]
            id: Mapped[int] = mapped_column(primary_key=True, init=False)
            name: Mapped[str] = mapped_column(default="Anne")

        await create_all(Base)

        user = await read_back(session, User)
        assert (user.id, user.name, user.is_active) == (1, "Anne", True)

    @sqlalchemy_2
    async def test_registry_mapped_as_dataclass(
        self, session: AsyncSession, create_all: Any
    ) -> None:
        from sqlalchemy.orm import Mapped, mapped_column

        reg = registry()

        @reg.mapped_as_dataclass(kw_only=True)
        class User(SQLAlchemyBaseUserTable[int]):
            id: Mapped[int] = mapped_column(primary_key=True, init=False)

        await create_all(reg)

        user = await read_back(session, User)
        assert (user.id, user.is_active) == (1, True)

    async def test_registry_mapped(self, session: AsyncSession, create_all: Any) -> None:
        reg = registry()

        @reg.mapped
        class User(package.SQLAlchemyBaseUserTableUUID):
            pass

        await create_all(reg)

        assert isinstance((await read_back(session, User)).id, uuid.UUID)

    @sqlmodel_warnings
    @pytest.mark.parametrize("mixin_first", [True, False])
    async def test_sqlmodel(
        self, mixin_first: bool, session: AsyncSession, create_all: Any
    ) -> None:
        sqlmodel = pytest.importorskip("sqlmodel")

        class Base(sqlmodel.SQLModel, registry=registry()):
            pass

        bases: Any = (package.SQLAlchemyBaseUserTableUUID, Base)

        class User(*(bases if mixin_first else reversed(bases)), table=True):  # type: ignore[misc]
            __tablename__ = "user"

            id: uuid.UUID = sqlmodel.Field(default_factory=uuid.uuid4, primary_key=True)
            email: str = sqlmodel.Field(unique=True)
            hashed_password: str
            is_active: bool = True
            is_superuser: bool = False
            is_verified: bool = False

        await create_all(Base)

        user = await read_back(session, User)
        assert isinstance(user.id, uuid.UUID)
        assert user.is_active is True

    @sqlmodel_warnings
    async def test_sqlmodel_with_an_int(self, session: AsyncSession, create_all: Any) -> None:
        sqlmodel = pytest.importorskip("sqlmodel")

        class Base(sqlmodel.SQLModel, registry=registry()):
            pass

        class User(Base, SQLAlchemyBaseUserTable[int], table=True):
            __tablename__ = "user"

            id: int | None = sqlmodel.Field(default=None, primary_key=True)
            email: str = sqlmodel.Field(unique=True)
            hashed_password: str
            is_active: bool = True
            is_superuser: bool = False
            is_verified: bool = False

        await create_all(Base)

        assert (await read_back(session, User)).id == 1

    @sqlmodel_warnings
    def test_sqlmodel_of_an_oauth_account(self) -> None:
        sqlmodel = pytest.importorskip("sqlmodel")

        class Base(sqlmodel.SQLModel, registry=registry()):
            pass

        class User(Base, package.SQLAlchemyBaseUserTableUUID, table=True):
            __tablename__ = "user"

            id: uuid.UUID = sqlmodel.Field(default_factory=uuid.uuid4, primary_key=True)

        class OAuthAccount(Base, package.SQLAlchemyBaseOAuthAccountTableUUID, table=True):
            __tablename__ = "oauth_account"

            id: uuid.UUID = sqlmodel.Field(default_factory=uuid.uuid4, primary_key=True)
            user_id: uuid.UUID = sqlmodel.Field(foreign_key="user.id")

        assert {"id", "user_id"} <= set(inspect(OAuthAccount).columns.keys())

    async def test_sqlmodel_without_the_mixin(self, session: AsyncSession, create_all: Any) -> None:
        sqlmodel = pytest.importorskip("sqlmodel")

        class Base(sqlmodel.SQLModel, registry=registry()):
            pass

        class User(Base, table=True):
            id: int | None = sqlmodel.Field(default=None, primary_key=True)
            email: str = sqlmodel.Field(unique=True)
            hashed_password: str
            is_active: bool = True
            is_superuser: bool = False
            is_verified: bool = False

        await create_all(Base)

        assert (await read_back(session, User)).id == 1


@ours
def test_either_convention_has_the_same_tables() -> None:
    # So nothing is to migrate between them. The tests of both share the tables in the database.
    def statements(base: Any) -> set[str]:
        ddl = [
            construct
            for table in base.metadata.sorted_tables
            for construct in (CreateTable(table), *map(CreateIndex, table.indexes))
        ]
        # The order of columns is that of the class.
        return {line.strip(" ,") for statement in ddl for line in str(statement).splitlines()}

    assert statements(legacy_tables().base) == statements(current_tables().base)


@ours
async def test_legacy_table_in_the_current_form(session: AsyncSession, create_all: Any) -> None:
    base: Any = declarative_base()

    class UserTable(base, SQLAlchemyBaseUserTable):
        pass

    await create_all(base)

    assert isinstance((await read_back(session, UserTable)).id, uuid.UUID)
