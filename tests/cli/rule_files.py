"""The test file of each rule, `rules/fud301.txt`: what it changes or finds, and what it leaves.

A file has sections, each below a line with `===`. The path of a file may follow; without one it is
`main.py`.

- `before` and `after`: what the rule changes. The example in the rule's own text is one more.
- `found` and `write`: what it finds once, and what it says is to be written.
- `untouched`: what looks like it, and is something else.
- `beside`: a further file for all cases.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from fastapi_users_db_cli.rule import Rule
from fastapi_users_db_cli.rules import RULES

from tests.cli.crossing import example

FOLDER = Path(__file__).parent / "rules"
_HEAD = re.compile(r"(?m)^=== (?P<kind>\w+)(?: (?P<path>\S+))?\n")


@dataclass
class RuleFile:
    """What the test file of a rule says."""

    rule: Rule
    changed: list[tuple[str, str, str]] = field(default_factory=list)
    found: list[tuple[str, str, str]] = field(default_factory=list)
    untouched: list[tuple[str, str]] = field(default_factory=list)
    beside: dict[str, str] = field(default_factory=dict)


def read(rule: Rule) -> RuleFile:
    """Read the test file of a rule."""
    _, *parts = _HEAD.split((FOLDER / f"{rule.code.lower()}.txt").read_text())
    file = RuleFile(rule)
    sides = example(rule)
    if sides is not None:
        file.changed.append(("main.py", *sides))
    sections = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    for (kind, path, text), (_, _, other) in zip(
        sections, [*sections[1:], ("", "", "")], strict=True
    ):
        path = path or "main.py"
        if kind == "before":
            file.changed.append((path, text, other))
        elif kind == "found":
            file.found.append((path, text, other.removesuffix("\n")))
        elif kind == "untouched":
            file.untouched.append((path, text))
        elif kind == "beside":
            file.beside[path] = text
    return file


RULE_FILES = [read(rule) for rule in RULES]
