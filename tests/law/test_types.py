"""The app's types say what their columns take: enums, custom types, types of its own making."""

import enum
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Integer,
    Interval,
    Numeric,
    PickleType,
    String,
    Text,
    TypeDecorator,
    select,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    InvalidValueError,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableUUID,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT

READ_BY_BOTH = pytest.mark.parametrize("backend", BOTH, indirect=True)


class Plan(str, enum.Enum):
    FREE = "free plan"
    PAID = "paid plan"


class Word(str, enum.Enum):  # what `enum.StrEnum` is since Python 3.11
    A = "a word"
    B = "b word"

    __str__ = str.__str__


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Price:
    """A value of the app's own class."""

    def __init__(self, cents: int) -> None:
        self.cents = cents

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Price) and other.cents == self.cents

    def __hash__(self) -> int:
        return self.cents


class Cents(TypeDecorator[Price]):
    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return value.cents if isinstance(value, Price) else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Price(value)


class Lines(TypeDecorator[list[str]]):
    """Takes a list, or one string of them."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return [] if value is None else value.split("\n")


class YesNo(TypeDecorator[bool]):
    """A flag as a letter, from a database that is older than the app."""

    impl = String(1)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return "Y" if value in (True, "Y", "on") else "N"

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return value == "Y"


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    plan: Mapped[Plan] = mapped_column(Enum(Plan), default=Plan.FREE)
    word: Mapped[Word | None] = mapped_column(
        Enum(Word, values_callable=lambda kind: [member.value for member in kind], name="word")
    )
    old: Mapped[Plan] = mapped_column(
        Enum(Plan, native_enum=False, length=40, name="old"), server_default="PAID"
    )
    level: Mapped[Level | None] = mapped_column(Enum(Level))
    choice: Mapped[str | None] = mapped_column(Enum("left", "right", name="choice"))
    price: Mapped[Price | None] = mapped_column(Cents)
    lines: Mapped[list[str] | None] = mapped_column(Lines)
    is_active: Mapped[bool] = mapped_column(YesNo, default=True)


VALUES: list[dict[str, Any]] = [
    {
        "plan": Plan.PAID,
        "word": Word.B,
        "old": Plan.FREE,
        "level": Level.HIGH,
        "choice": "right",
        "price": Price(7),
        "lines": ["a", "b"],
        "is_active": True,
    },
    {
        "plan": "PAID",
        "word": "b word",
        "old": "FREE",
        "level": "HIGH",
        "choice": "right",
        "price": 7,
        "lines": "a\nb",
        "is_active": "on",
    },
]
"""The same, as what a column gives and as what else it takes."""


@READ_BY_BOTH
@pytest.mark.parametrize("given", VALUES, ids=["as-it-gives", "otherwise"])
async def test_a_column_takes_what_its_type_takes(app: App, given: dict[str, Any]) -> None:
    async with app.users(User) as users:
        created = await users.create({**ANNE, **given})
        updated = await users.create(BERT)
        await users.update(updated, given)
    async with app.users(User) as users:
        found = await users.get(created.id)

    for user in (created, updated, found):
        assert {key: getattr(user, key) for key in given} == VALUES[0]


@READ_BY_BOTH
async def test_what_is_not_given_is_what_the_type_makes_of_nothing(app: App) -> None:
    async with app.users(User) as users:
        user = await users.create(ANNE)

    assert (user.plan, user.old, user.word, user.lines) == (Plan.FREE, Plan.PAID, None, [])


async def test_what_an_enum_does_not_know_is_refused_by_it_or_by_the_database(app: App) -> None:
    async with app.users(User) as users:
        with pytest.raises((StatementError, InvalidValueError, LookupError)):
            await users.create({**ANNE, "plan": "GOLD"})
        assert await users.get_by_email(ANNE["email"]) is None


class BaseOfMore(DeclarativeBase):
    pass


class UserOfMore(SQLAlchemyBaseUserTableUUID, BaseOfMore):
    settings: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON), default=dict)
    history: Mapped[list[int]] = mapped_column(MutableList.as_mutable(PickleType), default=list)
    patience: Mapped[timedelta | None] = mapped_column(Interval)
    balance: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    # These have names of the framework's, and are the app's.
    created_at: Mapped[float | None] = mapped_column(Float)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime)
    token: Mapped[Plan | None] = mapped_column(Enum(Plan, name="token"))


@READ_BY_BOTH
async def test_types_that_are_more_than_text_and_numbers_take_theirs(app: App) -> None:
    given = {
        "settings": {"a": [1]},
        "history": [1, 2],
        "patience": timedelta(hours=1),
        "balance": 2,
        "created_at": 5,
        "expires_at": datetime(2030, 1, 1),
        "token": Plan.PAID,
    }
    async with app.users(UserOfMore) as users:
        created = await users.create({**ANNE, **given})
        updated = await users.create(BERT)
        await users.update(updated, given)
    async with app.users(UserOfMore) as users:
        found = await users.get(created.id)

    for user in (created, updated, found):
        assert {key: getattr(user, key) for key in given} == given


async def test_a_change_inside_a_mutable_value_is_written_by_the_next_update(app: App) -> None:
    async with app.users(UserOfMore) as users:
        user = await users.create(ANNE)
        user.settings["theme"] = "dark"
        user.history.append(3)
        await users.update(user, {"is_verified": True})
    async with app.users(UserOfMore) as users:
        found = await users.get(user.id)

    assert (found.settings, found.history) == ({"theme": "dark"}, [3])


class Lower(TypeDecorator[str]):
    """Keeps addresses in lower case."""

    impl = String(320)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.strip().lower()


class Number(TypeDecorator[str]):
    """A number in the database, and a word to the app: what hides how many users there are."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(str(value).removeprefix("u-"))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else f"u-{value}"


class Named(enum.Enum):
    provider = "P"
    other = "O"


class Provider(str, enum.Enum):
    PROVIDER = "provider"
    OTHER = "other"


class ByValue(TypeDecorator[Provider]):
    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Provider(value).value

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else Provider(value)


class Reversed(TypeDecorator[str]):
    """What stands for encryption."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value[::-1]

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value[::-1]


class BaseOfKeys(DeclarativeBase):
    pass


class AccountOfKeys(SQLAlchemyBaseOAuthAccountTable[int], BaseOfKeys):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(Number)
    oauth_name: Mapped[Provider] = mapped_column(ByValue)
    access_token: Mapped[str] = mapped_column(Reversed)
    expires_at: Mapped[timedelta | None] = mapped_column(Interval)


class UserOfKeys(SQLAlchemyBaseUserTable[str], BaseOfKeys):
    id: Mapped[str] = mapped_column(Number, primary_key=True)
    email: Mapped[str] = mapped_column(Lower, unique=True)
    hashed_password: Mapped[str] = mapped_column(Reversed)
    oauth_accounts: Mapped[list[AccountOfKeys]] = relationship(
        primaryjoin=lambda: UserOfKeys.id == AccountOfKeys.user_id,
        foreign_keys=[AccountOfKeys.user_id],
        lazy="joined",
        cascade="all, delete-orphan",
    )


class TokenOfKeys(SQLAlchemyBaseAccessTokenTable[str], BaseOfKeys):
    token: Mapped[str] = mapped_column(Reversed().with_variant(String(99), "mysql"), unique=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(Number)


@READ_BY_BOTH
async def test_an_id_may_be_of_a_type_of_the_apps_own(app: App) -> None:
    async with app.users(UserOfKeys) as users:
        user = await users.create({**ANNE, "id": "u-7"})
        found = await users.get("u-7")
        none = await users.get("u-8")

    assert (user.id, found.id, none) == ("u-7", "u-7", None)


@READ_BY_BOTH
async def test_an_address_and_a_hash_may_be_of_types_of_the_apps_own(app: App) -> None:
    async with app.users(UserOfKeys) as users:
        user = await users.create({**ANNE, "id": "u-7", "email": " Anne@Example.com"})
        await users.update(user, {"hashed_password": "another"})
    async with app.users(UserOfKeys) as users:
        found = await users.get_by_email("anne@example.com")

    assert (user.email, user.hashed_password) == ("anne@example.com", "another")
    assert (found.email, found.hashed_password) == ("anne@example.com", "another")


@READ_BY_BOTH
async def test_oauth_accounts_may_be_of_types_of_the_apps_own(app: App) -> None:
    async with app.users(UserOfKeys, AccountOfKeys) as users:
        user = await users.create({**ANNE, "id": "u-7"})
        await users.add_oauth_account(user, {**ACCOUNT, "expires_at": timedelta(hours=1)})
        await users.add_oauth_account(user, {**ACCOUNT, "oauth_name": Provider.OTHER})
        [first, _] = user.oauth_accounts
        await users.update_oauth_account(user, first, {"access_token": "another"})
    async with app.users(UserOfKeys, AccountOfKeys) as users:
        found = await users.get_by_oauth_account("provider", "1")

    accounts = [(a.oauth_name, a.access_token, a.expires_at) for a in found.oauth_accounts]
    assert sorted(accounts, key=lambda account: account[0].value) == [
        (Provider.OTHER, "token", None),
        (Provider.PROVIDER, "another", timedelta(hours=1)),
    ]


@READ_BY_BOTH
async def test_a_token_may_be_of_a_type_of_the_apps_own(app: App) -> None:
    async with app.tokens(TokenOfKeys) as tokens:
        token = await tokens.create({"token": "abc", "user_id": "u-7"})
        found = await tokens.get_by_token("abc")
        await tokens.update(token, {"token": "def"})
        again = await tokens.get_by_token("def", max_age=datetime(2020, 1, 1, tzinfo=timezone.utc))

    assert (found.user_id, again.id, again.token) == ("u-7", token.id, "def")


class BaseOfFlags(DeclarativeBase):
    pass


class UserOfFlags(SQLAlchemyBaseUserTable[uuid.UUID], BaseOfFlags):
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    is_active: Mapped[int] = mapped_column(Integer, default=1)
    is_superuser: Mapped[bool | None] = mapped_column(Boolean, default=None)
    hashed_password: Mapped[str | None] = mapped_column(String(100))


@READ_BY_BOTH
async def test_flags_may_be_numbers_and_a_hash_may_be_missing(app: App) -> None:
    async with app.users(UserOfFlags) as users:
        user = await users.create({"email": ANNE["email"]})
        await users.update(user, {"is_active": False, "is_superuser": None})
    async with app.users(UserOfFlags) as users:
        found = await users.get(user.id)

    assert (found.is_active, found.is_superuser, found.hashed_password) == (0, None, None)


class BaseOfEnums(DeclarativeBase):
    pass


class AccountOfEnums(SQLAlchemyBaseOAuthAccountTable[int], BaseOfEnums):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    oauth_name: Mapped[Named] = mapped_column(Enum(Named))


class UserOfEnums(SQLAlchemyBaseUserTable[int], BaseOfEnums):
    id: Mapped[int] = mapped_column(primary_key=True)
    oauth_accounts: Mapped[list[AccountOfEnums]] = relationship(lazy="joined")


@READ_BY_BOTH
async def test_a_client_that_is_a_member_is_linked_once_by_its_name(app: App) -> None:
    async with app.users(UserOfEnums, AccountOfEnums) as users:
        user = await users.create(ANNE)
        for oauth_name, access_token in ((Named.provider, "1"), ("provider", "2"), ("other", "3")):
            changes = {"oauth_name": oauth_name, "access_token": access_token}
            await users.add_oauth_account(user, {**ACCOUNT, **changes})
        found = await users.get_by_oauth_account("provider", "1")

    tokens = {account.oauth_name: account.access_token for account in found.oauth_accounts}
    assert tokens == {Named.provider: "2", Named.other: "3"}
    assert await app.number(AccountOfEnums) == 2


class Counted(Number):
    cache_ok = True

    @property
    def python_type(self) -> Any:
        """What is stored, not what the app has."""
        return int


class BaseOfCounts(DeclarativeBase):
    pass


class UserOfCounts(SQLAlchemyBaseUserTable[str], BaseOfCounts):
    id: Mapped[str] = mapped_column(Counted, primary_key=True)


@READ_BY_BOTH
async def test_a_type_of_the_apps_own_may_say_another_type_than_it_takes(app: App) -> None:
    async with app.users(UserOfCounts) as users:
        await users.create({**ANNE, "id": "u-7"})
        found = [await users.get("u-7"), await users.get(7)]

    assert [user.id for user in found] == ["u-7", "u-7"]


class BaseOfQueries(DeclarativeBase):
    pass


class Stored(SQLAlchemyBaseUserTable[int], BaseOfQueries):
    id: Mapped[int] = mapped_column(primary_key=True)


class Active(BaseOfQueries):
    """The rows of a query."""

    __table__ = select(Stored.__table__).where(Stored.__table__.c.is_active).subquery()
    __mapper_args__: ClassVar = {"primary_key": [__table__.c.id]}


async def test_a_class_may_be_mapped_to_a_query(app: App) -> None:
    async with app.users(Stored) as users:
        user = await users.create(ANNE)
        await users.create({"email": "bert@example.com", "hashed_password": "", "is_active": False})
    async with app.users(Active) as users:
        found = [await users.get(user.id), await users.get_by_email("ANNE@example.com")]
        none = await users.get_by_email("bert@example.com")

    assert ([other.id for other in found], none) == ([user.id, user.id], None)
