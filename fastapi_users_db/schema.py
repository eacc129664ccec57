"""What the live tables are compared with: everything that the adapters need of them.

The comparison is the same for both adapters, and on every database. It reads, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    LargeBinary,
    String,
    Table,
    Text,
    cast,
    delete,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.exc import NoReferencedColumnError, NoReferencedTableError
from sqlalchemy.types import TypeEngine

from fastapi_users_db.catalogue import ColumnType, LiveTables, key_text
from fastapi_users_db.deprecation import DOCUMENTATION
from fastapi_users_db.exceptions import ColumnTooNarrowError, InvalidValueError
from fastapi_users_db.mapping import Entity, UserEntity
from fastapi_users_db.tables import tokens_as_declared
from fastapi_users_db.values import refusal_of_type

__all__ = ["SchemaProblem"]

HASH_WIDTH = 97
"""How many characters an argon2 hash has, as FastAPI Users 13 and later make them."""

# Pairs of families that hold the same values.
_SAME: dict[str, list[set[str]]] = {
    "postgresql": [],
    "mysql": [{"boolean", "integer"}, {"text", "uuid"}],
    "sqlite": [
        {"boolean", "integer"},
        {"text", "uuid"},
        {"text", "time"},
        {"time", "time with zone"},
    ],
}


@dataclass(frozen=True)
class SchemaProblem:
    """One thing in which the live tables are not what the adapter needs.

    It names tables and columns and counts rows, and never holds a value out of one.

    Attributes:
        code: stable name of the kind of problem; also the anchor of its section in the
            documentation.
        table: the table, with its schema where the class names one.
        column: the column, or `None` if it is about the whole table.
        found: what there is.
        expected: what there should be.
        fix: one line that makes it so: an operation of Alembic's, a statement, a command, or what
            the class is to say.
    """

    code: str
    table: str
    column: str | None
    found: str
    expected: str
    fix: str

    @property
    def address(self) -> str:
        """Where the documentation explains it."""
        return f"{DOCUMENTATION}/schema/#{self.code}"

    @property
    def place(self) -> str:
        """The table, or the column with its table."""
        return self.table if self.column is None else f"{self.table}.{self.column}"

    def __str__(self) -> str:
        return (
            f"{self.place}: expected {self.expected}, found {self.found}. Fix: {self.fix} "
            f"[{self.code}: {self.address}]"
        )


async def check_users(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    """Compare the user table, and the OAuth account table if there is one.

    Parameters:
        live: the tables that there are.
        users: what the app declares.
    """
    problems = await _check_columns(live, users, {"hashed_password": String(1024)})
    problems += await _check_email(live, users)
    if users.oauth is not None:
        tokens: dict[str, String] = {"access_token": Text(), "refresh_token": Text()}
        if users.oauth.table in tokens_as_declared:
            tokens = {}
        problems += await _check_columns(live, users.oauth, tokens)
        problems += await _check_account_index(live, users)
        problems += await _check_orphans(live, users.oauth_user, users.user_oauth)
    return sorted(problems, key=lambda problem: not _is_about_an_id(live, problem, users))


async def check_tokens(live: LiveTables, tokens: Entity) -> list[SchemaProblem]:
    """Compare the access token table.

    Parameters:
        live: the tables that there are.
        tokens: what the app declares.
    """
    problems = await _check_columns(live, tokens, {})
    for foreign_key in tokens.column("user_id").foreign_keys:
        try:
            user = foreign_key.column
        except (NoReferencedTableError, NoReferencedColumnError):
            continue  # the user table is declared elsewhere
        problems += await _check_orphans(live, foreign_key.parent, user)
    return problems


def is_too_long(error: Exception) -> bool:
    """Tell whether a database has refused a value that is too long for its column."""
    original = getattr(error, "orig", error)
    # By code: SQLSTATE on PostgreSQL, the error's number on MySQL and MariaDB.
    return getattr(original, "sqlstate", None) == "22001" or original.args[:1] == (1406,)


# What a driver or a database says of a value that it does not take, whatever the column is: the
# SQLSTATE of PostgreSQL (the first is what asyncpg itself says), the number of MySQL and MariaDB.
_NO_SUCH_VALUE = {"22000", "22003", "22007", "22008", "22021", "22P02", "22P03", "22P05"}
_NO_SUCH_VALUE_ON_MYSQL = [(1264,), (1265,), (1292,), (1366,)]


def _is_about_a_value(error: Exception) -> bool:
    original = getattr(error, "orig", error)
    return (
        getattr(original, "sqlstate", None) in _NO_SUCH_VALUE
        or original.args[:1] in _NO_SUCH_VALUE_ON_MYSQL
        or str(original).startswith("Error binding parameter")
        or isinstance(original, OverflowError)
    )


async def error_about_values(
    error: Exception, live: LiveTables, written: Sequence[tuple[Entity, Mapping[str, Any]]]
) -> Exception | None:
    """Return the error that says which value could not be written, without showing it.

    Parameters:
        error: the error that the backend raised.
        live: the tables that there are.
        written: what was to be written, by attribute.

    Returns:
        The error, or `None` if `error` is about something else.
    """
    if is_too_long(error):
        return await _narrow_column_error(error, live, written)
    for of, values in written:
        for attribute, value in values.items():
            column = of.find_column(attribute)
            refusal = None if column is None else refusal_of_type(column, value, live.dialect)
            if refusal is not None:
                name = type(refusal).__name__
                return InvalidValueError(f"{of.name}.{attribute} takes no such value ({name}).")
    if _is_about_a_value(error):
        names = [f"{of.name}.{attribute}" for of, values in written for attribute in values]
        return InvalidValueError(
            f"The database takes no such value of one of these: {', '.join(names)}."
        )
    return None


async def _narrow_column_error(
    error: Exception, live: LiveTables, written: Iterable[tuple[Entity, Mapping[str, Any]]]
) -> Exception | None:
    """Return the error that names the column that was too narrow, if it is found."""
    for of, values in written if live.is_known else ():
        for attribute, value in values.items():
            column = of.find_column(attribute)
            if column is None or not isinstance(value, str):
                continue
            found = (await live.columns(_table(column))).get(column.name)
            if found is None or found.width is None or len(value) <= found.width:
                continue
            problem = _narrow_column(live, column, found, column.type)
            return ColumnTooNarrowError.from_backend_error(
                error,
                message=f"{problem.place} is {found.sql} in the database, and the value takes "
                f"{len(value)} characters. Widen the column: {problem.fix} "
                f"[{problem.code}: {problem.address}]",
                table=problem.table,
                column=column.name,
                width=found.width,
                needed=len(value),
            )
    return None


async def _check_columns(
    live: LiveTables, of: Entity, least: Mapping[str, String]
) -> list[SchemaProblem]:
    """Compare the columns; `least` says what some need to be whatever the class declares."""
    problems: list[SchemaProblem] = []
    least = {of.synonyms.get(attribute, attribute): type_ for attribute, type_ in least.items()}
    # With joined inheritance there are several tables.
    tables = dict.fromkeys(_table(column) for column in of.columns.values())
    problems += [_missing_table(live, table) for table in tables if not await live.columns(table)]
    for attribute, column in of.columns.items():
        if found := await live.columns(_table(column)):
            type_ = _needed(live, column, least.get(attribute))
            problems += _check_column(live, of, column, found.get(column.name), type_)
    return problems


def _needed(live: LiveTables, column: Column[Any], least: String | None) -> TypeEngine[Any]:
    """Return the type that a column is to have: its own, unless that cannot hold `least`."""
    width = live.declared(column.type).width
    if least is not None and width is not None and (least.length is None or width < HASH_WIDTH):
        return least
    return column.type


def _is_about_an_id(live: LiveTables, problem: SchemaProblem, users: UserEntity) -> bool:
    """Tell whether an id is of another type than the table's: then nobody is found."""
    ids = [of.find_column("id") for of in (users, users.oauth) if of is not None]
    places = [(live.full_name(_table(column)), column.name) for column in ids if column is not None]
    return problem.code == "wrong-type" and (problem.table, problem.column) in places


def _check_column(
    live: LiveTables,
    of: Entity,
    column: Column[Any],
    found: ColumnType | None,
    type_: TypeEngine[Any],
) -> list[SchemaProblem]:
    if found is None:
        return [_missing_column(live, column)]
    expected = live.declared(type_)
    if not _same_family(live, expected, found):
        return [_wrong_type(live, of, column, found)]
    is_narrow = _is_narrower(found, expected)
    if is_narrow and expected.fixed:
        # Not a matter of room: every value is written in another form.
        return [_wrong_type(live, of, column, found)]
    # SQLite takes a value of any length.
    if is_narrow and live.name != "sqlite":
        return [_narrow_column(live, column, found, type_)]
    return []


async def _check_email(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    column = users.email_column
    table = _table(column)
    found = (await live.columns(table)).get(column.name)
    if found is None or found.family not in ("text", None):
        return []  # reported already
    problems = []
    unique = await live.unique_keys(table)
    lower = key_text(f"lower({column.name})")
    if {key_text(column.name)} not in unique:
        problems.append(
            SchemaProblem(
                code="missing-email-index",
                table=live.full_name(table),
                column=column.name,
                found="no unique index",
                expected="a unique index",
                fix=_create_index(
                    live, column, f"ix_{table.name}_{column.name}", repr(column.name)
                ),
            )
        )
    if users.has_lower_email_index and {lower} not in unique and live.name != "mysql":
        expression = f"sa.text({f'lower({column.name})'!r})"
        problems.append(
            SchemaProblem(
                code="missing-lower-email-index",
                table=live.full_name(table),
                column=column.name,
                found="no unique index on lower()",
                expected="a unique index on lower(), as unique_email_index() declares it",
                fix=_create_index(live, column, f"ix_{table.name}_email_lower", expression),
            )
        )
    return problems + await _check_duplicates(live, column)


async def _check_duplicates(live: LiveTables, column: Column[Any]) -> list[SchemaProblem]:
    key: Any = func.lower(column)
    if live.name == "mysql":
        # Its collations take more than upper and lower case for the same.
        key = cast(key, LargeBinary)
    one: Any = literal_column("1")
    several = select(key.label("address")).group_by(key).having(func.count() > one)
    count = await live.number(select(func.count().label("number")).select_from(several.subquery()))
    if not count:
        return []
    return [
        SchemaProblem(
            code="emails-differing-by-case",
            table=live.full_name(_table(column)),
            column=column.name,
            found=f"{count} {_plural(count, 'address', 'addresses')} of several users each",
            expected="one user for each address, upper and lower case apart",
            fix=live.sql(
                select(key.label("address"), func.count().label("users"))
                .group_by(key)
                .having(func.count() > one)
            ),
        )
    ]


async def _check_account_index(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    if not users.has_unique_accounts:
        return []
    column, _ = users.account_columns
    table, names = _table(column), [column.name for column in users.account_columns]
    if not set(names) <= (await live.columns(table)).keys():
        return []  # reported already
    declared = {key_text(name) for name in names}
    if any(unique <= declared for unique in await live.unique_keys(table)):
        return []
    return [
        SchemaProblem(
            code="missing-oauth-account-index",
            table=live.full_name(table),
            column=None,
            found=f"no unique index on {' and '.join(names)}",
            expected="a unique index, as unique_oauth_account_index() declares it",
            fix=_create_index(
                live, column, f"ix_{table.name}_account", ", ".join(map(repr, names))
            ),
        )
    ]


async def _check_orphans(
    live: LiveTables, column: Column[Any], user: Column[Any]
) -> list[SchemaProblem]:
    """Look for rows whose `column` refers to a user who is not there."""
    found = (await live.columns(_table(column))).get(column.name)
    found_user = (await live.columns(_table(user))).get(user.name)
    if found is None or found_user is None or not _same_family(live, found_user, found):
        return []  # reported already; PostgreSQL does not compare different types
    orphaned = column.is_not(None) & ~exists().where(user == column)
    table = _table(column)
    count = await live.number(
        select(func.count().label("number")).select_from(table).where(orphaned)
    )
    if not count:
        return []
    return [
        SchemaProblem(
            code="orphaned-rows",
            table=live.full_name(table),
            column=column.name,
            found=f"{count} {_plural(count, 'row', 'rows')} of users who are gone",
            expected=f"a row of {live.full_name(_table(user))} for each",
            fix=live.sql(delete(table).where(orphaned)),
        )
    ]


def _same_family(live: LiveTables, expected: ColumnType, found: ColumnType) -> bool:
    families = {expected.family, found.family}
    return len(families) == 1 or None in families or families in _SAME[live.name]


def _is_narrower(found: ColumnType, expected: ColumnType) -> bool:
    if found.width is None or expected.family is None:
        return False
    return expected.width is None or found.width < expected.width


def _missing_table(live: LiveTables, table: Table) -> SchemaProblem:
    return SchemaProblem(
        code="missing-table",
        table=live.full_name(table),
        column=None,
        found="no table",
        expected="a table",
        fix=f"alembic revision --autogenerate -m {f'create {table.name}'!r}",
    )


def _missing_column(live: LiveTables, column: Column[Any]) -> SchemaProblem:
    options = "" if column.nullable else ", nullable=False"
    default: Any = column.default
    if default is not None and isinstance(default.arg, bool):
        # The rows that exist need a value.
        options += f", server_default=sa.{str(default.arg).lower()}()"
    definition = f"sa.Column({column.name!r}, {_python(column.type)}{options})"
    return SchemaProblem(
        code="missing-column",
        table=live.full_name(_table(column)),
        column=column.name,
        found="no column",
        expected=live.declared(column.type).sql,
        fix=f"op.add_column({_table(column).name!r}, {definition}{_schema(live, column)})",
    )


def _narrow_column(
    live: LiveTables, column: Column[Any], found: ColumnType, type_: TypeEngine[Any]
) -> SchemaProblem:
    return SchemaProblem(
        code="narrow-column",
        table=live.full_name(_table(column)),
        column=column.name,
        found=found.sql,
        expected=live.declared(type_).sql,
        fix=_alter_column(live, column, type_, f", existing_type=sa.String({found.width})"),
    )


def _wrong_type(
    live: LiveTables, of: Entity, column: Column[Any], found: ColumnType
) -> SchemaProblem:
    expected = live.declared(column.type)
    using = f'"{column.name}"::{expected.sql.lower()}'
    options = f", postgresql_using={using!r}" if live.name == "postgresql" else ""
    fix = _alter_column(live, column, column.type, options)
    declared = _declared_id(found)
    is_id = column is of.find_column("id")
    if is_id and declared is not None and "integer" in (expected.family, found.family):
        # No database makes one of the other, and other rows refer to what is there.
        fix = f"class {of.name}(...): {of.id} = sa.Column({column.name!r}, {declared})"
    return SchemaProblem(
        code="wrong-type",
        table=live.full_name(_table(column)),
        column=column.name,
        found=found.sql,
        expected=expected.sql,
        fix=fix,
    )


def _declared_id(found: ColumnType) -> str | None:
    """Return what a class is to say of its ids, as they are: integers or UUIDs."""
    if found.family == "integer":
        return "sa.Integer, primary_key=True"
    if found.family == "uuid" or (found.fixed and found.width == 36):
        return "fastapi_users_db.GUID, primary_key=True, default=uuid.uuid4"
    return None


def _alter_column(
    live: LiveTables, column: Column[Any], type_: TypeEngine[Any], options: str
) -> str:
    return (
        f"op.alter_column({_table(column).name!r}, {column.name!r}, type_={_python(type_)}"
        f"{options}, existing_nullable={column.nullable}{_schema(live, column)})"
    )


def _create_index(live: LiveTables, column: Column[Any], name: str, keys: str) -> str:
    table = _table(column)
    return (
        f"op.create_index({name!r}, {table.name!r}, [{keys}], unique=True{_schema(live, column)})"
    )


def _schema(live: LiveTables, column: Column[Any]) -> str:
    schema = live.schema(_table(column))
    return "" if schema is None else f", schema={schema!r}"


def _python(type_: TypeEngine[Any]) -> str:
    module = type(type_).__module__
    return f"{'sa' if module.startswith('sqlalchemy.') else module}.{type_!r}"


def _plural(count: int, one: str, several: str) -> str:
    return one if count == 1 else several


def _table(column: Column[Any]) -> Table:
    return column.table
