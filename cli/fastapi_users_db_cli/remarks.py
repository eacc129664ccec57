"""What is found in a database, in the forms that other programs read: it has no place in a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi_users_db_cli.report import annotation, sarif

__all__ = ["Remark", "as_github", "as_sarif"]

_SARIF_LEVELS = {"error": "error", "warning": "warning", "notice": "note"}


@dataclass(frozen=True)
class Remark:
    """One thing that is found.

    Attributes:
        code: the kind of it.
        level: `error`, `warning` or `notice`.
        place: a table or a column, or nothing.
        message: what there is.
        title: what the kind is, in a few words.
        address: where the kind is explained.
    """

    code: str
    level: str
    place: str
    message: str
    title: str
    address: str


def as_github(remarks: Sequence[Remark]) -> str:
    """Return remarks as annotations of GitHub's."""
    return "".join(annotation(each.level, each.code, each.message) for each in remarks)


def as_sarif(remarks: Sequence[Remark]) -> str:
    """Return remarks as SARIF 2.1.0."""
    rules = {
        each.code: {
            "id": each.code,
            "shortDescription": {"text": each.title},
            "helpUri": each.address,
        }
        for each in remarks
    }
    results = []
    for each in remarks:
        place = [{"fullyQualifiedName": each.place}] if each.place else []
        results.append(
            {
                "ruleId": each.code,
                "level": _SARIF_LEVELS[each.level],
                "message": {"text": each.message},
                "locations": [{"logicalLocations": place}] if place else [],
            }
        )
    return sarif(list(rules.values()), results)
