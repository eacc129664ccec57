"""The command line: what is asked for, and what it ends with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fastapi_users_db_cli.engine import STEPS, Failure, Options, Result, check, migrate
from fastapi_users_db_cli.files import Document, Scan, UnusableError, dirty, scan, write
from fastapi_users_db_cli.notes import NOTES
from fastapi_users_db_cli.report import FORMATS, as_diff, as_text, next_step, render, summary
from fastapi_users_db_cli.rule import Finding
from fastapi_users_db_cli.rules import RULES

if TYPE_CHECKING:
    from fastapi_users_db_cli.live import Target

__all__ = ["main", "run"]

OK, LEFT, UNUSABLE, FAILED = 0, 1, 2, 3
_EPILOG = (
    "It ends with 0 if nothing is left to do, 1 if something is, 2 if it cannot be done, and 3 if "
    "a file cannot be parsed, which is then left alone."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    checking = commands.add_parser("check", help="say what is to be changed; changes nothing")
    _add_common(checking)
    checking.add_argument("--format", choices=list(FORMATS), default="text")
    checking.add_argument("--exit-zero", action="store_true", help="end with 0 whatever is found")
    checking.set_defaults(run=_check)
    migrating = commands.add_parser("migrate", help="show the changes of a step, or make them")
    _add_common(migrating)
    migrating.add_argument("--write", action="store_true", help="change the files")
    migrating.add_argument(
        "--force", action="store_true", help="also those with uncommitted changes"
    )
    migrating.add_argument(
        "--reversible",
        action="store_true",
        help="at step 3 keep hashes and sessions for a way back",
    )
    migrating.add_argument(
        "--rename", action="store_true", help="at step 5 name classes User and UserRead"
    )
    migrating.set_defaults(run=_migrate)
    explaining = commands.add_parser("rule", help="explain a rule, or list all of them")
    explaining.add_argument("code", nargs="?", metavar="CODE")
    explaining.set_defaults(run=_rule)
    examining = commands.add_parser(
        "doctor", help="compare the tables in the database with the app"
    )
    _add_live(examining)
    examining.add_argument("--revision", action="store_true", help="write revisions of Alembic's")
    examining.set_defaults(run=_doctor)
    verifying = commands.add_parser("verify", help="read all users: can each of them log in?")
    _add_live(verifying)
    verifying.add_argument("--sample", type=int, metavar="N", help="so many users at most")
    verifying.add_argument("--deep", action="store_true", help="try each hash, not one of a kind")
    verifying.add_argument("--ids", action="store_true", help="name those who cannot")
    verifying.set_defaults(run=_verify)
    return parser


def _add_live(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target",
        metavar="MODULE:OBJECT",
        help="a dependency, a FastAPIUsers, or a mapped user class",
    )
    parser.add_argument("--oauth", metavar="MODULE:CLASS", help="beside a mapped user class")
    parser.add_argument("--tokens", metavar="MODULE:OBJECT", help="a dependency or mapped class")
    parser.add_argument(
        "--database", metavar="URL", help="for mapped classes; or $DATABASE_URL, or alembic.ini"
    )
    parser.add_argument("--config", default="alembic.ini", metavar="FILE", help="of Alembic's")
    parser.add_argument("--format", choices=["text", "json"], default="text")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH", help="default: .")
    parser.add_argument("--step", choices=["1", "3", "4", "5", "all"], help="one step of the guide")
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
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB")
    parser.add_argument("--stdin-filename", metavar="FILE", help="read this file from stdin")


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip().upper() for code in text.split(",") if code.strip())


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        unsafe=arguments.unsafe,
        id_type=arguments.id,
        driver=arguments.driver,
        is_assumed=arguments.assume is not None,
        is_reversible=getattr(arguments, "reversible", False),
        is_renamed=getattr(arguments, "rename", False),
        select=arguments.select,
        ignore=arguments.ignore,
    )


def _scan(arguments: argparse.Namespace) -> Scan:
    name = arguments.stdin_filename
    if name is None:
        return scan(arguments.paths, arguments.exclude)
    return Scan(
        {name: Document(name, Path(name), sys.stdin.read(), "utf-8", has_mark=False)}, seen=1
    )


def _failures(scanned: Scan, result: Result) -> list[Failure]:
    unreadable = [Failure(path, 1, message) for path, message in scanned.unreadable.items()]
    return [*unreadable, *result.failures]


def _is_work(findings: Sequence[Finding]) -> bool:
    return any(finding.kind != "none" for finding in findings)


def _check(arguments: argparse.Namespace) -> int:
    scanned = _scan(arguments)
    steps = STEPS if arguments.step in (None, "all") else (int(arguments.step),)
    result = check(scanned.texts, steps, _options(arguments))
    failures = _failures(scanned, result)
    sys.stdout.write(render(arguments.format, result.left, failures))
    if arguments.exit_zero:
        return OK
    return FAILED if failures else LEFT if _is_work(result.left) else OK


def _migrate(arguments: argparse.Namespace) -> int:
    scanned, options = _scan(arguments), _options(arguments)
    too_old = check(scanned.texts, [1], Options(select=("FUD105",))).left
    if too_old and not options.is_assumed:
        place = too_old[0].source.path
        raise UnusableError(
            f"{place} requires FastAPI Users 7 or older: go to 8 first (--assume 8)"
        )
    steps = _steps(arguments, scanned, options)
    result = migrate(scanned.texts, steps, options)
    failures = _failures(scanned, result)
    if arguments.stdin_filename:
        sys.stdout.write(result.texts[arguments.stdin_filename])
        return FAILED if failures else OK
    changed = {path: text for path, text in result.texts.items() if text != scanned.texts[path]}
    if changed and arguments.write:
        _write(arguments, scanned, changed)
    elif changed:
        sys.stdout.write(as_diff(scanned.texts, result.texts))
    left = [finding for finding in result.left if not options.applies(finding)]
    sys.stdout.write(_afterwards(steps, changed, left, failures, written=arguments.write))
    if failures:
        return FAILED
    return LEFT if _is_work(left) or (changed and not arguments.write) else OK


def _steps(arguments: argparse.Namespace, scanned: Scan, options: Options) -> tuple[int, ...]:
    if arguments.step == "all":
        return STEPS
    if arguments.step is not None:
        return (int(arguments.step),)
    kinds = ("safe", "unsafe") if options.unsafe else ("safe",)
    step = next_step(check(scanned.texts, STEPS, options).left, kinds)
    return STEPS if step is None else (step,)


def _write(arguments: argparse.Namespace, scanned: Scan, changed: dict[str, str]) -> None:
    uncommitted = dirty(scanned.documents[path] for path in changed)
    if uncommitted and not arguments.force:
        raise UnusableError(
            f"uncommitted changes in {', '.join(uncommitted)}: commit them first, or use --force"
        )
    if uncommitted is None:
        sys.stderr.write("There is no git here to go back with." + "\n")
    write(scanned, changed)


def _afterwards(
    steps: Sequence[int],
    changed: dict[str, str],
    left: Sequence[Finding],
    failures: Sequence[Failure],
    *,
    written: bool,
) -> str:
    text = ""
    if changed:
        verb = "Written" if written else "To be written, with --write"
        text += f"{verb}: {', '.join(sorted(changed))}\n"
    if left or failures:
        text += "Left to do:\n" + as_text(left, failures) + summary(left, failures)
    if changed:
        text += "".join(f"\nStep {step}\n{NOTES[step]}" for step in steps)
    return text or "Nothing to do.\n"


def _doctor(arguments: argparse.Namespace) -> int:
    # They import SQLAlchemy and FastAPI, which the other commands do without.
    try:
        from fastapi_users_db_cli import doctor
        from fastapi_users_db_cli.live import Target
    except ImportError as error:
        raise UnusableError(f"doctor runs in the environment of the app: {error}") from error

    targets = _targets(arguments, Target)
    found = doctor.examine(targets)
    text = doctor.as_json(found) if arguments.format == "json" else doctor.as_table(found)
    sys.stdout.write(text)
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
    show = verify.as_json if arguments.format == "json" else verify.as_table
    sys.stdout.write(show(found, ids=arguments.ids))
    return OK if found.is_sound else LEFT


def _targets(arguments: argparse.Namespace, target: type[Target]) -> list[Target]:
    names = [(arguments.target, arguments.oauth)]
    names += [(arguments.tokens, None)] if arguments.tokens else []
    return [target(name, oauth, arguments.database, arguments.config) for name, oauth in names]


def _rule(arguments: argparse.Namespace) -> int:
    if arguments.code is None:
        for rule in RULES:
            sys.stdout.write(f"{rule.code}  step {rule.step}  {rule.fix:6}  {rule.title}\n")
        return OK
    for rule in RULES:
        if rule.code == arguments.code.upper():
            head = f"{rule.code}: {rule.title} [{rule.fix}, step {rule.step}]"
            warns = ", ".join(rule.deprecations)
            said = [f"While the app runs, this warns: {warns}."] if warns else []
            parts = [head, rule.why, *said, (rule.text or "").strip(), rule.address]
            sys.stdout.write("\n\n".join(parts) + "\n")
            return OK
    raise UnusableError(f"there is no rule {arguments.code}: fastapi-users-db rule lists them")
