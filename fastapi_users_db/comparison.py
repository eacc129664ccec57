"""How strings are compared, whatever the collation of the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, LargeBinary, Text, cast, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.operators import eq

from fastapi_users_db.versions.sqlalchemy import BooleanBinary, ColumnElement

__all__ = [
    "differs_only_by_case",
    "is_same_text",
    "same_in_any_case",
    "same_text",
    "same_text_everywhere",
]

_BOOLEAN = Boolean()


class SameText(BooleanBinary):
    """The criterion that a column holds this string, in exactly these letters."""

    inherit_cache = True


def same_text(column: ColumnElement[str], value: Any) -> ColumnElement[bool]:
    """Return the criterion that `column` holds `value`, in exactly these letters.

    MySQL and MariaDB compare without case, without accents and without trailing spaces; ids and
    tokens need better. What a collation of the column's own takes for the same on another database
    (citext, ICU, NOCASE) is found, too: `is_same_text` looks closely.

    Parameters:
        column: the column.
        value: the string, or a parameter that stands for it.
    """
    operand = value
    if not isinstance(value, ColumnElement):
        operand = BindParameter(None, value, type_=column.type, unique=True)
    return SameText(column, operand, eq, type_=_BOOLEAN)


class SameTextEverywhere(SameText):
    """The same, whatever the collation that the column has in the database."""

    inherit_cache = True


def same_text_everywhere(column: ColumnElement[str], value: Any) -> ColumnElement[bool]:
    """Return the criterion that `column` holds `value`, where nobody looks closely afterwards.

    Parameters:
        column: the column, of a type that stores texts as they are.
        value: the string, or another such column.
    """
    same: Any = same_text(column, value)
    return SameTextEverywhere(same.left, same.right, eq, type_=_BOOLEAN)


def is_same_text(found: Any, given: Any) -> bool:
    """Tell whether a database has found the text that was given, in exactly these letters.

    For columns of SQLAlchemy's own types: another may hand back something else than it was given.
    What is no text is left to the database.

    Parameters:
        found: what the column holds; one of fixed width may be filled up with spaces.
        given: what was looked for.
    """
    is_text = isinstance(found, str) and isinstance(given, str)
    return not is_text or bool(found == given.ljust(len(found)))


def same_in_any_case(column: ColumnElement[str], value: str) -> ColumnElement[bool]:
    """Return the criterion that `column` holds `value`, but for upper and lower case.

    The database may take more for the same: `differs_only_by_case` looks closely.

    Parameters:
        column: the column.
        value: the string.
    """
    # A type of the app's own may make something else of it: what is stored is compared.
    return func.lower(column) == func.lower(literal(value, column.type))


@compiles(SameText)
def _compile(element: SameText, compiler: Any, **options: Any) -> str:
    return str(compiler.visit_binary(element, **options))


@compiles(SameText, "mysql")
@compiles(SameText, "mariadb")
def _compile_for_mysql(element: SameText, compiler: Any, **options: Any) -> str:
    def as_bytes(clause: Any) -> str:
        return f"CAST(CONVERT({compiler.process(clause, **options)} USING utf8mb4) AS BINARY)"

    # The first comparison finds the row by an index, the second looks closely.
    found = compiler.visit_binary(element, **options)
    return f"({found} AND {as_bytes(element.left)} = {as_bytes(element.right)})"


@compiles(SameTextEverywhere, "postgresql")
def _compile_for_postgresql(element: SameTextEverywhere, compiler: Any, **options: Any) -> str:
    found = compiler.visit_binary(element, **options)
    left, right = (cast(clause, Text) for clause in (element.left, element.right))
    return f"({found} AND {compiler.process(left.collate('C') == right, **options)})"


@compiles(SameTextEverywhere, "sqlite")
def _compile_for_sqlite(element: SameTextEverywhere, compiler: Any, **options: Any) -> str:
    found = compiler.visit_binary(element, **options)
    left, right = (cast(clause, LargeBinary) for clause in (element.left, element.right))
    return f"({found} AND {compiler.process(left == right, **options)})"


def differs_only_by_case(one: str, other: str) -> bool:
    """Tell whether two e-mail addresses are the same but for upper and lower case.

    Letters are the same if each is the other's upper or lower case, both ways. Signs whose case
    mapping leads to a letter and not back (Kelvin, Angstrom, Ohm, the dotless i) are different
    letters: an address that merely looks alike must never find somebody's user.
    """
    return len(one) == len(other) and all(
        a == b or _is_lower_of(a, b) or _is_lower_of(b, a) for a, b in zip(one, other, strict=True)
    )


def _is_lower_of(lower: str, upper: str) -> bool:
    return upper.lower() == lower and lower.upper() == upper
