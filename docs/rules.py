"""Write the page about the rules, out of what the rules say themselves: `python -m docs.rules`."""

import re
from pathlib import Path

from fastapi_users_db_cli.rule import Rule
from fastapi_users_db_cli.rules import RULES

PAGE = Path(__file__).parent / "rules.md"

_HEAD = """\
# Rules

What [the tool](migrating/tool.md) looks for. Codes are stable. *Safe* is what it changes by itself,
*unsafe* what it changes with `--unsafe`, *by hand* what it only names; a rule may have cases of
several kinds, and is listed by the most common one.

"""
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
    if before >= 0:
        sides = re.split(r"\n(?:Before|After):\n", text[before:])[1:]
        tabs = zip(("After", "Before"), reversed(sides), strict=True)
        text = text[:before] + "".join(f'\n=== "{name}"\n\n{_code(side)}' for name, side in tabs)
    kind = _KINDS.get(rule.fix, rule.fix)
    warns = ", ".join(f"[`{code}`](deprecations.md#{code})" for code in rule.deprecations)
    said = f"\nWhile the app runs, this warns: {warns}.\n" if warns else ""
    title = f"\n## {rule.code}: {rule.title} {{ #{rule.code.lower()} }}\n"
    return f"{title}\nStep {rule.step}, {kind}. {rule.why}\n{said}\n{text.strip()}\n"


def _code(text: str) -> str:
    return f"    ```python\n{text.strip(chr(10))}\n    ```\n"


if __name__ == "__main__":
    PAGE.write_text(page())
