"""A Python that is too old for what comes: FastAPI Users 15 and this package need 3.10.

It is found in `pyproject.toml`, in a Dockerfile and in the workflows of GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.source import Text

_PYTHON = re.compile(
    r"""(?xm)
    ^[ \t]*(?:FROM[ ]+python:|requires-python[ ]*=|python[ ]*=|python_requires[ ]*=|python-version:)
    [ ]*["'\[]*(?:>=|\^|~=?|==)?[ ]*["']?(?P<version>3\.(?P<minor>\d+))
    """
)


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy:
        return
    for path, text in sorted(facts.project.texts.items()):
        for match in _PYTHON.finditer(text):
            if int(match["minor"]) < 10:
                span = (
                    len(text[: match.start("version")].encode()),
                    len(text[: match.end()].encode()),
                )
                yield Finding(Text(path, text), span, write="3.10 or later")


RULE = Rule(
    code="FUD104",
    step=1,
    fix="manual",
    title="a Python older than 3.10 is named",
    why="FastAPI Users 15 and fastapi-users-db are not installed on it.",
    find=find,
    text=__doc__,
)
