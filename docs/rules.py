"""Write the page about the rules, out of their own texts and test files: `python -m docs.rules`."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from fastapi_users_db_cli.rule import Rule
from fastapi_users_db_cli.rules import RULES

from tests.cli.rule_files import RuleFile, read

PAGE = Path(__file__).parent / "rules.md"

_HEAD = """\
# Rules

What [the tool](migrating/tool.md) looks for. Codes are stable. *Safe* is what it changes by itself,
*unsafe* what it changes with `--unsafe`, *by hand* what it only names; a rule may have cases of
several kinds, and is listed by the most common one.

"""
_LINES = 20
_KINDS = {"manual": "by hand", "none": "notice"}


def page() -> str:
    """Return the page."""
    lines = ["| Code | Step | What it finds | The tool |", "|---|---|---|---|"]
    for rule in RULES:
        kind = _KINDS.get(rule.fix, rule.fix)
        lines.append(
            f"| [{rule.code}](#{rule.code.lower()}) | {rule.step} | {rule.title} | {kind} |"
        )
    sections = "".join(map(_section, RULES))
    return _HEAD + "\n".join(lines) + "\n" + sections


def _section(rule: Rule) -> str:
    text = (rule.text or "").strip()
    before = text.find("\nBefore:\n")
    tabs: list[tuple[str, str]] = []
    if before >= 0:
        sides = re.split(r"\n(?:Before|After):\n", text[before:])[1:]
        tabs += zip(("After", "Before"), reversed(sides), strict=True)
        text = text[:before].rstrip()
    tabs += _of_tests(read(rule))
    if tabs:
        text += "\n" + "".join(f'\n=== "{name}"\n\n{_code(side)}' for name, side in tabs)
    kind = _KINDS.get(rule.fix, rule.fix)
    warns = ", ".join(f"[`{code}`](deprecations.md#{code})" for code in rule.deprecations)
    said = f"\nWhile the app runs, this warns: {warns}.\n" if warns else ""
    title = f"\n## {rule.code}: {rule.title} {{ #{rule.code.lower()} }}\n"
    return f"{title}\nStep {rule.step}, {kind}. {rule.why}\n{said}\n{text.strip()}\n"


def _of_tests(file: RuleFile) -> Iterator[tuple[str, str]]:
    """Choose the shortest of what is found, and of what is left alone."""
    found = [] if file.changed else [text for path, text, _ in file.found if path == "main.py"]
    left = [text for path, text in file.untouched if path == "main.py"]
    for name, texts in (("Found", found), ("Left alone", left)):
        shortest = min(texts, key=len, default="")
        if 0 < shortest.count("\n") <= _LINES:
            yield name, indent(shortest, "    ")


def _code(text: str) -> str:
    return f"    ```python\n{text.strip(chr(10))}\n    ```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
