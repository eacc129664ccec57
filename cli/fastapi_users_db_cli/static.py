"""The commands that read and rewrite code: `check`, `migrate` and `rule`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fastapi_users_db_cli.engine import STEPS, Failure, Options, Result, check, migrate
from fastapi_users_db_cli.errors import FAILED, LEFT, OK, UnusableError
from fastapi_users_db_cli.files import Document, Scan, dirty, scan, write
from fastapi_users_db_cli.notes import NOTES
from fastapi_users_db_cli.report import as_diff, as_text, next_step, render, summary
from fastapi_users_db_cli.rule import Finding
from fastapi_users_db_cli.rules import RULES

__all__ = ["run_check", "run_migrate", "run_rule"]


def _options(arguments: argparse.Namespace) -> Options:
    for code in [*arguments.select, *arguments.ignore]:
        if not any(rule.code.startswith(code) for rule in RULES):
            raise UnusableError(f"there is no rule {code}: fastapi-users-db rule lists them")
    return Options(
        unsafe=arguments.unsafe,
        id_type=arguments.id,
        driver=arguments.driver,
        is_assumed=arguments.assume is not None,
        is_reversible=arguments.reversible,
        is_renamed=arguments.rename,
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


def run_check(arguments: argparse.Namespace) -> int:
    scanned = _scan(arguments)
    steps = STEPS if arguments.step is None else _steps_of(arguments.step)
    result = check(scanned.texts, steps, _options(arguments))
    failures = _failures(scanned, result)
    sys.stdout.write(render(arguments.format, result.left, failures))
    if arguments.exit_zero:
        return OK
    return FAILED if failures else LEFT if _is_work(result.left) else OK


def run_migrate(arguments: argparse.Namespace) -> int:
    scanned, options = _scan(arguments), _options(arguments)
    for path in [path for path in scanned.documents if path.endswith(".ipynb")]:
        del scanned.documents[path]  # Notebooks are read, never written.
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
    if arguments.step is not None:
        return _steps_of(arguments.step)
    kinds = ("safe", "unsafe") if options.unsafe else ("safe",)
    step = next_step(check(scanned.texts, STEPS, options).left, kinds)
    return STEPS if step is None else (step,)


def _steps_of(step: str) -> tuple[int, ...]:
    if step == "2":
        raise UnusableError("step 2 is about the database: fastapi-users-db doctor --revision")
    return STEPS if step == "all" else (int(step),)


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


def run_rule(arguments: argparse.Namespace) -> int:
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
