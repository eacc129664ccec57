"""A lock file that holds upstream's adapter.

It is written anew by the program that wrote it, after the requirements have changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import Text

_COMMANDS = {
    "poetry.lock": "poetry lock",
    "pdm.lock": "pdm lock",
    "uv.lock": "uv lock",
    "Pipfile.lock": "pipenv lock",
}
_UPSTREAM = re.compile(r"(?i)fastapi[-_.]users[-_.]db[-_.]sqlalchemy")
_HASHED = re.compile(r"(?im)^fastapi[-_.]users[^\n]*\\\r?\n[ \t]*--hash=")


def find(facts: Facts) -> Iterator[Finding]:
    for path, text in sorted(facts.project.texts.items()):
        command = _COMMANDS.get(path.rpartition("/")[2])
        pattern = _UPSTREAM if command else _HASHED
        match = pattern.search(text)
        if match and (command or _UPSTREAM.search(text)):
            start, end = (len(text[:index].encode()) for index in match.span())
            write = command or "pip-compile --generate-hashes"
            yield Finding(Text(path, text), (start, end), write=write)


RULE = Rule(
    code="FUD108",
    step=1,
    fix="manual",
    title="a lock file holds upstream's adapter",
    why="What is installed is what it says, whatever the requirements are.",
    find=find,
    text=__doc__,
)
