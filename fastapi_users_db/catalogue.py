"""The live tables, as the database's own catalogue describes them.

One class reads them on every database, through whatever executes its statements; what is made of
them is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Column, Table, func, select, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import CompileError
from sqlalchemy.types import TypeEngine

from fastapi_users_db.tables import is_mysql

__all__ = ["KNOWN", "ONLY_READS", "ColumnType", "LiveTables", "lower_of"]

# The execution option of what is a text, and yet known to do nothing else.
ONLY_READS = {"fastapi_users_db_only_reads": True}

_NAMES = {
    "binary": "binary blob bytea varbinary",
    "boolean": "bool boolean",
    "integer": "bigint int integer mediumint smallint tinyint",
    "text": "char character citext longtext mediumtext text varchar",
    "time": "datetime timestamp",
    "uuid": "uuid",
}
_FAMILIES = {name: family for family, names in _NAMES.items() for name in names.split()}
_FAMILIES["timestamp with time zone"] = "time with zone"
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
KNOWN = frozenset(_COLUMNS)
"""The databases whose catalogue is known here."""
_COLLATIONS = """
    SELECT column_name AS name, collation_name AS collation FROM information_schema.columns
    WHERE table_name = :name AND table_schema = coalesce(:schema, database())
"""
# The columns of a table that a foreign key refers from.
_REFERRING = {
    "postgresql": """
        SELECT attname AS name
        FROM pg_catalog.pg_constraint
            JOIN pg_catalog.pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
        WHERE conrelid = pg_catalog.to_regclass(:qualified) AND contype = 'f'
    """,
    "mysql": """
        SELECT column_name AS name FROM information_schema.key_column_usage
        WHERE table_name = :name AND table_schema = coalesce(:schema, database())
            AND referenced_table_name IS NOT NULL
    """,
}
# What was asked once, by database.
_known: WeakKeyDictionary[Any, dict[tuple[str, Column[Any]], bool]] = WeakKeyDictionary()
# Each column of each unique index of a table: its name, or the expression in its place.
_UNIQUE_KEYS = {
    "postgresql": """
        SELECT indexrelid AS number, attname AS name,
            pg_catalog.pg_get_indexdef(indexrelid, n, true) AS expression
        FROM pg_catalog.pg_index CROSS JOIN generate_series(1, indnkeyatts) AS n
            LEFT JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = indkey[n - 1]
        WHERE indrelid = pg_catalog.to_regclass(:qualified)
            AND indisunique AND indisvalid AND indpred IS NULL
    """,
    "mysql": """
        SELECT index_name AS number, CASE WHEN sub_part IS NULL THEN column_name END AS name,
            NULL AS expression
        FROM information_schema.statistics
        WHERE table_name = :name AND table_schema = coalesce(:schema, database())
            AND non_unique = 0
    """,
    "sqlite": """
        SELECT list.name AS number, info.name AS name, sql AS expression
        FROM pragma_index_list(:name, :schema) AS list
            JOIN pragma_index_xinfo(list.name, :schema) AS info
            LEFT JOIN {schema}sqlite_master AS master
                ON master.type = 'index' AND master.name = list.name
        WHERE list."unique" = 1 AND list.partial = 0 AND info.key = 1
    """,
}
# The first column of each index of a table.
_INDEXED = {
    "postgresql": """
        SELECT attname AS name
        FROM pg_catalog.pg_index
            JOIN pg_catalog.pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
        WHERE indrelid = pg_catalog.to_regclass(:qualified) AND indisvalid AND indpred IS NULL
    """,
    "mysql": """
        SELECT column_name AS name FROM information_schema.statistics
        WHERE table_name = :name AND table_schema = coalesce(:schema, database())
            AND seq_in_index = 1
    """,
    "sqlite": """
        SELECT info.name AS name
        FROM pragma_index_list(:name, :schema) AS list
            JOIN pragma_index_info(list.name, :schema) AS info
        WHERE list.partial = 0 AND info.seqno = 0
    """,
}
# What created a table of SQLite's, without its text: strings, quoted names, comments.
_CREATED = (
    "SELECT sql FROM {schema}sqlite_master WHERE type = 'table' AND lower(name) = lower(:name)"
)
_TEXT = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/""", re.DOTALL
)
_PRIMARY_KEY_OF_ROWS = "SELECT name, type, pk FROM pragma_table_xinfo(:name, :schema) WHERE pk > 0"
_IDENTIFIER = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\w+)'
# `lower()` of one column; SQLite has it in the statement that created the index.
_LOWER = re.compile(
    rf"(CREATE .* ON {_IDENTIFIER}\s*\(\s*)?"
    rf"lower\s*\(\s*(?P<column>{_IDENTIFIER})(?:::[\w ]+)?\s*\)(?(1)\s*\))",
    re.IGNORECASE | re.DOTALL,
)


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

    def is_wider_than(self, found: ColumnType) -> bool:
        """Tell whether a column holds less than one of this type."""
        if found.width is None or self.family is None:
            return False
        return self.width is None or found.width < self.width


SchemaMap = Mapping[str | None, str | None]
"""Which schema stands for one that a class names, as SQLAlchemy's `schema_translate_map` has it."""


async def _as_declared() -> SchemaMap:
    return {}


class LiveTables:
    """The tables that there are.

    Attributes:
        dialect: how the database's SQL is written.
        name: which kind of database this is; MariaDB is "mysql".
        is_mysql: whether it is MySQL or MariaDB.
        fetch: executes a statement and returns its rows by column name.
        source: the engine, or what else stands for the database as long as the app runs.
    """

    def __init__(
        self,
        dialect: Dialect,
        fetch: Callable[[Any], Awaitable[Sequence[Mapping[str, Any]]]],
        fetch_schemas: Callable[[], Awaitable[SchemaMap]] = _as_declared,
        source: Any = None,
    ) -> None:
        self.dialect = dialect
        self.source = source
        self.is_mysql = is_mysql(dialect)
        self.name = "mysql" if self.is_mysql else dialect.name
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
        if self.name not in _COLUMNS:
            raise NotImplementedError(
                f"check_schema can read SQLite, PostgreSQL, MySQL and MariaDB, but not {self.name}."
            )
        if table not in self._columns:
            self._schemas = await self._fetch_schemas()
            rows = await self._describe(table, _COLUMNS[self.name])
            self._columns[table] = {row["name"]: ColumnType.parse(row["type"]) for row in rows}
        return self._columns[table]

    async def column(self, column: Column[Any]) -> ColumnType | None:
        """Return the type of a column, or `None` if there is none of its name."""
        return (await self.columns(column.table)).get(column.name)

    async def unique_keys(self, table: Table) -> set[frozenset[str]]:
        """Return what is unique together: columns by name, and `lower()` of one as `lower_of`."""
        keys: dict[Any, list[str | None]] = {}
        for row in await self._describe(table, _UNIQUE_KEYS[self.name]):
            key = row["name"] or _lower_key(row["expression"] or "")
            keys.setdefault(row["number"], []).append(key)
        return {frozenset(key for key in part if key) for part in keys.values() if all(part)}

    async def indexed(self, table: Table) -> set[str]:
        """Return the columns that an index finds: each that is the first of one."""
        return {row["name"] for row in await self._describe(table, _INDEXED[self.name])}

    async def gives_ids_again(self, column: Column[Any]) -> bool:
        """Tell whether the database gives the last number in a column to the next row, once its
        row is deleted: SQLite does, unless the table has AUTOINCREMENT."""
        if self.name != "sqlite":
            return False
        key = await self._describe(column.table, _PRIMARY_KEY_OF_ROWS)
        if [(row["name"], row["type"].upper()) for row in key] != [(column.name, "INTEGER")]:
            return False  # the database gives none
        [created] = await self._describe(column.table, _CREATED)
        return "AUTOINCREMENT" not in _TEXT.sub("", created["sql"]).upper()

    async def ignores_case(self, column: Column[Any]) -> bool:
        """Tell whether `=` finds a text in upper and lower case; the database is asked once.

        Only MySQL and MariaDB have such collations without the class or a type saying so.
        """
        if not self.is_mysql:
            return False

        async def ask() -> bool:
            rows = await self._describe(column.table, _COLLATIONS)
            collations = {row["name"]: row["collation"] for row in rows}
            return str(collations.get(column.name)).endswith("_ci")

        return await self._once("ignores case", column, ask)

    async def refers(self, column: Column[Any]) -> bool:
        """Tell whether the database refuses what a column refers to and is not there; it is asked
        once.

        SQLite need not, whatever the table declares. Of a database that is not known here it is
        taken for granted.
        """
        if self.name not in _REFERRING:
            return self.name != "sqlite"

        async def ask() -> bool:
            self._schemas = await self._fetch_schemas()
            rows = await self._describe(column.table, _REFERRING[self.name])
            return column.name in {row["name"] for row in rows}

        return await self._once("refers", column, ask)

    async def has(self, column: Column[Any]) -> bool:
        """Tell whether there is a column of this name; the database is asked once."""

        async def ask() -> bool:
            return self.name in KNOWN and await self.column(column) is not None

        return await self._once("is there", column, ask)

    async def _once(
        self, question: str, column: Column[Any], ask: Callable[[], Awaitable[bool]]
    ) -> bool:
        """Return the answer that this database once gave to a question about a column."""
        known = {} if self.source is None else _known.setdefault(self.source, {})
        if (question, column) not in known:
            known[question, column] = await ask()
        return known[question, column]

    async def count(self, statement: Any) -> int:
        """Return how many rows a statement finds."""
        number = select(func.count().label("number")).select_from(statement.subquery())
        [row] = await self.fetch(number)
        return int(row["number"])

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
        return self._undoubled(" ".join(str(compiled).split()))

    def quote(self, name: str) -> str:
        """Return a name as it stands in this database's SQL."""
        return self._undoubled(self.dialect.identifier_preparer.quote(name))

    def _undoubled(self, sql: str) -> str:
        """Return SQL as it is without parameters, for which some drivers need `%%` for `%`."""
        return sql.replace("%%", "%") if "format" in self.dialect.paramstyle else sql

    async def _describe(self, table: Table, sql: str) -> Sequence[Mapping[str, Any]]:
        schema = self.schema(table)
        prefix = "" if schema is None else f"{self.quote(schema)}."
        values = {
            "name": table.name,
            "schema": schema,
            "qualified": prefix + self.quote(table.name),
        }
        statement = text(sql.replace("{schema}", prefix.replace(":", "\\:")))
        wanted = {name: values[name] for name in values if f":{name}" in sql}
        return await self.fetch(statement.bindparams(**wanted).execution_options(**ONLY_READS))


def lower_of(name: str) -> str:
    """Return what `LiveTables.unique_keys` has for `lower()` of a column."""
    # SQLite finds a column whatever its case.
    return f"lower({name.lower()})"


def _lower_key(expression: str) -> str | None:
    found = _LOWER.fullmatch(expression)
    if found is None:
        return None
    column, quote = found["column"], found["column"][0]
    return lower_of(column if quote not in '"`' else column[1:-1].replace(quote * 2, quote))
