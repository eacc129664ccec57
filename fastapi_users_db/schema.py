"""What the live tables are compared with: everything that the adapters need of them.

The comparison is the same for both adapters, and on every database. It reads, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote as shell_quote
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import conv
from sqlalchemy.types import TypeEngine

from fastapi_users_db.catalogue import ColumnType, LiveTables, lower_of
from fastapi_users_db.deprecation import DOCUMENTATION
from fastapi_users_db.exceptions import ColumnTooNarrowError
from fastapi_users_db.mapping import Entity, UserEntity
from fastapi_users_db.tables import index_name, tokens_as_declared
from fastapi_users_db.values import too_wide

__all__ = ["SchemaProblem"]

HASH_WIDTH = 97
"""How many characters an argon2 hash has, as FastAPI Users 13 and later make them."""

# What says that a text is too long, or a value too wide: SQLSTATE on PostgreSQL, the error's number
# on MySQL and MariaDB. asyncpg's own refusal of a number is 22000.
_TOO_LONG = ("22001", 1406)
_TOO_WIDE = (*_TOO_LONG, "22000", "22003", 1264)

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
    """A difference between the tables in the database and what the adapter needs.

    It names tables and columns and counts rows. It never contains a value of a row.

    Attributes:
        code: stable name of the kind of problem; also the anchor of its section in the
            documentation.
        table: the table, with its schema where the class names one.
        column: the column, or `None` if it is about the whole table.
        found: what there is.
        expected: what there should be.
        fix: one line that removes the difference: an operation for Alembic, an SQL statement, a
            command, or a line for the class.
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
    problems = await _check_columns(live, users, {"hashed_password": sa.String(1024)})
    problems += await _check_email(live, users)
    if users.oauth is not None:
        tokens: dict[str, sa.String] = {"access_token": sa.Text(), "refresh_token": sa.Text()}
        if users.oauth.table in tokens_as_declared:
            tokens = {}
        problems += await _check_columns(live, users.oauth, tokens)
        problems += await _check_account_index(live, users)
        for account, user in users.references:
            problems += await _check_orphans(live, account, user)
    # Where an id is of another type than the table's, nobody is found.
    ids = [of.find_column("id") for of in (users, users.oauth) if of is not None]
    places = [(live.full_name(id_.table), id_.name) for id_ in ids if id_ is not None]
    problems.sort(key=lambda p: p.code != "wrong-type" or (p.table, p.column) not in places)
    return await _check_ids(live, users) + problems


async def check_tokens(live: LiveTables, tokens: Entity) -> list[SchemaProblem]:
    """Compare the access token table.

    Parameters:
        live: the tables that there are.
        tokens: what the app declares.
    """
    problems = await _check_columns(live, tokens, {})
    column = tokens.find_column("user_id")
    if column is None or await live.column(column) is None:
        return problems  # reported already
    if column.name not in await live.indexed(column.table):
        problems.append(
            _problem(
                *(live, column, "missing-user-index"),
                found="no index",
                expected="an index: without it, finding the sessions of a user reads all tokens",
                fix=_create_index(*(live, column, column.name, repr(column.name)), unique=False),
            )
        )
    if tokens.owner is not None:
        problems += await _check_orphans(live, column, tokens.owner.column)
    return problems


async def error_about_values(
    error: Exception, live: LiveTables, written: Sequence[tuple[Entity, Mapping[str, Any]]]
) -> Exception | None:
    """Return the error that names the column that was too narrow, without showing the value:
    narrower in the database than in the class, or in the class already.

    Parameters:
        error: the error that the backend raised.
        live: the tables that there are.
        written: what was to be written, by attribute.

    Returns:
        The error, or `None` if `error` is about something else.
    """
    original = getattr(error, "orig", error)
    code = getattr(original, "sqlstate", None) or (*original.args, None)[0]
    if code not in _TOO_WIDE and not isinstance(error, OverflowError):
        return None
    for of, values in written:
        for key in of.framework_columns.keys() & values.keys():
            refused = too_wide(f"{of.name}.{key}", of.framework_columns[key], values[key])
            if refused is not None:
                return refused
    given = [
        (of.find_column(key), value) for of, values in written for key, value in values.items()
    ]
    for column, value in given:
        if column is None or code not in _TOO_LONG or not isinstance(value, str):
            continue
        found = await live.column(column)
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
    live: LiveTables, of: Entity, least: Mapping[str, sa.String]
) -> list[SchemaProblem]:
    """Compare the columns; `least` says what some need to be whatever the class declares."""
    least = {of.synonyms.get(attribute, attribute): type_ for attribute, type_ in least.items()}
    # With joined inheritance there are several tables.
    tables = dict.fromkeys(column.table for column in of.columns.values())
    problems = [
        _problem(
            *(live, table, "missing-table"),
            found="no table",
            expected="a table",
            fix=f"alembic revision --autogenerate -m {shell_quote(f'create {table.name}')}",
        )
        for table in tables
        if not await live.columns(table)
    ]
    for attribute, column in of.columns.items():
        if await live.columns(column.table):
            problems += await _check_column(live, of, column, least.get(attribute))
    return problems


async def _check_column(
    live: LiveTables, of: Entity, column: sa.Column[Any], least: sa.String | None
) -> list[SchemaProblem]:
    found, type_ = await live.column(column), column.type
    if found is None:
        return [_missing_column(live, column)]
    width = live.declared(type_).width
    if least is not None and width is not None and (least.length is None or width < HASH_WIDTH):
        type_ = least
    expected = live.declared(type_)
    is_narrow = expected.is_wider_than(found)
    # If fixed it is not a matter of room: every value is written in another form.
    if not _same_family(live, expected, found) or (is_narrow and expected.fixed):
        return [_wrong_type(live, of, column, found)]
    # SQLite takes a value of any length.
    if is_narrow and live.name != "sqlite":
        return [_narrow_column(live, column, found, type_)]
    return []


async def _check_email(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    column = users.find_column("email")
    if column is None:
        return []  # the app looks users up by something else
    found = await live.column(column)
    if found is None or found.family not in ("text", None):
        return []  # reported already
    problems = []
    unique = await live.unique_keys(column.table)
    if {column.name} not in unique:
        problems.append(
            _problem(
                *(live, column, "missing-email-index"),
                found="no unique index",
                expected="a unique index",
                fix=_create_index(live, column, column.name, repr(column.name)),
            )
        )
    if users.has_lower_email_index and {lower_of(column.name)} not in unique and not live.is_mysql:
        # A colon would begin a parameter.
        expression = f"lower({live.quote(column.name)})".replace(":", "\\:")
        problems.append(
            _problem(
                *(live, column, "missing-lower-email-index"),
                found="no unique index on lower()",
                expected="a unique index on lower(), as unique_email_index() declares it: without "
                "it the time that a look-up takes tells which addresses are registered",
                fix=_create_index(live, column, "email_lower", f"sa.text({expression!r})"),
            )
        )
    return problems + await _check_duplicates(live, column)


async def _check_ids(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    """Look for ids that are used twice: the tokens of a deleted user are then the next user's."""
    column = users.find_column("id")
    found = None if column is None else await live.column(column)
    if column is None or found is None or not _same_family(live, live.declared(column.type), found):
        return []  # reported already
    if not await live.gives_ids_again(column):
        return []
    options = "recreate='always', table_kwargs={'sqlite_autoincrement': True}"
    return [
        _problem(
            *(live, column, "ids-that-come-again"),
            found="the next user gets the id of a deleted one, whose tokens then log in as the "
            "next user",
            expected="AUTOINCREMENT, so that no id is used twice",
            fix=f"with {_operation(live, column, 'batch_alter_table', options)}: pass",
        )
    ]


async def _check_duplicates(live: LiveTables, column: sa.Column[Any]) -> list[SchemaProblem]:
    key: Any = sa.func.lower(column)
    if live.is_mysql:
        # Its collations take more than upper and lower case for the same.
        key = sa.cast(key, sa.LargeBinary)
    one: Any = sa.literal_column("1")
    several = sa.select(key.label("address")).group_by(key).having(sa.func.count() > one)
    count = await live.count(several)
    if not count:
        return []
    return [
        _problem(
            *(live, column, "emails-differing-by-case"),
            found=f"{count} {'address' if count == 1 else 'addresses'} of several users each",
            expected="one user for each address, in whatever case it is written",
            fix=live.sql(several.add_columns(sa.func.count().label("users"))),
        )
    ]


async def _check_account_index(live: LiveTables, users: UserEntity) -> list[SchemaProblem]:
    if not users.has_unique_accounts:
        return []
    column, _ = users.account_columns
    names = [column.name for column in users.account_columns]
    if not set(names) <= (await live.columns(column.table)).keys():
        return []  # reported already
    if any(unique <= set(names) for unique in await live.unique_keys(column.table)):
        return []
    return [
        _problem(
            *(live, column.table, "missing-oauth-account-index"),
            found=f"no unique index on {' and '.join(names)}",
            expected="a unique index, as unique_oauth_account_index() declares it",
            fix=_create_index(live, column, "account", ", ".join(map(repr, names))),
        )
    ]


async def _check_orphans(
    live: LiveTables, column: sa.Column[Any], user: sa.Column[Any]
) -> list[SchemaProblem]:
    """Look for rows whose `column` refers to a user who is not there."""
    found, found_user = await live.column(column), await live.column(user)
    if found is None or found_user is None or not _same_family(live, found_user, found):
        return []  # reported already; PostgreSQL does not compare different types
    orphaned = column.is_not(None) & ~sa.exists().where(user == column)
    count = await live.count(sa.select(column).where(orphaned))
    if not count:
        return []
    return [
        _problem(
            *(live, column, "orphaned-rows"),
            found=f"{count} {'row' if count == 1 else 'rows'} of users who are gone",
            expected=f"a row of {live.full_name(user.table)} for each",
            fix=live.sql(sa.delete(column.table).where(orphaned)),
        )
    ]


def _same_family(live: LiveTables, expected: ColumnType, found: ColumnType) -> bool:
    families = {expected.family, found.family}
    return len(families) == 1 or None in families or families in _SAME[live.name]


def _problem(live: LiveTables, of: Any, code: str, **texts: str) -> SchemaProblem:
    """Return a problem of a table or a column."""
    table, column = (of.table, of.name) if isinstance(of, sa.Column) else (of, None)
    return SchemaProblem(code=code, table=live.full_name(table), column=column, **texts)


def _missing_column(live: LiveTables, column: sa.Column[Any]) -> SchemaProblem:
    options = "" if column.nullable else ", nullable=False"
    default: Any = column.default
    if default is not None and isinstance(default.arg, bool):
        # The rows that exist need a value.
        options += f", server_default=sa.{str(default.arg).lower()}()"
    definition = f"sa.Column({column.name!r}, {_python(column.type)}{options})"
    return _problem(
        *(live, column, "missing-column"),
        found="no column",
        expected=live.declared(column.type).sql,
        fix=_operation(live, column, "add_column", definition),
    )


def _narrow_column(
    live: LiveTables, column: sa.Column[Any], found: ColumnType, type_: TypeEngine[Any]
) -> SchemaProblem:
    return _problem(
        *(live, column, "narrow-column"),
        found=found.sql,
        expected=live.declared(type_).sql,
        fix=_alter_column(live, column, type_, f", existing_type=sa.String({found.width})"),
    )


def _wrong_type(
    live: LiveTables, of: Entity, column: sa.Column[Any], found: ColumnType
) -> SchemaProblem:
    expected = live.declared(column.type)
    name = live.quote(column.name)
    if "%" in name:
        # Alembic hands it on as it is, and some drivers take a percent sign for a parameter.
        name = "U&" + name.replace("\\", r"\\").replace("%", r"\0025")
    using = f"{name}::{expected.sql.lower()}"
    options = f", postgresql_using={using!r}" if live.name == "postgresql" else ""
    fix = _alter_column(live, column, column.type, options)
    declared = _declared_id(found)
    is_id = column is of.find_column("id")
    if is_id and declared is not None and "integer" in (expected.family, found.family):
        # No database makes one of the other, and other rows refer to what is there.
        fix = f"class {of.name}(...): {of.id} = sa.Column({column.name!r}, {declared})"
    return _problem(*(live, column, "wrong-type"), found=found.sql, expected=expected.sql, fix=fix)


def _declared_id(found: ColumnType) -> str | None:
    """Return what a class is to say of its ids, as they are: integers or UUIDs."""
    if found.family == "integer":
        return "sa.Integer, primary_key=True"
    if found.family == "uuid" or (found.fixed and found.width == 36):
        return "fastapi_users_db.GUID, primary_key=True, default=uuid.uuid4"
    return None


def _alter_column(
    live: LiveTables, column: sa.Column[Any], type_: TypeEngine[Any], options: str
) -> str:
    change = f"type_={_python(type_)}{options}, existing_nullable={column.nullable}"
    return _operation(live, column, "alter_column", f"{column.name!r}, {change}")


def _create_index(
    live: LiveTables, column: sa.Column[Any], suffix: str, keys: str, *, unique: bool = True
) -> str:
    name = index_name(column.table, suffix)
    # Alembic shortens a name like this as SQLAlchemy does.
    python = f"op.f({str(name)!r})" if isinstance(name, conv) else repr(name)
    return _operation(live, column, "create_index", f"[{keys}], unique={unique}", f"{python}, ")


def _operation(
    live: LiveTables, column: sa.Column[Any], name: str, arguments: str, before: str = ""
) -> str:
    """Return an operation of Alembic's on a column's table."""
    schema = live.schema(column.table)
    where = "" if schema is None else f", schema={schema!r}"
    return f"op.{name}({before}{column.table.name!r}, {arguments}{where})"


def _python(type_: TypeEngine[Any]) -> str:
    module = type(type_).__module__
    return f"{'sa' if module.startswith('sqlalchemy.') else module}.{type_!r}"
