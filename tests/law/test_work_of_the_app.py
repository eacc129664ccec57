"""What the app has done in its session, and its listeners do, is done as with upstream."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import DDL, JSON, FetchedValue, ForeignKey, event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.orm.exc import StaleDataError

from fastapi_users_db import (
    SQLAlchemyAccessTokenDatabase,
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseUserTable,
    SQLAlchemyUserDatabase,
    UserAlreadyExistsError,
    UserNotFoundError,
)
from tests.law.conftest import BOTH, App
from tests.people import ACCOUNT, ANNE, BERT


class Base(DeclarativeBase):
    pass


class Account(SQLAlchemyBaseOAuthAccountTable[int], Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    scopes: Mapped[list["Scope"]] = relationship(cascade="all, delete-orphan")


class Scope(Base):
    __tablename__ = "scope"
    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey(Account.__table__.c.id))


class User(SQLAlchemyBaseUserTable[int], Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    is_kept: Mapped[bool] = mapped_column(default=False)
    oauth_accounts: Mapped[list[Account]] = relationship(lazy="joined")
    posts: Mapped[list["Post"]] = relationship(cascade="all, delete-orphan")


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.__table__.c.id))


class Token(SQLAlchemyBaseAccessTokenTable[int], Base):
    user_id: Mapped[int] = mapped_column(ForeignKey(User.__table__.c.id))


class VersionedBase(DeclarativeBase):
    pass


class VersionedAccount(SQLAlchemyBaseOAuthAccountTable[int], VersionedBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))


class VersionedUser(SQLAlchemyBaseUserTable[int], VersionedBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    oauth_accounts: Mapped[list[VersionedAccount]] = relationship(
        lazy="joined", cascade="all, delete-orphan"
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own form


class VersionedToken(SQLAlchemyBaseAccessTokenTable[int], VersionedBase):
    user_id: Mapped[int] = mapped_column()
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own form


class SettledBase(DeclarativeBase):
    pass


class SettledUser(SQLAlchemyBaseUserTable[int], SettledBase):
    id: Mapped[int] = mapped_column(primary_key=True)
    settings: Mapped[Any] = mapped_column(MutableDict.as_mutable(JSON), default=dict)


class StampedBase(DeclarativeBase):
    pass


class StampedUser(SQLAlchemyBaseUserTable[int], StampedBase):
    # RETURNING does not show what a trigger of SQLite's writes.
    __table_args__ = {"implicit_returning": False}  # noqa: RUF012  SQLAlchemy's own form
    id: Mapped[int] = mapped_column(primary_key=True)
    stamp: Mapped[int | None] = mapped_column(
        server_default=FetchedValue(), server_onupdate=FetchedValue()
    )


STAMP = DDL(
    """CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN NEW.stamp = coalesce(OLD.stamp, 6) + 1; RETURN NEW; END'"""
).execute_if(dialect="postgresql")
TRIGGERS = {
    "sqlite": """CREATE TRIGGER stamp_{0} AFTER {0} ON "user" {1} BEGIN
        UPDATE "user" SET stamp = coalesce(stamp, 6) + 1 WHERE id = NEW.id; END""",
    "postgresql": """CREATE TRIGGER stamp_{0} BEFORE {0} ON "user"
        FOR EACH ROW EXECUTE FUNCTION stamp()""",
    "mysql": """CREATE TRIGGER stamp_{0} BEFORE {0} ON user
        FOR EACH ROW SET NEW.stamp = coalesce(NEW.stamp, 6) + 1""",
}
event.listen(StampedBase.metadata, "after_create", STAMP)
for dialect, trigger in TRIGGERS.items():
    for operation in ("INSERT", "UPDATE"):
        condition = "WHEN NEW.stamp IS OLD.stamp" if operation == "UPDATE" else ""
        stamp = DDL(trigger.format(operation, condition)).execute_if(dialect=dialect)
        event.listen(StampedBase.metadata, "after_create", stamp)


async def test_a_user_whom_another_has_changed_since_is_not_deleted(app: App) -> None:
    async with app.users(VersionedUser, VersionedAccount) as users:
        await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
    async with app.users(VersionedUser, VersionedAccount) as users:
        anne = await users.get_by_email(ANNE["email"])
        await users.session.commit()  # on SQLite another could not write
        await users.session.refresh(anne)
        await users.session.commit()
        if app.backend == "orm-defaults":
            return  # it is expired, and read again
        await app.execute(sa.update(VersionedUser.__table__).values(version=7))
        with pytest.raises(StaleDataError):
            await users.delete(anne)

    assert (await app.number(VersionedUser), await app.number(VersionedAccount)) == (1, 1)


async def test_a_token_that_another_has_changed_since_is_not_said_to_be_deleted(app: App) -> None:
    async with app.users(VersionedUser) as users:
        user_id = (await users.create(ANNE)).id
    async with app.tokens(VersionedToken) as tokens:
        token = await tokens.create({"token": "a" * 43, "user_id": user_id})
        await tokens.session.commit()
        if app.backend == "orm-defaults":
            return
        await app.execute(sa.update(VersionedToken.__table__).values(version=7))
        with pytest.raises(StaleDataError):
            await tokens.delete(token)

    assert await app.number(VersionedToken) == 1


async def test_one_of_several_versions_who_is_gone_is_deleted(app: App) -> None:
    async with app.users(VersionedUser) as users:
        anne = await users.create(ANNE)
        await users.session.commit()
        await users.session.refresh(anne)
        await users.session.commit()
        users.session.expunge(anne)
        await app.execute(sa.delete(VersionedUser.__table__))
        await users.delete(anne)

    assert await app.number(VersionedUser) == 0


async def test_what_the_app_has_changed_in_place_is_readable_after_a_refusal(app: App) -> None:
    async with app.users(SettledUser) as users:
        await users.create(ANNE)
        bert = await users.create({**BERT, "settings": {"theme": "dark"}})
        await users.session.commit()
        await users.session.refresh(bert)
        bert.settings["theme"] = "light"
        with pytest.raises(UserAlreadyExistsError):
            await users.update(bert, {"email": ANNE["email"]})
        assert bert.settings["theme"] in ("dark", "light")
        await users.session.rollback()


async def test_what_hangs_on_an_account_that_is_given_is_written(app: App) -> None:
    async with app.users(User, Account) as users:
        given = Account(**ACCOUNT, scopes=[Scope(), Scope()])
        anne = await users.create({**ANNE, "oauth_accounts": [given]})
        await users.update(anne, {"oauth_accounts": list(anne.oauth_accounts)})

    assert (await app.number(Account), await app.number(Scope)) == (1, 2)


@pytest.fixture
async def without_autoflush(app: App) -> AsyncIterator[Any]:
    """An adapter whose session writes nothing before it is told to."""
    await app.use(VersionedBase.metadata)
    async with AsyncSession(app.engine, autoflush=False, expire_on_commit=False) as session:
        yield SQLAlchemyUserDatabase(session, VersionedUser, VersionedAccount)


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_an_account_that_the_app_has_taken_away_is_gone(
    app: App, without_autoflush: Any
) -> None:
    users, other = without_autoflush, {**ACCOUNT, "account_id": "2"}
    anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT, other]})
    stolen, mine = anne.oauth_accounts
    anne.oauth_accounts.remove(stolen)
    await users.update_oauth_account(anne, mine, {"access_token": "new"})

    assert await users.get_by_oauth_account("provider", "1") is None
    assert anne.oauth_accounts == [mine]
    assert await app.number(VersionedAccount) == 1


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_an_account_that_the_app_has_added_is_there(app: App, without_autoflush: Any) -> None:
    anne = await without_autoflush.create(ANNE)
    anne.oauth_accounts.append(VersionedAccount(**{**ACCOUNT, "account_id": "2"}))
    await without_autoflush.add_oauth_account(anne, ACCOUNT)

    assert {account.account_id for account in anne.oauth_accounts} == {"1", "2"}
    assert await app.number(VersionedAccount) == 2


async def test_a_row_that_the_app_has_only_added_goes_with_its_user(app: App) -> None:
    async with app.users(User, Account) as users:
        anne = await users.create(ANNE)
        users.session.add(Post(user_id=anne.id))
        await users.delete(anne)

    assert (await app.number(User), await app.number(Post)) == (0, 0)


async def test_what_the_app_has_changed_is_not_blamed_on_what_was_given(app: App) -> None:
    async with app.users(User, Account) as users:
        await users.create(ANNE)
        bert = await users.create(BERT)
        await users.session.commit()
        await users.session.refresh(bert)
        bert.email = ANNE["email"]
        with pytest.raises(IntegrityError) as caught:
            await users.create({**ANNE, "email": "carl@example.com"})
        await users.session.rollback()

    assert not isinstance(caught.value, UserAlreadyExistsError)


async def test_a_key_of_the_apps_own_is_not_blamed_on_the_user(app: App) -> None:
    if app.addresses.name == "sqlite":
        return  # it enforces none
    async with app.users(User) as users:
        user_id = (await users.create(ANNE)).id
    async with app.tokens(Token) as tokens:
        tokens.session.add(Post(user_id=user_id + 1))
        with pytest.raises(IntegrityError) as caught:
            await tokens.create({"token": "a" * 43, "user_id": user_id})
        await tokens.session.rollback()

    assert not isinstance(caught.value, UserNotFoundError)


async def test_an_object_whose_place_was_asked_for_stays_in_the_session(app: App) -> None:
    async with app.users(User, Account) as users:
        anne = await users.create(ANNE)
        await users.session.commit()
        await users.session.refresh(anne)
        with pytest.raises(IntegrityError):
            await users.create({**BERT, "id": anne.id})
        assert anne in users.session
        anne.is_kept = True
        await users.session.commit()
    async with app.users(User, Account) as users:
        assert (await users.get_by_email(ANNE["email"])).is_kept


async def test_what_the_app_has_loaded_stays_loaded(app: App) -> None:
    async with app.users(User, Account) as users:
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        users.session.add_all([Post(user_id=anne.id), Scope(account_id=anne.oauth_accounts[0].id)])
        await users.session.commit()
    async with app.users(User, Account) as users:
        loading = selectinload(User.posts), selectinload(User.oauth_accounts, Account.scopes)
        statement = sa.select(User).options(*loading)
        anne = (await users.session.execute(statement)).unique().scalar_one()
        [account] = anne.oauth_accounts
        await users.get_by_email(ANNE["email"])
        assert (len(anne.posts), len(account.scopes)) == (1, 1)
        await users.update_oauth_account(anne, account, {"access_token": "new"})
        assert (len(anne.posts), len(account.scopes)) == (1, 1)


class Keeping(AsyncSession):
    """A session that marks users in place of deleting them."""

    async def delete(self, instance: Any) -> None:
        if isinstance(instance, User):
            instance.is_kept = True
        else:
            await super().delete(instance)


class Listened(Session):
    """A session whose listener does so."""


@event.listens_for(Listened, "before_flush")
def keep(session: Session, *_: Any) -> None:
    for instance in list(session.deleted):
        if isinstance(instance, User):
            session.add(instance)
            instance.is_kept = True


@pytest.fixture(params=["delete", "listener"])
def keeping(request: pytest.FixtureRequest, app: App) -> Callable[[], AsyncSession]:
    if request.param == "delete":
        return lambda: Keeping(app.engine, expire_on_commit=False)
    return lambda: AsyncSession(app.engine, sync_session_class=Listened, expire_on_commit=False)


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_a_user_whom_the_app_keeps_keeps_its_accounts(
    app: App, keeping: Callable[[], AsyncSession]
) -> None:
    await app.use(Base.metadata)
    async with keeping() as session:
        users: Any = SQLAlchemyUserDatabase(session, User, Account)
        anne = await users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await users.delete(anne)
    async with app.users(User, Account) as users:
        found = await users.get_by_oauth_account("provider", "1")

    assert found.is_kept


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_accounts_go_with_their_user_after_a_listener(app: App) -> None:
    await app.use(Base.metadata)
    seen = []
    async with AsyncSession(app.engine, expire_on_commit=False) as session:
        event.listen(session.sync_session, "before_flush", lambda *_: seen.append(1))
        users: Any = SQLAlchemyUserDatabase(session, User, Account)
        await users.delete(await users.create({**ANNE, "oauth_accounts": [ACCOUNT]}))

    assert seen
    assert (await app.number(User), await app.number(Account)) == (0, 0)


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_listeners_of_a_commit_see_what_is_flushed(app: App) -> None:
    await app.use(Base.metadata)
    seen: dict[str, int] = {}
    async with AsyncSession(app.engine, expire_on_commit=False) as session:
        for name in ("before_flush", "before_commit"):
            event.listen(
                session.sync_session,
                name,
                lambda session, *_, name=name: seen.setdefault(name, len(session.new)),
            )
        await SQLAlchemyUserDatabase(session, User).create(ANNE)

    assert seen == {"before_flush": 1, "before_commit": 0}


@pytest.fixture
async def autocommit(app: App) -> AsyncIterator[AsyncSession]:
    """A session of which each statement is a transaction of its own."""
    await app.use(Base.metadata)
    engine = create_async_engine(app.addresses.orm, isolation_level="AUTOCOMMIT")
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session
    await engine.dispose()


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_each_statement_may_be_a_transaction(
    app: App, autocommit: AsyncSession, commit: bool
) -> None:
    users: Any = SQLAlchemyUserDatabase(autocommit, User, Account, commit=commit)
    await users.create(ANNE)
    anne = await users.get_by_email(ANNE["email"])
    for token in ("first", "second"):
        await users.add_oauth_account(anne, {**ACCOUNT, "access_token": token})
    assert [account.access_token for account in anne.oauth_accounts] == ["second"]
    await users.delete(anne)
    await autocommit.commit()
    assert (await app.number(User), await app.number(Account)) == (0, 0)


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_a_session_may_ask_for_a_mapper_and_a_clause_alone(app: App) -> None:
    class Routed(Session):
        def get_bind(self, mapper: Any = None, clause: Any = None) -> Any:  # type: ignore[override]
            return app.engine.sync_engine

    await app.use(VersionedBase.metadata)  # its tokens have no foreign key
    async with AsyncSession(sync_session_class=Routed, expire_on_commit=False) as session:
        users: Any = SQLAlchemyUserDatabase(session, VersionedUser, VersionedAccount)
        tokens: Any = SQLAlchemyAccessTokenDatabase(session, VersionedToken)
        anne = await users.create(ANNE)
        await tokens.create({"token": "a" * 43, "user_id": anne.id})
        assert await users.check_schema() is not None

    assert await app.number(VersionedToken) == 1


class Facade:
    """What an app puts before its session: the methods that upstream's adapter calls."""

    def __init__(self, session: AsyncSession) -> None:
        self.add, self.execute, self.delete = session.add, session.execute, session.delete
        self.commit, self.refresh = session.commit, session.refresh


@pytest.mark.parametrize("backend", ["orm"], indirect=True)
async def test_a_session_may_have_no_more_than_upstream_calls(app: App) -> None:
    await app.use(VersionedBase.metadata)
    async with AsyncSession(app.engine) as session:
        users: Any = SQLAlchemyUserDatabase(Facade(session), VersionedUser, VersionedAccount)  # type: ignore[arg-type]
        anne = await users.create(ANNE)
        assert anne.email == ANNE["email"]
        await users.add_oauth_account(anne, ACCOUNT)
        [account] = anne.oauth_accounts
        await users.update_oauth_account(anne, account, {"access_token": "new"})
        found = await users.get_by_oauth_account("provider", "1")
        assert (found, found.oauth_accounts[0].access_token) == (anne, "new")
        await users.delete(await users.update(anne, {"is_active": False}))

    assert (await app.number(VersionedUser), await app.number(VersionedAccount)) == (0, 0)


@pytest.mark.parametrize("backend", BOTH, indirect=True)
async def test_what_a_trigger_writes_is_read_where_the_class_says_so(app: App) -> None:
    async with app.users(StampedUser) as users:
        anne = await users.create(ANNE)
        assert anne.stamp == 7
        await users.update(anne, {"is_active": False})
        assert anne.stamp == 8
