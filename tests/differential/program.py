"""An app that answers programs: on upstream's release and on the shim, unchanged.

It runs on any stack. A program is a list of calls on empty tables; the answer is what came of each,
and the rows that there are afterwards.
"""

import asyncio
import datetime
import json
import sys
import uuid
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import fastapi_users_db_sqlalchemy as package
import sqlalchemy as sa
from fastapi_users_db_sqlalchemy import access_token
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

# It is run as a file, with its folder in the path and this project perhaps not.
from tables import FIELDS, Color, declare

FORM = sys.argv[1]
declared = lru_cache(declare)

if FORM != "current":
    import shapes

    models_of = lru_cache(lambda shape, kind: shapes.model(shape, kind, FIELDS[kind]))

READERS: dict[str, Any] = {
    "uuid": uuid.UUID,
    "decimal": Decimal,
    "time": datetime.datetime.fromisoformat,
    "date": datetime.date.fromisoformat,
    "hour": datetime.time.fromisoformat,
    "seconds": lambda seconds: datetime.timedelta(seconds=seconds),
    "color": Color.__getitem__,
    "bytes": bytes.fromhex,
    "object": lambda values: SimpleNamespace(**_read(values)),
}


def _read(value: Any) -> Any:
    """Return what a call is given."""
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, inner)] = value.items()
        if kind in READERS:
            return READERS[kind](inner)
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


def _fields(value: Any) -> Any:
    if hasattr(value, "__table__"):
        return {a.key: _show(getattr(value, a.key)) for a in sa.inspect(type(value)).column_attrs}
    return {key: _show(item) for key, item in value.__dict__.items() if key != "oauth_accounts"}


class Wrapper:
    """A wrapper of the app's own round a database: what upstream calls, and nothing else."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def fetch_one(self, query: Any) -> Any:
        return await self._database.fetch_one(query)

    async def fetch_all(self, query: Any) -> Any:
        return await self._database.fetch_all(query)

    async def execute(self, query: Any, values: Any = None) -> Any:
        return await self._database.execute(query, values)

    async def execute_many(self, query: Any, values: Any) -> None:
        await self._database.execute_many(query, values)


class Delegating:
    """A wrapper that hands on whatever is asked of it."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


def _spy(database: Any) -> Any:
    """A mock of the app's tests that asks the database."""
    return AsyncMock(spec=type(database), wraps=database)


WRAPPERS = {"wrapper": Wrapper, "delegating": Delegating, "spy": _spy}


class App:
    def __init__(self, shape: str, kind: str, connection: Any, tables: Any) -> None:
        self.user: Any = None
        self.token: Any = None
        kinds = tables.User, tables.OAuthAccount, tables.Token
        self.connection, self.tables = connection, kinds[:2]
        if FORM == "current":
            self.users = package.SQLAlchemyUserDatabase(connection, *kinds[:2])
            self.tokens = access_token.SQLAlchemyAccessTokenDatabase(connection, kinds[2])
            return
        self.model, self.account, self.token_model = models_of(shape, kind)
        if FORM == "databases":
            kinds = tuple(getattr(kind, "__table__", kind) for kind in kinds)
        if shape == "without":
            kinds = (kinds[0], None, kinds[2])
        self.tables = kinds[:2]
        self.users = package.SQLAlchemyUserDatabase(self.model, connection, *self.tables)
        self.tokens = access_token.SQLAlchemyAccessTokenDatabase(
            self.token_model, connection, kinds[2]
        )

    async def create(self, values: Any) -> Any:
        given = values if FORM == "current" else self.model(**values)
        if hasattr(given, "_seen_by"):
            given._seen_by = "me"
        created = await self.users.create(given)
        self.user = created
        return created, given

    async def create_constructed(self, values: Any) -> Any:
        given = self.model.construct(**values)
        created = await self.users.create(given)
        self.user = created
        return created, given

    async def create_any(self, given: Any) -> Any:
        return await self.users.create(given), given

    async def get(self, id: Any) -> Any:
        return await self.users.get(id), None

    async def get_again(self) -> Any:
        self.user = await self.users.get(self.user.id)
        return self.user, None

    async def get_first(self) -> Any:
        """As a subclass does with a look-up of its own that may find several."""
        user = self.tables[0]
        return await self.users._get_user(sa.select(user).order_by(user.email)), None

    async def get_made(self, names: Any) -> Any:
        """The same with a row of few columns, or of a join."""
        users = self.tables[0]
        columns = [
            sa.literal("joined").label(name) if name == "joined" else users.c[name]
            for name in names
        ]
        row = await self.connection.fetch_one(sa.select(columns).order_by(users.c.email))
        return None if row is None else await self.users._make_user(row), None

    async def get_by_email(self, email: Any) -> Any:
        return await self.users.get_by_email(email), None

    async def get_by_oauth_account(self, name: Any, account_id: Any) -> Any:
        return await self.users.get_by_oauth_account(name, account_id), None

    async def update(self, values: Any) -> Any:
        user = self.user
        if FORM == "current":
            return await self.users.update(user, values), user
        config = self.model.__config__
        if config.allow_mutation and not config.frozen:
            for name, value in values.items():
                if name in user.__fields__:
                    setattr(user, name, value)
        else:
            user = user.copy(update=values)
        return await self.users.update(user), user

    async def update_part(self, id: Any) -> Any:
        part = shapes.Part(id=id)
        return await self.users.update(part), part

    async def update_constructed(self, values: Any) -> Any:
        given = self.model.construct(**values)
        return await self.users.update(given), given

    async def update_any(self, given: Any) -> Any:
        values = ({},) if FORM == "current" else ()
        return await self.users.update(given, *values), given

    async def link(self, account: Any) -> Any:
        if FORM == "current":
            return await self.users.add_oauth_account(self.user, account), self.user
        accounts = [*self.user.oauth_accounts, self.account(**account)]
        user = self.user.copy(update={"oauth_accounts": accounts})
        return await self.users.update(user), user

    @property
    def without_accounts(self) -> Any:
        """An adapter for the same users, without a table for their accounts."""
        return package.SQLAlchemyUserDatabase(self.model, self.connection, self.tables[0])

    async def create_without(self, values: Any) -> Any:
        given = self.model(**values)
        was_there = await self.users.get(given.id) is not None
        try:
            created = await self.without_accounts.create(given)
        except Exception as error:
            # Upstream raises this one when the user is written.
            is_it = type(error).__name__ == "NotSetOAuthAccountTableError"
            if was_there or not is_it or FORM != "databases":
                raise
            is_there = await self.users.get(given.id) is not None
            return SimpleNamespace(is_there=is_there), None
        return created, given

    async def update_without(self, values: Any) -> Any:
        user = self.user.copy(update=values)
        return await self.without_accounts.update(user), user

    async def get_alias(self, id: Any) -> Any:
        aliases = [table if table is None else table.alias() for table in self.tables]
        users = package.SQLAlchemyUserDatabase(self.model, self.connection, *aliases)
        return await users.get(id), None

    async def update_mock(self, values: Any) -> Any:
        from databases import Database

        users, accounts = self.tables
        mock = AsyncMock(spec=Database)
        mock.fetch_one.return_value = values
        mock.fetch_all.return_value = []
        adapter = package.SQLAlchemyUserDatabase(self.model, mock, users, accounts)
        user = await adapter.get(values["id"])
        user = user.copy(update={"hashed_password": "new"})
        return await adapter.update(user), user

    async def delete(self) -> Any:
        return await self.users.delete(self.user), None

    async def delete_any(self, given: Any) -> Any:
        return await self.users.delete(given), None

    async def create_token(self, values: Any) -> Any:
        given = values if FORM == "current" else self.token_model(**values)
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

    async def delete_token(self, given: Any) -> Any:
        return await self.tokens.delete(self.token if FORM == "current" else given), None


@asynccontextmanager
async def _connection(address: str, through: str, engine: Any) -> Any:
    if FORM == "databases":
        from databases import Database

        for spelling in ("postgres:", "postgresql+aiopg:", "mysql+asyncmy:"):
            if spelling == f"{through}:":
                address = spelling + address.partition(":")[2]
        async with Database(address) as database:
            yield WRAPPERS[through](database) if through in WRAPPERS else database
    else:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session


_made: dict[str, str] = {}


async def _empty(engine: Any, kind: str, tables: Any) -> Any:
    """Empty the tables, and make those of this kind if there are others; return the tables."""
    name = str(engine.url)
    async with engine.begin() as connection:
        if _made.get(name) != kind:
            if engine.dialect.name == "postgresql":
                for statement in (
                    "CREATE SCHEMA IF NOT EXISTS app",
                    "CREATE EXTENSION IF NOT EXISTS hstore",
                ):
                    await connection.execute(sa.text(statement))
                for schema in ("app", "public"):
                    for table in ("accesstoken", "oauth_account", '"user"'):
                        await connection.execute(sa.text(f"DROP TABLE IF EXISTS {schema}.{table}"))
                for type_ in ("color", "role", "level"):
                    await connection.execute(sa.text(f"DROP TYPE IF EXISTS {type_}"))
            else:
                await connection.run_sync(tables.metadata.drop_all)
            await connection.run_sync(tables.metadata.create_all)
            _made[name] = kind
        for table in reversed(tables.metadata.sorted_tables):
            await connection.execute(table.delete())
        if kind == "reflected" and FORM == "databases":
            metadata = sa.MetaData()
            await connection.run_sync(metadata.reflect)
            names = ("User", "user"), ("OAuthAccount", "oauth_account"), ("Token", "accesstoken")
            reflected = {name: metadata.tables[table] for name, table in names}
            return SimpleNamespace(metadata=tables.metadata, **reflected)
    return tables


async def _perform(addresses: Any, kind: str, through: str, shape: str, calls: Any) -> Any:
    engine = create_async_engine(addresses["orm"])
    declared_tables = declared(kind, FORM)
    tables = await _empty(engine, kind, declared_tables)
    outcomes = []
    async with _connection(addresses["databases"], through, engine) as connection:
        app = App(shape, kind, connection, tables)
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
        for table in declared_tables.metadata.sorted_tables:
            # As they are stored, whatever type each side has for the column.
            name = engine.dialect.identifier_preparer.format_table(table)
            found = await connection.exec_driver_sql(f"SELECT * FROM {name}")
            rows[table.name] = sorted(str(_show(dict(row._mapping))) for row in found)
    await engine.dispose()
    return {"outcomes": outcomes, "rows": rows}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(asyncio.run(_perform(**json.loads(line)))), flush=True)  # noqa: T201
