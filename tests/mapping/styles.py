"""User tables in every style of mapping that SQLAlchemy has."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    declarative_base,
    mapped_column,
    registry,
    relationship,
    synonym,
)
from sqlmodel import Field, Relationship, SQLModel

from fastapi_users_db import (
    GUID,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyBaseUserTableUUID,
)


@dataclass
class Style:
    """The classes of an app."""

    user: Any
    oauth_account: Any


STYLES: dict[str, Callable[[], Style]] = {}


def style(define: Callable[[], Style]) -> Callable[[], Style]:
    STYLES[define.__name__] = define
    return define


@style
def declarative_base_class() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        name: Mapped[str | None] = mapped_column(String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def declarative_base_function() -> Style:
    Base: Any = declarative_base()  # noqa: N806 - a class

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        name = Column(String(50))
        oauth_accounts = relationship("OAuthAccount")

    return Style(User, OAuthAccount)


@style
def mapped_as_dataclass_base() -> Style:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
        pass

    class User(SQLAlchemyBaseUserTableUUID, Base):
        name: Mapped[str | None] = mapped_column(String(50), default=None)
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(
            lazy="joined", default_factory=list
        )

    return Style(User, OAuthAccount)


@style
def dataclass_without_mixin() -> Style:
    class Base(MappedAsDataclass, DeclarativeBase):
        pass

    class OAuthAccount(Base):
        __tablename__ = "oauth_account"
        oauth_name: Mapped[str] = mapped_column(String(100))
        access_token: Mapped[str] = mapped_column(Text)
        account_id: Mapped[str] = mapped_column(String(320))
        account_email: Mapped[str] = mapped_column(String(320))
        user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), init=False)
        expires_at: Mapped[int | None] = mapped_column(default=None)
        refresh_token: Mapped[str | None] = mapped_column(Text, default=None)
        id: Mapped[int] = mapped_column(primary_key=True, init=False)

    class User(Base):
        __tablename__ = "user"
        email: Mapped[str] = mapped_column(String(320), unique=True)
        hashed_password: Mapped[str] = mapped_column(String(1024))
        name: Mapped[str | None] = mapped_column(String(50), default=None)
        is_active: Mapped[bool] = mapped_column(default=True)
        is_superuser: Mapped[bool] = mapped_column(default=False)
        is_verified: Mapped[bool] = mapped_column(default=False)
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="selectin", init=False)

    return Style(User, OAuthAccount)


@style
def registry_mapped_as_dataclass() -> Style:
    mapping = registry()

    @mapping.mapped_as_dataclass
    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt):
        pass

    @mapping.mapped_as_dataclass
    class User(SQLAlchemyBaseUserTableInt):
        name: Mapped[str | None] = mapped_column(String(50), default=None)
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(
            lazy="joined", default_factory=list
        )

    return Style(User, OAuthAccount)


@style
def registry_mapped() -> Style:
    mapping = registry()

    @mapping.mapped
    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt):
        pass

    @mapping.mapped
    class User(SQLAlchemyBaseUserTableInt):
        name = Column(String(50))
        oauth_accounts = relationship("OAuthAccount", lazy="joined")

    return Style(User, OAuthAccount)


@style
def imperative() -> Style:
    metadata = MetaData()
    users = Table(
        "user",
        metadata,
        Column("id", GUID, primary_key=True, default=uuid.uuid4),
        Column("email", String(320), unique=True, nullable=False),
        Column("hashed_password", String(1024), nullable=False),
        Column("is_active", Boolean, default=True, nullable=False),
        Column("is_superuser", Boolean, default=False, nullable=False),
        Column("is_verified", Boolean, default=False, nullable=False),
        Column("name", String(50)),
    )
    oauth_accounts = Table(
        "oauth_account",
        metadata,
        Column("id", GUID, primary_key=True, default=uuid.uuid4),
        Column("user_id", GUID, ForeignKey("user.id"), nullable=False),
        Column("oauth_name", String(100), nullable=False),
        Column("access_token", Text, nullable=False),
        Column("expires_at", Integer),
        Column("refresh_token", Text),
        Column("account_id", String(320), nullable=False),
        Column("account_email", String(320), nullable=False),
    )

    class OAuthAccount:
        pass

    class User:
        pass

    mapping = registry(metadata=metadata)
    mapping.map_imperatively(OAuthAccount, oauth_accounts)
    mapping.map_imperatively(
        User, users, properties={"oauth_accounts": relationship(OAuthAccount, lazy="joined")}
    )
    return Style(User, OAuthAccount)


@style
def columns_with_other_names() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(Base):
        __tablename__ = "oauth_account"
        id: Mapped[uuid.UUID] = mapped_column("pk", GUID, primary_key=True, default=uuid.uuid4)
        user_id: Mapped[uuid.UUID] = mapped_column("owner", GUID, ForeignKey("people.pk"))
        oauth_name: Mapped[str] = mapped_column("provider", String(100))
        access_token: Mapped[str] = mapped_column("token", Text)
        expires_at: Mapped[int | None] = mapped_column("expiry")
        refresh_token: Mapped[str | None] = mapped_column("refresh", Text)
        account_id: Mapped[str] = mapped_column("provider_id", String(320))
        account_email: Mapped[str] = mapped_column("provider_email", String(320))

    class User(Base):
        __tablename__ = "people"
        id: Mapped[uuid.UUID] = mapped_column("pk", GUID, primary_key=True, default=uuid.uuid4)
        email: Mapped[str] = mapped_column("email_address", String(320), unique=True)
        hashed_password: Mapped[str] = mapped_column("password", String(1024))
        is_active: Mapped[bool] = mapped_column("active", default=True)
        is_superuser: Mapped[bool] = mapped_column("superuser", default=False)
        is_verified: Mapped[bool] = mapped_column("verified", default=False)
        name: Mapped[str | None] = mapped_column("full_name", String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def id_is_a_synonym() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[int], Base):
        account_pk: Mapped[int] = mapped_column(primary_key=True)
        id: Mapped[int] = synonym("account_pk")
        user_id: Mapped[int] = mapped_column(ForeignKey("user.user_pk"))

    class User(SQLAlchemyBaseUserTable[int], Base):
        user_pk: Mapped[int] = mapped_column(primary_key=True)
        id: Mapped[int] = synonym("user_pk")
        name: Mapped[str | None] = mapped_column(String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def id_of_type_int() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
        pass

    class User(SQLAlchemyBaseUserTableInt, Base):
        name: Mapped[str | None] = mapped_column(String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def id_of_type_str() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[str], Base):
        id: Mapped[str] = mapped_column(
            String(32), primary_key=True, default=lambda: uuid.uuid4().hex
        )
        user_id: Mapped[str] = mapped_column(ForeignKey("user.id"))

    class User(SQLAlchemyBaseUserTable[str], Base):
        id: Mapped[str] = mapped_column(
            String(32), primary_key=True, default=lambda: uuid.uuid4().hex
        )
        name: Mapped[str | None] = mapped_column(String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def sqlalchemy_uuid() -> Style:
    class Base(DeclarativeBase):
        pass

    class OAuthAccount(SQLAlchemyBaseOAuthAccountTable[uuid.UUID], Base):
        id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
        user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id"))

    class User(SQLAlchemyBaseUserTable[uuid.UUID], Base):
        id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
        name: Mapped[str | None] = mapped_column(String(50))
        oauth_accounts: Mapped[list[OAuthAccount]] = relationship(lazy="joined")

    return Style(User, OAuthAccount)


@style
def sqlmodel() -> Style:
    class Base(SQLModel, registry=registry()):
        pass

    class OAuthAccount(Base, table=True):
        __tablename__ = "oauth_account"
        id: int | None = Field(default=None, primary_key=True)
        user_id: uuid.UUID = Field(foreign_key="user.id", sa_type=GUID)
        oauth_name: str = Field(max_length=100)
        access_token: str = Field(sa_type=Text)
        expires_at: int | None = None
        refresh_token: str | None = Field(default=None, sa_type=Text)
        account_id: str = Field(max_length=320)
        account_email: str = Field(max_length=320)

    class User(Base, table=True):
        __tablename__ = "user"
        id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True, sa_type=GUID)
        email: str = Field(max_length=320, unique=True)
        hashed_password: str = Field(max_length=1024)
        is_active: bool = True
        is_superuser: bool = False
        is_verified: bool = False
        name: str | None = Field(default=None, max_length=50)
        oauth_accounts: list[OAuthAccount] = Relationship(
            sa_relationship=relationship(OAuthAccount, lazy="joined")
        )

    return Style(User, OAuthAccount)
