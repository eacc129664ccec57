"""The engine: it asks the rules, makes the changes that do not overlap, and asks again.

Each step begins with what the step before it has left, so steps one after another give the same
text as all of them at once.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.imports import tidy
from fastapi_users_db_cli.notebook import Notebook
from fastapi_users_db_cli.project import Project
from fastapi_users_db_cli.requirements import is_requirements
from fastapi_users_db_cli.rule import Change, Finding, Import, Rule
from fastapi_users_db_cli.rules import RULES
from fastapi_users_db_cli.rules.fud005_suppression import ignored, unused
from fastapi_users_db_cli.source import Edit, Source, Text, apply

__all__ = ["Failure", "Options", "Result", "check", "migrate"]

STEPS = (1, 3, 4, 5)
CYCLE = next(rule for rule in RULES if rule.code == "FUD004")
LATE = {"FUD510", "FUD513", "FUD901", "FUD902"}
"""What is done when nothing else is left: it goes by the names that the others have given."""
UNUSED = next(rule for rule in RULES if rule.code == "FUD005")
COMING = next(rule for rule in RULES if rule.code == "FUD320")
"""Says at step 3 what step 5 does."""
_PASSES = 20
_SYNTAX = {
    "2": r"\s*(print\s+[^(=]|exec\s+[\"']|raise\s+\w+\s*,|except\s+\w+\s*,\s*\w+\s*:)",
    "3.11 or later": r"\s*except\s*\*",
    "3.12 or later": r"\s*(type\s+\w+\s*(\[.*\]\s*)?=|(class|def|async\s+def)\s+\w+\s*\[)",
    "3.14 or later": r".*\bt[\"']",
}
"""What a line may look like that other versions of Python can read."""
_OWN = {"fastapi_users", "fastapi_users_db", "fastapi_users_db_sqlalchemy"}


@dataclass(frozen=True)
class Options:
    """What is asked of the engine."""

    unsafe: bool = False
    id_type: str | None = None
    driver: str | None = None
    is_assumed: bool = False
    is_reversible: bool = False
    is_renamed: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def wants(self, rule: Rule) -> bool:
        """Tell whether a rule is asked."""
        selected = not self.select or rule.code.startswith(self.select)
        return selected and not rule.code.startswith(self.ignore or ("-",))

    def applies(self, finding: Finding) -> bool:
        """Tell whether the change of a finding is made."""
        kinds = ("safe", "unsafe") if self.unsafe else ("safe",)
        return finding.change is not None and finding.kind in kinds


@dataclass(frozen=True)
class Failure:
    """A file that could not be read, or a rule that failed with it."""

    path: str
    line: int
    message: str


@dataclass
class Result:
    """The files after some steps, and what is left."""

    texts: dict[str, str]
    left: list[Finding] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    applied: int = 0


class _Files:
    """The files, parsed; what has not changed is not parsed again."""

    def __init__(self, texts: Mapping[str, str], options: Options) -> None:
        self.texts = dict(texts)
        self.options = options
        self.failures: dict[str, Failure] = {}
        self._parsed: dict[str, Source] = {}

    def facts(self) -> Facts:
        for path, text in self.texts.items():
            if not path.endswith((".py", ".ipynb")) or path in self.failures:
                continue
            if path not in self._parsed or self._parsed[path].text != text:
                try:
                    is_notebook = path.endswith(".ipynb")
                    self._parsed[path] = (Notebook if is_notebook else Source)(path, text)
                except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                    self.failures[path] = _failure(path, error)
        others = {
            path: text
            for path, text in self.texts.items()
            if not path.endswith((".py", ".ipynb")) or is_requirements(path)
        }
        parsed = {path: each for path, each in self._parsed.items() if not _is_library(path)}
        options = self.options
        project = Project(
            parsed,
            others,
            id_type=options.id_type,
            driver=options.driver,
            is_assumed=options.is_assumed,
            is_reversible=options.is_reversible,
            is_renamed=options.is_renamed,
        )
        return Facts(project)


def _is_library(path: str) -> bool:
    return not _OWN.isdisjoint(path.split("/")[:-1])


def _failure(path: str, error: BaseException) -> Failure:
    if isinstance(error, SyntaxError):
        return Failure(path, error.lineno or 1, f"cannot be parsed: {error.msg}{_hint(error)}")
    return Failure(path, 1, f"cannot be parsed: {type(error).__name__}: {error}")


def _hint(error: SyntaxError) -> str:
    """Say which Python could read a line, where that shows."""
    versions = [each for each, line in _SYNTAX.items() if re.match(line, error.text or "")]
    mine = ".".join(map(str, sys.version_info[:2]))
    return f" (Python {versions[0]}? This is {mine})" if versions else ""


def _found(rule: Rule, facts: Facts) -> list[Finding]:
    try:
        found = list(rule.find(facts))
    except Exception as error:  # whatever a fault of the rule's raises
        raise RuntimeError(f"{rule.code} failed: {type(error).__name__}: {error}") from error
    for finding in found:
        unknown = finding.change.unknown() if finding.change else None
        if unknown and (finding.fix or rule.fix) in ("safe", "unsafe"):
            finding.change, finding.fix = None, "manual"
            finding.message = f"{finding.message or rule.title}, and `{unknown}` is not known here"
    return found


def find(facts: Facts, steps: Collection[int], options: Options) -> list[Finding]:
    """Ask all rules of some steps."""
    found, used = [], set[tuple[str, int, str]]()
    for rule in RULES:
        if rule.step in steps and options.wants(rule):
            for finding in _found(rule, facts):
                finding.rule = rule
                line, _ = finding.source.place(finding.span[0])
                if rule.code in ignored(finding.source.line(line)):
                    used.add((finding.source.path, line, rule.code))
                else:
                    found.append(finding)
    if set(steps) == set(STEPS) and not options.select and options.wants(UNUSED):
        for finding in unused(facts, used):
            finding.rule = UNUSED
            found.append(finding)
    return sorted(found, key=lambda each: (each.rule.step, each.source.path, each.span))


def check(texts: Mapping[str, str], steps: Collection[int], options: Options) -> Result:
    """Find everything, and change nothing."""
    files = _Files(texts, options)
    facts = files.facts()
    return Result(dict(texts), find(facts, steps, options), list(files.failures.values()))


def migrate(texts: Mapping[str, str], steps: Iterable[int], options: Options) -> Result:
    """Make the changes of some steps.

    Raises:
        RuntimeError: a change breaks a file, or the rules come to no end.
    """
    files = _Files(texts, options)
    result = Result({}, failures=[])
    steps = sorted(steps)
    for step in steps:
        known: dict[str, str] = {}
        is_legacy = False
        for _ in range(_PASSES):
            facts = files.facts()
            known |= facts.table_of
            facts.table_of = dict(known)
            is_legacy = facts.is_legacy = facts.is_legacy or is_legacy
            found = find(facts, [step], options)
            wanted = [each for each in found if options.applies(each)]
            first = [each for each in wanted if each.rule.code not in LATE]
            changed, applied = _apply(facts.project, first or wanted)
            if not applied:
                break
            result.applied += applied
            files.texts.update(changed)
        else:
            raise RuntimeError(f"the rules of step {step} come to no end")
        result.left += [each for each in found if each.rule is not COMING or 5 not in steps]
    if set(steps) == set(STEPS):
        facts = files.facts()
        left = [each for each in find(facts, STEPS, options) if each.rule is UNUSED]
        changed, applied = _apply(facts.project, left)
        result.applied += applied
        files.texts.update(changed)
    result.texts = files.texts
    result.failures = list(files.failures.values())
    return result


def _apply(project: Project, findings: Sequence[Finding]) -> tuple[dict[str, str], int]:
    """Make the changes that do not overlap: a later pass finds the others again."""
    edits: dict[str, list[Edit]] = defaultdict(list)
    made: list[Finding] = []
    for finding in findings:
        found = finding.change.edits if finding.change else []
        if not any(_overlaps(edit, edits[edit.path]) for edit in found):
            made.append(finding)
            for edit in found:
                if edit not in edits[edit.path]:
                    edits[edit.path].append(edit)
    changes = [finding.change for finding in made if finding.change]
    changed = _texts(project, edits, changes)
    closing = _closing(project, changed, changes)
    if closing:
        for finding in made:
            if finding.change and not closing.isdisjoint(finding.change.imports):
                finding.rule, finding.fix = CYCLE, "manual"
        return _apply(project, [finding for finding in findings if finding.rule is not CYCLE])
    return changed, len(changes)


def _texts(
    project: Project, edits: Mapping[str, list[Edit]], changes: Sequence[Change]
) -> dict[str, str]:
    """Return the files after some edits, with the imports that they need then."""
    paths = {path for path, found in edits.items() if found}
    paths |= {path for change in changes for path, _ in change.forgotten}
    changed = {}
    for path in sorted(paths):
        source: Text = project.sources.get(path) or Text(path, project.texts.get(path, ""))
        data = apply(source.data, edits.get(path, []))
        if isinstance(source, Source):
            wanted = [each for change in changes for each in change.imports if each.path == path]
            forgotten = {name for change in changes for of, name in change.forgotten if of == path}
            try:
                data = tidy(source, data, wanted, forgotten, project.handed_on(path))
                ast.parse(data.decode())
            except SyntaxError as error:
                raise RuntimeError(f"{path}:{error.lineno}: a change broke it: {error}") from error
        changed[path] = data.decode()
    return changed


def _closing(
    project: Project, changed: Mapping[str, str], changes: Sequence[Change]
) -> set[Import]:
    """Return the new imports with which modules of the app would import each other."""
    new = [each for change in changes for each in change.imports]
    targets = {each: project.file_of(project.sources[each.path], each.module) for each in new}
    if not any(targets.values()):
        return set()
    after = {**project.sources}
    after |= {path: Source(path, text) for path, text in changed.items() if path in after}
    graph = Project(after).graph()
    before = project.graph()
    return {
        each
        for each, target in targets.items()
        if target and target not in before[each.path] and each.path in _reached(graph, target)
    }


def _reached(graph: Mapping[str, Collection[str]], start: str) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        for path in graph[waiting.pop()]:
            if path not in found:
                found.add(path)
                waiting.append(path)
    return found


def _overlaps(edit: Edit, others: Iterable[Edit]) -> bool:
    return any(
        edit != other
        and (
            (edit.start < other.end and other.start < edit.end)
            # Two that only take out, side by side: what is between them is then no longer the same.
            or (
                not edit.text
                and not other.text
                and edit.start <= other.end
                and other.start <= edit.end
            )
        )
        for other in others
    )
