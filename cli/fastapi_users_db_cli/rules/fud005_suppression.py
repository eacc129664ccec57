"""A comment that silences a rule which has nothing to say there.

It is looked for only where all rules of all steps are asked: a rule of another step may need it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.source import Source

_COMMENT = re.compile(r"# fud: ignore\[(?P<codes>[^\]]*)\]")


def ignored(line: str) -> list[str]:
    """Return the codes that a comment on a line silences."""
    match = _COMMENT.search(line)
    return [code.strip() for code in match["codes"].split(",")] if match else []


def find(facts: Facts) -> Iterator[Finding]:
    """Find nothing: the engine does, when it has asked all others."""
    yield from ()


def unused(facts: Facts, used: Collection[tuple[str, int, str]]) -> Iterator[Finding]:
    """Find the comments with a code that has silenced nothing."""
    for source in facts.project:
        for line, column, text in _comments(source):
            codes = ignored(text)
            kept = [code for code in codes if (source.path, line, code) in used]
            if kept != codes:
                match = _COMMENT.search(text)
                assert match is not None
                start = source.offset(line, column + len(text[: match.start()].encode()))
                end = start + len(match[0].encode())
                new = f"# fud: ignore[{', '.join(kept)}]" if kept else ""
                if not new:
                    before = source.data[source.line_start(start) : start]
                    start -= len(before) - len(before.rstrip())
                change = Change(facts.project)
                change.edits.append(source.replace_between(start, end, new))
                yield Finding(source, (start, end), change, f"`{text[match.start() :]}`")


def _comments(source: Source) -> Iterator[tuple[int, int, str]]:
    if "# fud: ignore[" not in source.text:
        return
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            yield row, len(token.line[:column].encode()), token.string


RULE = Rule(
    code="FUD005",
    step=5,
    fix="safe",
    title="a comment silences nothing",
    why="Whoever reads it believes that there is something.",
    find=find,
    text=__doc__,
)
