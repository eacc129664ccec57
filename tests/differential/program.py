"""An app that answers programs: on upstream's release and on the shim, unchanged.

It runs on any stack. A program is a list of calls on empty tables; the answer is what came of each,
and the rows that there are afterwards.
"""

import asyncio
import datetime
import enum
import json
import sys
import uuid
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Optional

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import fastapi_users_db_sqlalchemy as package
import pydantic
import sqlalchemy as sa
from fastapi_users_db_sqlalchemy import access_token
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, relationship

FORM = sys.argv[1]
SUFFIX = "UUID" if FORM == "current" else ""
Base: Any = declarative_base()


class Color(enum.Enum):
    red = 1
    blue = 2


class User(getattr(package, "SQLAlchemyBaseUserTable" + SUFFIX), Base):  # type: ignore[misc]
    nick = sa.Column(sa.String(20))
    settings = sa.Column(sa.JSON)
    credit = sa.Column(sa.Numeric(8, 2))
    seen = sa.Column(sa.DateTime)
    color = sa.Column(sa.Enum(Color))
    plan = sa.Column(sa.String(9), server_default="free")
    oauth_accounts = relationship("OAuthAccount", lazy="joined", cascade="all, delete-orphan")


class OAuthAccount(  # type: ignore[misc]
    getattr(package, "SQLAlchemyBaseOAuthAccountTable" + SUFFIX), Base
):
    pass


class Token(getattr(access_token, "SQLAlchemyBaseAccessTokenTable" + SUFFIX), Base):  # type: ignore[misc]
    pass


SHAPES: dict[str, Any] = {"current": User}

if FORM != "current":
    from fastapi_users import models
    from fastapi_users.authentication.strategy.db import BaseAccessToken

    class Whole(models.BaseUserDB, models.BaseOAuthAccountMixin):
        nick: Optional[str] = None  # noqa: UP045
        settings: Optional[Any] = None  # noqa: UP045
        credit: Optional[Decimal] = None  # noqa: UP045
        seen: Optional[datetime.datetime] = None  # noqa: UP045
        color: Optional[Color] = None  # noqa: UP045

    class Few(models.BaseUserDB, models.BaseOAuthAccountMixin):
        """Fewer fields than there are columns."""

    class Private(Whole):
        _seen_by: str = pydantic.PrivateAttr("nobody")
        note: str = pydantic.Field("a note", exclude=True)

    class Alias(Whole):
        name: Optional[str] = pydantic.Field(None, alias="nick")  # noqa: UP045

        class Config:
            allow_population_by_field_name = True

        def dict(self, **options: Any) -> Any:
            values = super().dict(**options)
            values["nick"] = values.pop("name", None)
            return values

    class Frozen(Whole):
        class Config:
            allow_mutation = False

    class Forbid(Whole):
        plan: Optional[str] = None  # noqa: UP045

        class Config:
            extra = "forbid"

    class Upper(Whole):
        class Config:
            validate_assignment = True

        @pydantic.validator("nick")
        def upper(cls, value: Any) -> Any:  # noqa: N805
            return value and value.upper()

    class Own(Whole):
        kind: str = pydantic.Field("?", exclude=True)

        @classmethod
        def from_orm(cls, instance: Any) -> Any:
            model = super().from_orm(instance)
            model.kind = type(instance).__name__
            return model

    SHAPES = {
        shape.__name__.lower(): shape
        for shape in (Whole, Few, Private, Alias, Frozen, Forbid, Upper, Own)
    }

    class AccessToken(BaseAccessToken):
        pass

    class Part(pydantic.BaseModel):
        """A model of the app's that is no user."""

        id: uuid.UUID
        is_active: bool = False


def _read(value: Any) -> Any:
    """Return what a call is given."""
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items() if len(value) == 1 else [(None, None)]
    if kind == "uuid":
        return uuid.UUID(inner)
    if kind == "decimal":
        return Decimal(inner)
    if kind == "time":
        return datetime.datetime.fromisoformat(inner)
    if kind == "date":
        return datetime.date.fromisoformat(inner)
    if kind == "color":
        return Color[inner]
    return {key: _read(item) for key, item in value.items()}


def _show(value: Any) -> Any:
    """Return a value with its type, as far as an app can tell it."""
    if isinstance(value, uuid.UUID):
        return "UUID " + str(value)
    if isinstance(value, datetime.datetime):
        return "datetime " + value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_show(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _show(item) for key, item in sorted(value.items())}
    return f"{type(value).__name__} {value!r}"


def _in_utc(value: Any) -> Any:
    """Return what is stored: whether a time says that it is in UTC is up to each side's type."""
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=datetime.timezone.utc)
    return value


def _fields(value: Any) -> Any:
    if hasattr(value, "__table__"):
        return {c.key: _show(getattr(value, c.key)) for c in value.__table__.columns}
    return {key: _show(item) for key, item in value.__dict__.items() if key != "oauth_accounts"}


class App:
    def __init__(self, shape: str, connection: Any) -> None:
        self.model = SHAPES[shape]
        self.user: Any = None
        self.token: Any = None
        if FORM == "databases":
            tables = User.__table__, OAuthAccount.__table__
            self.users = package.SQLAlchemyUserDatabase(self.model, connection, *tables)
            self.tokens = access_token.SQLAlchemyAccessTokenDatabase(
                AccessToken, connection, Token.__table__
            )
        elif FORM == "legacy-orm":
            self.users = package.SQLAlchemyUserDatabase(self.model, connection, User, OAuthAccount)
            self.tokens = access_token.SQLAlchemyAccessTokenDatabase(AccessToken, connection, Token)
        else:
            self.users = package.SQLAlchemyUserDatabase(connection, User, OAuthAccount)
            self.tokens = access_token.SQLAlchemyAccessTokenDatabase(connection, Token)

    async def create(self, values: Any) -> Any:
        given = values if FORM == "current" else self.model(**values)
        if hasattr(given, "_seen_by"):
            given._seen_by = "me"
        created = await self.users.create(given)
        self.user = created
        return created, given

    async def get(self, id: Any) -> Any:
        return await self.users.get(id), None

    async def get_by_email(self, email: Any) -> Any:
        return await self.users.get_by_email(email), None

    async def get_by_oauth_account(self, name: Any, account_id: Any) -> Any:
        return await self.users.get_by_oauth_account(name, account_id), None

    async def update(self, values: Any) -> Any:
        user = self.user
        if FORM == "current":
            return await self.users.update(user, values), user
        if self.model.__config__.allow_mutation:
            for name, value in values.items():
                if name in user.__fields__:
                    setattr(user, name, value)
        else:
            user = user.copy(update=values)
        return await self.users.update(user), user

    async def update_part(self, id: Any) -> Any:
        part = Part(id=id)
        return await self.users.update(part), part

    async def link(self, account: Any) -> Any:
        if FORM == "current":
            return await self.users.add_oauth_account(self.user, account), self.user
        accounts = [*self.user.oauth_accounts, models.BaseOAuthAccount(**account)]
        user = self.user.copy(update={"oauth_accounts": accounts})
        return await self.users.update(user), user

    async def delete(self) -> Any:
        return await self.users.delete(self.user), None

    async def delete_id(self, id: Any) -> Any:
        return await self.users.delete(SimpleNamespace(id=id)), None

    async def create_token(self, values: Any) -> Any:
        given = values if FORM == "current" else AccessToken(**values)
        self.token = await self.tokens.create(given)
        return self.token, given

    async def get_token(self, token: Any, max_age: Any) -> Any:
        return await self.tokens.get_by_token(token, max_age), None

    async def update_token(self, values: Any) -> Any:
        token = self.token
        if FORM == "current":
            return await self.tokens.update(token, values), token
        for name, value in values.items():
            setattr(token, name, value)
        return await self.tokens.update(token), token

    async def delete_token(self, token: Any) -> Any:
        given = self.token if FORM == "current" else SimpleNamespace(token=token)
        return await self.tokens.delete(given), None


@asynccontextmanager
async def _connection(addresses: Any, engine: Any) -> Any:
    if FORM == "databases":
        from databases import Database

        async with Database(addresses["databases"]) as database:
            yield database
    else:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session


async def _perform(addresses: Any, shape: str, calls: Any) -> Any:
    engine = create_async_engine(addresses["orm"])
    tables = list(Base.metadata.sorted_tables)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for table in reversed(tables):
            await connection.execute(table.delete())
    outcomes = []
    async with _connection(addresses, engine) as connection:
        app = App(shape, connection)
        for method, *arguments in calls:
            try:
                result, given = await getattr(app, method)(*_read(arguments))
            except Exception as error:
                names = [cls.__name__ for cls in type(error).__mro__]
                outcomes.append({"error": names, "text": str(error)[:200]})
                if FORM != "databases":
                    await connection.rollback()
                continue
            outcome = {"type": type(result).__name__, "is_given": result is given}
            if result is not None:
                outcome["fields"] = _fields(result)
                outcome["private"] = _show(getattr(result, "_seen_by", None))
                accounts = getattr(result, "oauth_accounts", None) or []
                outcome["accounts"] = sorted(a.account_id for a in accounts)
            outcomes.append(outcome)
    rows = {}
    async with engine.connect() as connection:
        for table in tables:
            found = (await connection.execute(sa.select(*table.columns))).all()
            rows[table.name] = sorted([_show(_in_utc(value)) for value in row] for row in found)
    await engine.dispose()
    return {"outcomes": outcomes, "rows": rows}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(asyncio.run(_perform(**json.loads(line)))), flush=True)  # noqa: T201
