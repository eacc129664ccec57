"""The command line: what is asked for, and what it ends with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from fastapi_users_db_cli.errors import FAILED, LEFT, OK, UNUSABLE, UnusableError
from fastapi_users_db_cli.settings import CHOICES, settings

if TYPE_CHECKING:
    from fastapi_users_db_cli.live import Target
    from fastapi_users_db_cli.remarks import Remark

__all__ = ["main", "run"]

_EPILOG = (
    "It ends with 0 if nothing is left to do, 1 if something is, 2 if it cannot be done, and 3 if "
    "a file cannot be parsed, which is then left alone."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
    except UnusableError as error:
        sys.stderr.write(f"fastapi-users-db: {error}" + "\n")
        return UNUSABLE
    except RuntimeError as error:
        sys.stderr.write(f"fastapi-users-db: internal error: {error}; nothing is written" + "\n")
        return FAILED
    return code


def run() -> NoReturn:
    """Run the command line as a program."""
    sys.exit(main())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastapi-users-db",
        description="Lead an app to FastAPI Users 15 and fastapi-users-db, and check its tables.",
        epilog=_EPILOG,
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    checking = commands.add_parser("check", help="say what is to be changed; changes nothing")
    _add_common(checking)
    checking.add_argument("--format", choices=CHOICES["format"], default="text")
    checking.add_argument("--exit-zero", action="store_true", help="end with 0 whatever is found")
    checking.set_defaults(run=_static, reversible=False, rename=False)
    migrating = commands.add_parser("migrate", help="show the changes of a step, or make them")
    _add_common(migrating)
    migrating.add_argument("--write", action="store_true", help="change the files")
    migrating.add_argument(
        "--force", action="store_true", help="change files with uncommitted changes too"
    )
    migrating.add_argument(
        "--reversible",
        action="store_true",
        help="at step 3 keep hashes and sessions for a way back",
    )
    migrating.add_argument(
        "--rename", action="store_true", help="at step 5 name classes User and UserRead"
    )
    migrating.set_defaults(run=_static)
    given = settings()
    checking.set_defaults(**given)
    migrating.set_defaults(**given)
    explaining = commands.add_parser("rule", help="explain a rule, or list all of them")
    explaining.add_argument("code", nargs="?", metavar="CODE")
    explaining.set_defaults(run=_static)
    examining = commands.add_parser(
        "doctor", help="compare the tables in the database with the app"
    )
    _add_live(examining)
    examining.add_argument("--revision", action="store_true", help="write Alembic revisions")
    examining.add_argument(
        "--duplicates", action="store_true", help="plan for users who share an address"
    )
    examining.set_defaults(run=_doctor)
    verifying = commands.add_parser("verify", help="read all users: can each of them log in?")
    _add_live(verifying)
    verifying.add_argument("--sample", type=int, metavar="N", help="check no more than N users")
    verifying.add_argument("--deep", action="store_true", help="try each hash, not one of a kind")
    verifying.add_argument(
        "--ids", action="store_true", help="print the ids of users who cannot log in"
    )
    verifying.set_defaults(run=_verify)
    return parser


def _add_live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="MODULE:OBJECT",
        help="a dependency, a FastAPIUsers, or a mapped user class",
    )
    parser.add_argument(
        "--oauth",
        metavar="MODULE:CLASS",
        help="the class of OAuth accounts, if you give a mapped user class",
    )
    parser.add_argument(
        "--tokens",
        metavar="MODULE:OBJECT",
        help="access tokens: a dependency, or their mapped class",
    )
    parser.add_argument(
        "--database", metavar="URL", help="for mapped classes; or $DATABASE_URL, or alembic.ini"
    )
    parser.add_argument(
        "--config", default="alembic.ini", metavar="FILE", help="the file alembic.ini"
    )
    parser.add_argument("--format", choices=CHOICES["format"], default="text")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="default: .")
    parser.add_argument(
        "--step", choices=["1", "2", "3", "4", "5", "all"], help="one step of the guide"
    )
    parser.add_argument(
        "--unsafe", action="store_true", help="also changes that need a second look"
    )
    parser.add_argument(
        "--select", type=_codes, default=(), metavar="CODES", help="these rules only"
    )
    parser.add_argument(
        "--ignore", type=_codes, default=(), metavar="CODES", help="not these rules"
    )
    parser.add_argument(
        "--id", metavar="TYPE", help="the type of the user's id: uuid, int or a.b.C"
    )
    parser.add_argument("--driver", metavar="NAME", help="such as postgresql+asyncpg")
    parser.add_argument(
        "--assume", choices=["8"], help="go on as from FastAPI Users 8, whatever is required"
    )
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave these files out"
    )
    parser.add_argument("--stdin-filename", metavar="FILE", help="read this file from stdin")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip().upper() for code in text.split(",") if code.strip())


def _static(arguments: argparse.Namespace) -> int:
    # It has all the rules with it: nobody who asks for help waits for them.
    from fastapi_users_db_cli import static

    code: int = getattr(static, f"run_{arguments.command}")(arguments)
    return code


def _doctor(arguments: argparse.Namespace) -> int:
    # They import SQLAlchemy and FastAPI, which the other commands do without.
    try:
        from fastapi_users_db_cli import doctor
        from fastapi_users_db_cli.live import Target
    except ImportError as error:
        raise UnusableError(f"doctor runs in the environment of the app: {error}") from error

    targets = _targets(arguments, Target)
    found = doctor.examine(targets, duplicates=arguments.duplicates)
    if arguments.format in ("github", "sarif"):
        sys.stdout.write(_remarked(arguments, doctor.remarks(found)))
    else:
        show = doctor.as_json if arguments.format == "json" else doctor.as_table
        sys.stdout.write(show(found))
    if arguments.revision:
        made, left = doctor.steps(found)
        for path in doctor.write_revisions(found, made, arguments.config):
            sys.stderr.write(f"Written: {path}\n")
        for problem in left:
            sys.stderr.write(f"By hand: {problem.place}: {problem.code}, see {problem.address}\n")
    return LEFT if found.problems else OK


def _verify(arguments: argparse.Namespace) -> int:
    try:
        from fastapi_users_db_cli import verify
        from fastapi_users_db_cli.live import Target
    except ImportError as error:
        raise UnusableError(f"verify runs in the environment of the app: {error}") from error

    targets = _targets(arguments, Target)
    found = verify.verify(targets, sample=arguments.sample, deep=arguments.deep)
    if arguments.format in ("github", "sarif"):
        sys.stdout.write(_remarked(arguments, verify.remarks(found, ids=arguments.ids)))
    else:
        show = verify.as_json if arguments.format == "json" else verify.as_table
        sys.stdout.write(show(found, ids=arguments.ids))
    return OK if found.is_sound else LEFT


def _remarked(arguments: argparse.Namespace, remarks: list[Remark]) -> str:
    from fastapi_users_db_cli.remarks import as_github, as_sarif

    return as_github(remarks) if arguments.format == "github" else as_sarif(remarks)


def _targets(arguments: argparse.Namespace, target: type[Target]) -> list[Target]:
    names = [(arguments.target, arguments.oauth)]
    names += [(arguments.tokens, None)] if arguments.tokens else []
    return [target(name, oauth, arguments.database, arguments.config) for name, oauth in names]
