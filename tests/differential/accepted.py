"""In what the shim answers otherwise than upstream's releases, and why.

Each entry names the forms, the methods, the kind, and both outcomes: nothing else is accepted. The
page docs/migrating/legacy.md shows the list, and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ACCEPTED", "FORMS", "METHODS", "Accepted", "Call", "outcomes", "table"]

FORMS = {"databases": "`databases`", "legacy-orm": "legacy ORM", "current": "current"}
# What the programs call, and the method of the adapters that it tries.
METHODS = {
    "create": "create",
    "create_constructed": "create",
    "create_any": "create",
    "get": "get",
    "get_again": "get",
    "get_by_email": "get_by_email",
    "get_by_oauth_account": "get_by_oauth_account",
    "update": "update",
    "update_part": "update",
    "update_constructed": "update",
    "update_any": "update",
    "link": "update",
    "delete": "delete",
    "delete_any": "delete",
    "create_token": "create (token)",
    "get_token": "get_by_token",
    "update_token": "update (token)",
    "delete_token": "delete (token)",
    "rows": "the rows afterwards",
}


@dataclass(frozen=True)
class Call:
    """One call of a program, with both answers."""

    form: str
    method: str
    arguments: list[Any]
    upstream: dict[str, Any]
    ours: dict[str, Any]


def outcomes(upstream: dict[str, Any], ours: dict[str, Any]) -> tuple[str, str] | None:
    """Return in what two answers differ, or `None`: the errors, or the parts of what is returned.

    An error of ours that is upstream's too is the same.
    """
    if "error" in upstream and "error" in ours:
        is_same = upstream["error"][0] in ours["error"]
        return None if is_same else (upstream["error"][0], ours["error"][0])
    if "error" in upstream or "error" in ours:
        return tuple(answer.get("error", ["an answer"])[0] for answer in (upstream, ours))  # type: ignore[return-value]
    if upstream == ours:
        return None
    fields = [answer.get("fields") or {} for answer in (upstream, ours)]
    parts = sorted(
        {"is_given", "type", "private", "accounts"}
        & {k for k in {*upstream, *ours} if upstream.get(k) != ours.get(k)}
    )
    names = sorted({*fields[0], *fields[1]})
    parts += [name for name in names if fields[0].get(name) != fields[1].get(name)]
    return "an answer", "another: " + ", ".join(parts)


@dataclass(frozen=True)
class Accepted:
    """A difference that is on purpose.

    Attributes:
        kind: what the page calls it.
        reason: why it is better so.
        forms: the forms.
        methods: what the programs call.
        upstream: what upstream raises, `an answer` if it does not.
        ours: the same of ours; `another: ` and the parts in which it may differ.
    """

    kind: str
    reason: str
    forms: tuple[str, ...]
    methods: tuple[str, ...]
    upstream: tuple[str, ...]
    ours: str

    def is_one(self, call: Call) -> bool:
        """Tell whether a call differs in this."""
        found = outcomes(call.upstream, call.ours)
        if found is None or call.form not in self.forms or call.method not in self.methods:
            return False
        theirs, ours = found
        if self.ours.startswith("another: ") and ours.startswith("another: "):
            parts, may = ours[9:].split(", "), self.ours[9:].split(", ")
            return theirs in self.upstream and {*parts} <= {*may}
        return theirs in self.upstream and ours == self.ours

    @property
    def row(self) -> str:
        """The row of the page's table."""
        methods = dict.fromkeys(METHODS[method] for method in self.methods)
        cells = [
            self.kind,
            ", ".join(FORMS[form] for form in self.forms),
            ", ".join(f"`{method}`" for method in methods),
            " or ".join(f"`{name}`" if name != "an answer" else name for name in self.upstream),
            self.ours if " " in self.ours else f"`{self.ours}`",
            self.reason,
        ]
        return f"| {' | '.join(cells)} |"


LEGACY = ("databases", "legacy-orm")
ALL = (*LEGACY, "current")
WRITES = ("update", "update_part", "update_constructed", "link")
READS = ("get_by_email", "get_by_oauth_account", "get_token", "get")
REFUSED = ("IntegrityError", "UniqueViolationError", "ForeignKeyViolationError")

ACCEPTED = [
    Accepted(
        "something that is no user",
        "ours says what to call",
        LEGACY,
        ("create_any", "update", "update_any", "delete", "delete_any", "link"),
        ("AttributeError",),
        "TypeError",
    ),
]


def table() -> str:
    """Return the table of the page."""
    head = "| What | Form | Method | Upstream | Ours | Why |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(accepted.row for accepted in ACCEPTED)])
