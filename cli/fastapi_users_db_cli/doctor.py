"""`doctor`: what is wrong with the tables, in the order of what it breaks, and what mends it."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import registry

from fastapi_users_db import SchemaProblem
from fastapi_users_db_cli.errors import UnusableError
from fastapi_users_db_cli.live import Target, fetch, read_only, run, say, table_of
from fastapi_users_db_cli.remarks import Remark

__all__ = ["Diagnosis", "as_json", "as_table", "examine", "remarks"]

_BREAKS = {
    "ids-that-come-again": "safety",
    "missing-table": "login",
    "missing-column": "login",
    "wrong-type": "login",
    "narrow-column": "login",
    "emails-differing-by-case": "login",
    "missing-email-index": "registration",
    "missing-oauth-account-index": "registration",
    "orphaned-rows": "registration",
    "missing-lower-email-index": "speed",
    "missing-user-index": "speed",
}
_ORDER = ["safety", "login", "registration", "speed"]


@dataclass
class Diagnosis:
    """What is wrong with the tables of one database.

    Attributes:
        database: `sqlite`, `postgresql` or `mysql`.
        problems: what `check_schema` found, in the order of what it breaks.
        heads: the revisions of Alembic that the database is at.
        duplicates: for each address that several users have, their ids.
        plans: for each of these, what to do about it in SQL, where that was asked for.
    """

    database: str
    problems: list[SchemaProblem]
    heads: tuple[str, ...]
    duplicates: list[list[str]]
    plans: list[str]


def examine(targets: Sequence[Target], *, duplicates: bool = False) -> Diagnosis:
    """Compare the tables with what the adapters need. It reads, and changes nothing.

    Parameters:
        targets: the users, and the access tokens if there are any.
        duplicates: plan what to do about users whose addresses differ by case alone.

    Raises:
        UnusableError: the database does not answer.
    """
    found = Diagnosis("", [], (), [], [])

    async def work(adapter: Any, _: Any) -> None:
        async with read_only(adapter) as database:
            found.database = database
            say(f"reading {table_of(adapter).name} ...")
            found.problems += await adapter.check_schema()
            found.heads = await _heads(adapter)
            groups = await _duplicates(adapter, found.problems)
            found.duplicates += [list(map(str, ids)) for ids in groups.values()]
            for address, ids in groups.items() if duplicates else ():
                found.plans.append(await _plan(adapter, database, address, ids))
        say("")

    run(targets, work)
    problems = list(dict.fromkeys(found.problems))
    found.problems = sorted(problems, key=lambda each: _ORDER.index(_BREAKS[each.code]))
    return found


async def _heads(adapter: Any) -> tuple[str, ...]:
    if not hasattr(adapter, "session"):
        return ()
    try:
        from alembic.migration import MigrationContext
    except ImportError:
        return ()
    connection = await adapter.session.connection()
    heads: tuple[str, ...] = await connection.run_sync(
        lambda each: MigrationContext.configure(each).get_current_heads()
    )
    return heads


async def _duplicates(adapter: Any, problems: Sequence[SchemaProblem]) -> dict[str, list[Any]]:
    """Return the ids of users whose addresses differ by case alone, by that address."""
    user = table_of(adapter)
    if not any(
        (each.code, each.table) == ("emails-differing-by-case", user.name) for each in problems
    ):
        return {}
    lower = func.lower(user.c.email)
    several = select(lower).group_by(lower).having(func.count() > 1)
    statement = select(user.c.id, lower).where(lower.in_(several)).order_by(lower, user.c.id)
    groups: dict[str, list[Any]] = {}
    for id_, address in await fetch(adapter, statement):
        groups.setdefault(address, []).append(id_)
    return groups


async def _plan(adapter: Any, database: str, address: str, ids: list[Any]) -> str:
    """Return who shares an address, with what each has, and the statements that end it."""
    user = table_of(adapter)
    kept = (await adapter.get_by_email(address)).id
    referring = [
        column
        for table in user.metadata.sorted_tables
        for column in table.columns
        if any(key.column is user.c.id for key in column.foreign_keys)
    ]
    has: dict[Any, list[str]] = {id_: [] for id_ in ids}
    statement = select(user.c.id, user.c.is_verified).where(user.c.id.in_(ids))
    for id_, is_verified in await fetch(adapter, statement):
        has[id_].append("verified" if is_verified else "not verified")
    for column in referring:
        counts = select(column, func.count()).where(column.in_(ids)).group_by(column)
        for id_, count in await fetch(adapter, counts):
            has[id_].append(f"{count} of {column.table.name}")
    quote = registry.load(database)().identifier_preparer
    name = quote.format_table(user)
    lines = []
    for id_ in sorted(ids, key=lambda each: each != kept):
        role = "keep: the look-up finds it today" if id_ == kept else "rename or merge"
        lines.append(f"--   {id_}  {role}; {', '.join(has[id_])}")
        if id_ != kept:
            lines.append(f"--     UPDATE {name} SET email = '...' WHERE id = '{id_}';")
            for column in referring:
                table, named = quote.format_table(column.table), quote.format_column(column)
                lines.append(
                    f"--     UPDATE {table} SET {named} = '{kept}' WHERE {named} = '{id_}';"
                )
            lines.append(f"--     DELETE FROM {name} WHERE id = '{id_}';")
    return "\n".join(lines)


def cost(problem: SchemaProblem, database: str) -> str:
    """Say what it costs to mend something on this database."""
    if problem.code in ("missing-column", "narrow-column"):
        copies = database == "mysql" and problem.code == "narrow-column"
        return "may copy the table" if copies else "a short lock; no row is rewritten"
    if problem.code.endswith("-index"):
        waits = "reads the table; the app goes on writing"
        return waits if database == "postgresql" else "reads the table; writes wait"
    return (
        "a decision of yours" if problem.code == "emails-differing-by-case" else "see its section"
    )


def as_json(found: Diagnosis) -> str:
    """Return it as JSON."""
    problems = [
        {
            **asdict(problem),
            "address": problem.address,
            "severity": _BREAKS[problem.code],
            "rewrites": cost(problem, found.database),
        }
        for problem in found.problems
    ]
    value = {"version": 1, "database": found.database, "problems": problems}
    return json.dumps(value, indent=2) + "\n"


def remarks(found: Diagnosis) -> list[Remark]:
    """Return it for other programs: an error where somebody is kept from something."""
    return [
        Remark(
            each.code,
            "warning" if _BREAKS[each.code] == "speed" else "error",
            each.place,
            str(each),
            f"breaks {_BREAKS[each.code]}",
            each.address,
        )
        for each in found.problems
    ]


def as_table(found: Diagnosis) -> str:
    """Return it as a table, with what mends each problem below its line."""
    if not found.problems:
        return "The tables are sound.\n"
    rows = [("BREAKS", "CODE", "PLACE", "FOUND", "EXPECTED")]
    rows += [
        (_BREAKS[each.code], each.code, each.place, each.found, each.expected)
        for each in found.problems
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[-1]]))
        if number:
            problem = found.problems[number - 1]
            lines.append(f"    fix   {problem.fix}")
            lines.append(f"    cost  {cost(problem, found.database)}; {problem.address}")
    if found.duplicates:
        lines.append(plan(found))
    return "\n".join(lines) + "\n"


def plan(found: Diagnosis) -> str:
    """Return the users who share an address, for a person to decide about."""
    lines = [
        "Users whose addresses differ by case alone. Keep one of each, rename or merge others:"
    ]
    if found.plans:
        return "\n".join([*lines, "\n--\n".join(found.plans)])
    for ids in found.duplicates:
        lines += [
            f"--   {'keep?' if not number else 'other'}  {each}" for number, each in enumerate(ids)
        ]
        lines.append("--")
    return "\n".join(lines[:-1])


@dataclass(frozen=True)
class Step:
    """One revision: everything that takes the same kind of lock."""

    message: str
    lines: tuple[str, ...]


def steps(found: Diagnosis) -> tuple[list[Step], list[SchemaProblem]]:
    """Return the revisions that mend what can be mended, and what is left for a person."""
    columns: list[str] = []
    indexes: list[str] = []
    left = []
    are_unique = not found.duplicates
    for problem in found.problems:
        needs_value = "nullable=False" in problem.fix and "server_default" not in problem.fix
        if problem.code == "narrow-column" or (
            problem.code == "missing-column" and not needs_value
        ):
            columns.append(problem.fix)
        elif problem.code in ("missing-oauth-account-index", "missing-user-index") or (
            problem.code in ("missing-email-index", "missing-lower-email-index") and are_unique
        ):
            indexes += _index(problem.fix, found.database)
        else:
            left.append(problem)
    made = []
    if columns:
        made.append(Step("columns of fastapi-users-db", tuple(columns)))
    if indexes:
        made.append(Step("indexes of fastapi-users-db", tuple(indexes)))
    return made, left


def _index(fix: str, database: str) -> list[str]:
    """Return how to create an index so that others can go on writing, where that is possible."""
    if database != "postgresql":
        return [fix]
    call = ast.parse(fix, mode="eval").body
    assert isinstance(call, ast.Call)
    name, table = (ast.unparse(each) for each in call.args[:2])
    schema = "".join(f", {ast.unparse(each)}" for each in call.keywords if each.arg == "schema")
    return [
        "with op.get_context().autocommit_block():",
        # A build that failed before has left an index that is not valid.
        f"    op.drop_index({name}, {table}, if_exists=True, postgresql_concurrently=True{schema})",
        f"    {fix[:-1]}, postgresql_concurrently=True)",
    ]


def write_revisions(found: Diagnosis, made: Sequence[Step], config: str) -> list[str]:
    """Write revisions into the project, the first on top of its head; return their paths.

    Raises:
        UnusableError: there is no environment of Alembic's, it has several heads, or the database
            is not at its head.
    """
    try:
        from alembic.config import Config
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError, rev_id
    except ImportError as error:
        raise UnusableError(f"--revision needs Alembic: {error}") from error

    try:
        script = ScriptDirectory.from_config(Config(config))
        heads = tuple(script.get_heads())
    except CommandError as error:
        raise UnusableError(f"{config}: {error}") from error
    if len(heads) > 1:
        raise UnusableError(f"several heads: {', '.join(heads)}; merge them with alembic merge")
    if set(heads) != set(found.heads):
        at = ", ".join(found.heads) or "no revision"
        raise UnusableError(
            f"the database is at {at}, the head is {', '.join(heads) or 'no revision'}: "
            "run alembic upgrade head first"
        )
    paths = []
    for step in made:
        body = "\n    ".join(step.lines)
        imports = "import fastapi_users_db.types" if "fastapi_users_db" in body else ""
        revision = script.generate_revision(
            rev_id(),
            step.message,
            refresh=True,
            head="head",
            upgrades=body,
            downgrades="pass",
            imports=imports,
        )
        assert revision is not None
        paths.append(str(revision.path))
    return paths
