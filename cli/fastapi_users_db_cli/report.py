"""What is found, as text and in the forms that other programs read."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi_users_db_cli.engine import Failure
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import apply

__all__ = ["FORMATS", "annotation", "as_diff", "as_text", "render", "sarif", "summary", "write_of"]

_COLOURS = {"code": "36", "safe": "32", "unsafe": "33", "manual": "31", "none": "2", "path": "1"}
_KINDS = {"manual": "by hand", "none": "notice"}


def is_coloured() -> bool:
    """Tell whether the terminal wants colours."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def _paint(text: str, kind: str) -> str:
    return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if is_coloured() else text


def message_of(finding: Finding) -> str:
    """Return what is wrong and why it matters, in a line."""
    return f"{finding.message or finding.rule.title}. {finding.rule.why}"


def write_of(finding: Finding) -> str:
    """Return what to write: by hand as the rule says it, otherwise the first line that changes."""
    if finding.write or finding.change is None:
        return finding.write
    source = finding.source
    edits = [edit for edit in finding.change.edits if edit.path == source.path]
    start, end = finding.span
    near = [edit for edit in edits if edit.start <= source.line_end(end) and edit.end >= start]
    low = source.line_start(min(edit.start for edit in near))
    high = source.line_end(max(edit.end for edit in near))
    old = source.data[low:high].decode().splitlines()
    moved = [type(edit)(edit.path, edit.start - low, edit.end - low, edit.text) for edit in near]
    new = apply(source.data[low:high], moved).decode().splitlines()
    changed = [line.strip() for line in new if line not in old and line.strip()]
    return changed[0] if changed else "(nothing)"


def as_text(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return findings for a person, a step after the other."""
    lines = []
    for finding in findings:
        path, line, column = finding.source.shown(finding.span[0])
        kind = _KINDS.get(finding.kind, finding.kind)
        place = _paint(f"{path}:{line}:{column}", "path")
        label = _paint(f"[{kind}, step {finding.rule.step}]", finding.kind)
        code = _paint(finding.rule.code, "code")
        lines.append(f"{place} {code} {label} {message_of(finding)}")
        write = write_of(finding)
        if write:
            lines.append(f"    write  {write}")
    lines += [f"{each.path}:{each.line}:1 FUD001 {each.message}" for each in failures]
    return "".join(line + "\n" for line in lines)


def summary(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return how much there is of each kind, and what to do next."""
    if not findings:
        return f"Nothing to do; {len(failures)} unreadable.\n" if failures else "Nothing to do.\n"
    kinds: Counter[str] = Counter(finding.kind for finding in findings)
    files = {finding.source.path for finding in findings}
    words = {"safe": "safe", "unsafe": "unsafe (--unsafe)", "manual": "by hand", "none": "notices"}
    counts = ", ".join(f"{kinds[kind]} {word}" for kind, word in words.items() if kinds[kind])
    step = next_step(findings)
    following = f"  Next: step {step}.  fastapi-users-db migrate --step {step}" if step else ""
    some = f"{len(findings)} finding{'s' * (len(findings) != 1)}"
    return f"{some} in {len(files)} file{'s' * (len(files) != 1)}: {counts}.{following}\n"


def next_step(
    findings: Sequence[Finding], kinds: tuple[str, ...] = ("safe", "unsafe")
) -> int | None:
    """Return the first step that has work for the tool."""
    return min((each.rule.step for each in findings if each.kind in kinds), default=None)


def as_diff(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return a diff of all files that changed."""
    lines: list[str] = []
    for path in sorted(new):
        if old[path] != new[path]:
            # Not str.splitlines(), which splits at form feeds too.
            before, after = (re.findall(r".*\n|.+", text[path]) for text in (old, new))
            for line in difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"):
                ended = line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
                colour = {"+": "safe", "-": "manual", "@": "code"}.get(line[0])
                lines.append(_paint(ended, colour) if colour else ended)
    return "".join(lines)


def _entry(finding: Finding) -> dict[str, Any]:
    source, (start, end) = finding.source, finding.span
    (path, line, column), (_, end_line, end_column) = source.shown(start), source.shown(end)
    return {
        "code": finding.rule.code,
        "name": finding.rule.title,
        "step": finding.rule.step,
        "fix": finding.kind,
        "file": path,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "found": source.data[start:end].decode(),
        "write": write_of(finding),
        "message": finding.message or finding.rule.title,
        "why": finding.rule.why,
        "address": finding.rule.address,
    }


def as_json(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return findings as JSON."""
    value = {
        "version": 1,
        "findings": [_entry(finding) for finding in findings],
        "failures": [vars(each) for each in failures],
        "files": len({finding.source.path for finding in findings}),
        "step": next_step(findings),
    }
    return json.dumps(value, indent=2) + "\n"


def as_github(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return findings as annotations of GitHub's."""
    lines, step = [], next_step(findings)
    for finding in findings:
        line, column = finding.source.place(finding.span[0])
        level = "error" if finding.rule.step == step else "warning"
        level = "notice" if finding.kind == "none" else level
        title = finding.rule.code
        place = f"file={_property(finding.source.path)},line={line},col={column},"
        lines.append(annotation(level, title, message_of(finding), place))
    for each in failures:
        place = f"file={_property(each.path)},line={each.line},"
        lines.append(annotation("error", "FUD001", each.message, place))
    return "".join(lines)


def annotation(level: str, title: str, message: str, place: str = "") -> str:
    """Return a line that GitHub shows as an annotation."""
    return f"::{level} {place}title={title}::{_escape(message)}\n"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")


def as_sarif(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return findings as SARIF 2.1.0, with what the tool would write."""
    rules = {finding.rule.code: finding.rule for finding in findings}
    notices = [
        {"message": {"text": f"{each.path}:{each.line}: {each.message}"}, "level": "error"}
        for each in failures
    ]
    return sarif(
        [_sarif_rule(rule) for _, rule in sorted(rules.items())],
        [_sarif_result(finding) for finding in findings],
        notices,
    )


def sarif(
    rules: Sequence[Mapping[str, Any]],
    results: Sequence[Mapping[str, Any]],
    notices: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return a document of SARIF 2.1.0."""
    run = {
        "tool": {
            "driver": {
                "name": "fastapi-users-db",
                "informationUri": "https://fastapi-users-db.readthedocs.io",
                "rules": rules,
            }
        },
        "invocations": [
            {"executionSuccessful": not notices, "toolExecutionNotifications": notices}
        ],
        "results": results,
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _sarif_rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "helpUri": rule.address,
    }


def _sarif_result(finding: Finding) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": finding.source.path}}
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "level": "note" if finding.kind == "none" else "warning",
        "message": {"text": message_of(finding)},
        "locations": [
            {"physicalLocation": {**location, "region": _region(finding, *finding.span)}}
        ],
    }
    edits = finding.change.edits if finding.change else []
    here = [edit for edit in edits if edit.path == finding.source.path]
    if here:
        replacements = [
            {
                "deletedRegion": _region(finding, edit.start, edit.end),
                "insertedContent": {"text": edit.text},
            }
            for edit in here
        ]
        changes = [{**location, "replacements": replacements}]
        result["fixes"] = [{"artifactChanges": changes}]
    return result


def _region(finding: Finding, start: int, end: int) -> dict[str, int]:
    (line, column), (end_line, end_column) = map(finding.source.place, (start, end))
    return {
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def _text(findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    return as_text(findings, failures) + summary(findings, failures)


FORMATS = {"text": _text, "json": as_json, "github": as_github, "sarif": as_sarif}


def render(format_: str, findings: Sequence[Finding], failures: Sequence[Failure]) -> str:
    """Return findings in one of the forms."""
    return FORMATS[format_](findings, failures)
