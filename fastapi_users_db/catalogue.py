"""The live tables, as the database's own catalogue describes them.

One class reads them on every database, through whatever executes its statements; what is made of
them is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from fastapi_users_db.tables import is_mysql

__all__ = ["ColumnType", "LiveTables", "key_text"]

_FAMILIES = {
    "bigint": "integer",
    "binary": "binary",
    "blob": "binary",
    "bool": "boolean",
    "boolean": "boolean",
    "bytea": "binary",
    "char": "text",
    "character": "text",
    "citext": "text",
    "datetime": "time",
    "int": "integer",
    "integer": "integer",
    "longtext": "text",
    "mediumint": "integer",
    "mediumtext": "text",
    "smallint": "integer",
    "text": "text",
    "timestamp": "time",
    "timestamp with time zone": "time with zone",
    "tinyint": "integer",
    "uuid": "uuid",
    "varbinary": "binary",
    "varchar": "text",
}
_NAME = re.compile(r"timestamp with time zone|\w*")
_LENGTH = re.compile(r"\((\d+)[^)]*\)")

# Each column of a table, with its type as DDL has it.
_COLUMNS = {
    "postgresql": """
        SELECT attname AS name, pg_catalog.format_type(atttypid, atttypmod) AS type
        FROM pg_catalog.pg_attribute
        WHERE attrelid = pg_catalog.to_regclass(:qualified) AND attnum > 0 AND NOT attisdropped
    """,
    "mysql": """
        SELECT column_name AS name, column_type AS type
        FROM information_schema.columns
        WHERE table_name = :name AND table_schema = coalesce(:schema, database())
    """,
    "sqlite": "SELECT name, type FROM pragma_table_xinfo(:name, :schema)",
}
# Each column or expression of each unique index of a table.
_UNIQUE_KEYS = {
    "postgresql": """
        SELECT indexrelid AS number, pg_catalog.pg_get_indexdef(indexrelid, n, true) AS key
        FROM pg_catalog.pg_index, generate_series(1, indnkeyatts) AS n
        WHERE indrelid = pg_catalog.to_regclass(:qualified)
            AND indisunique AND indisvalid AND indpred IS NULL
    """,
    "mysql": """
        SELECT index_name AS number, CASE WHEN sub_part IS NULL THEN column_name END AS `key`
        FROM information_schema.statistics
        WHERE table_name = :name AND table_schema = coalesce(:schema, database())
            AND non_unique = 0
    """,
    "sqlite": """
        SELECT list.name AS number, coalesce(info.name, sql) AS key
        FROM pragma_index_list(:name, :schema) AS list
            JOIN pragma_index_xinfo(list.name, :schema) AS info
            LEFT JOIN {schema}sqlite_master AS master
                ON master.type = 'index' AND master.name = list.name
        WHERE list."unique" = 1 AND list.partial = 0 AND info.key = 1
    """,
}


@dataclass(frozen=True)
class ColumnType:
    """The type of a column, declared or live.

    Attributes:
        sql: the type as DDL has it.
        family: what kind of values it holds, or `None` for a type that is not known here.
        width: how many characters it holds; `None` if there is no limit, or none that counts.
        fixed: whether every value has this width.
    """

    sql: str
    family: str | None
    width: int | None
    fixed: bool

    @classmethod
    def parse(cls, sql: str) -> ColumnType:
        """Return the type that a piece of DDL names."""
        lower = sql.lower()
        length = _LENGTH.search(lower)
        name = _NAME.match(_LENGTH.sub("", lower))
        family = None if name is None else _FAMILIES.get(name[0])
        is_text = family == "text"
        return cls(
            sql=sql.upper(),
            family=family,
            width=int(length[1]) if length and is_text else None,
            fixed=is_text and lower.startswith("char") and "varying" not in lower,
        )


SchemaMap = Mapping[str | None, str | None]
"""Which schema stands for one that a class names, as SQLAlchemy's `schema_translate_map` has it."""


async def _as_declared() -> SchemaMap:
    return {}


class LiveTables:
    """The tables that there are.

    Attributes:
        dialect: how the database's SQL is written.
        name: which kind of database this is; MariaDB is "mysql".
        is_known: whether this kind can be read here.
        fetch: executes a statement and returns its rows by column name.
    """

    def __init__(
        self,
        dialect: Dialect,
        fetch: Callable[[Any], Awaitable[Sequence[Mapping[str, Any]]]],
        fetch_schemas: Callable[[], Awaitable[SchemaMap]] = _as_declared,
    ) -> None:
        self.dialect = dialect
        self.name = "mysql" if is_mysql(dialect) else dialect.name
        self.is_known = self.name in _COLUMNS
        self.fetch = fetch
        self._fetch_schemas = fetch_schemas
        self._schemas: SchemaMap = {}
        self._columns: dict[Table, dict[str, ColumnType]] = {}

    def schema(self, table: Table) -> str | None:
        """Return the schema of a table whose columns were read, where it is not the default one."""
        return self._schemas.get(table.schema, table.schema)

    def full_name(self, table: Table) -> str:
        """Return the name of a table whose columns were read, with its schema."""
        schema = self.schema(table)
        return table.name if schema is None else f"{schema}.{table.name}"

    async def columns(self, table: Table) -> dict[str, ColumnType]:
        """Return the columns of a table by name; none if there is no such table."""
        if not self.is_known:
            raise NotImplementedError(f"The tables of {self.name} cannot be checked.")
        if table not in self._columns:
            self._schemas = await self._fetch_schemas()
            rows = await self._describe(table, _COLUMNS[self.name])
            self._columns[table] = {row["name"]: ColumnType.parse(row["type"]) for row in rows}
        return self._columns[table]

    async def unique_keys(self, table: Table) -> set[frozenset[str]]:
        """Return what is unique together: columns or expressions, as `key_text` has them."""
        keys: dict[Any, list[str | None]] = {}
        for row in await self._describe(table, _UNIQUE_KEYS[self.name]):
            keys.setdefault(row["number"], []).append(row["key"])
        return {frozenset(key_text(k) for k in key if k) for key in keys.values() if all(key)}

    async def number(self, statement: Any) -> int:
        """Return the only value of a statement's only row."""
        [row] = await self.fetch(statement)
        [value] = dict(row).values()
        return int(value)

    def declared(self, type_: TypeEngine[Any]) -> ColumnType:
        """Return what a declared type is on this database."""
        try:
            return ColumnType.parse(type_.compile(dialect=self.dialect))
        except CompileError:
            # MySQL's VARCHAR needs a length, and the class gives none: nothing to compare with.
            return ColumnType(sql=repr(type_), family=None, width=None, fixed=False)

    def sql(self, statement: Any) -> str:
        """Return a statement in this database's SQL, in one line."""
        schemas: Any = {"schema_translate_map": {**self._schemas}, "render_schema_translate": True}
        compiled = statement.compile(dialect=self.dialect, **schemas)
        return " ".join(str(compiled).split())

    async def _describe(self, table: Table, sql: str) -> Sequence[Mapping[str, Any]]:
        preparer, schema = self.dialect.identifier_preparer, self.schema(table)
        prefix = "" if schema is None else f"{preparer.quote(schema)}."
        values = {
            "name": table.name,
            "schema": schema,
            "qualified": prefix + preparer.quote(table.name),
        }
        statement = text(sql.replace("{schema}", prefix.replace(":", "\\:")))
        wanted = {name: values[name] for name in values if f":{name}" in sql}
        return await self.fetch(statement.bindparams(**wanted))


def key_text(key: str) -> str:
    """Return what an index is on, in one spelling: `email`, `lower(email)`."""
    if key.lower().startswith("create"):
        # SQLite has the expression only in the statement that created the index.
        key = key[key.index("(") + 1 : key.rindex(")")]
    key = re.sub(r"::[\w ]+", "", key)  # PostgreSQL's casts
    key = re.sub(r'["`\s]', "", key).lower()
    return re.sub(r"\(\((\w+)\)\)", r"(\1)", key)
