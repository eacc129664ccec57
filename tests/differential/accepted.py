"""In what the shim answers otherwise than upstream's releases, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["ACCEPTED", "Accepted", "Call"]


@dataclass(frozen=True)
class Call:
    """One call of a program, with both answers."""

    form: str
    method: str
    arguments: list[Any]
    upstream: dict[str, Any]
    ours: dict[str, Any]

    def fails(self, *names: str) -> bool:
        """Tell whether ours raises one of these errors, where upstream raises none."""
        return "error" not in self.upstream and bool({*names} & {*self.ours.get("error", ())})


@dataclass(frozen=True)
class Accepted:
    """A difference that is on purpose.

    Attributes:
        name: what the page calls it.
        reason: why it is better so.
        is_one: tells whether a call differs in this.
    """

    name: str
    reason: str
    is_one: Callable[[Call], bool]


def _is_refused_by_both(call: Call) -> bool:
    return "error" in call.upstream and "error" in call.ours


def _is_in_utc(call: Call) -> bool:
    differing = {
        name
        for name, value in call.upstream.get("fields", {}).items()
        if call.ours.get("fields", {}).get(name) != value
    }
    return differing == {"created_at"}


ACCEPTED = [
    Accepted(
        "an error of another class",
        "both refuse; where upstream's is obscure, ours says what is wrong",
        _is_refused_by_both,
    ),
    Accepted(
        "`update` of who is gone",
        "upstream writes nothing and reports a success",
        lambda call: call.fails("UserNotFoundError", "AccessTokenNotFoundError"),
    ),
    Accepted(
        "a call that upstream cannot answer",
        "what fails there works here",
        lambda call: "error" in call.upstream and "error" not in call.ours,
    ),
    Accepted(
        "the same external account again",
        "two rows lock their users out: the link is updated, another user's is refused",
        lambda call: (
            call.method in ("link", "create")
            and (call.fails("OAuthAccountAlreadyLinkedError") or _has_other_accounts(call))
        ),
    ),
    Accepted(
        "OAuth accounts in `update(user)` of the legacy ORM form",
        "upstream drops new ones without a word",
        lambda call: call.form == "legacy-orm" and _has_other_accounts(call),
    ),
    Accepted(
        "a time that was read",
        "it is aware, and in UTC, on every database",
        _is_in_utc,
    ),
    Accepted(
        "an attribute that the class does not have",
        "a misspelt flag is not to pass for written",
        lambda call: call.form == "current" and call.fails("TypeError"),
    ),
]


def _has_other_accounts(call: Call) -> bool:
    return call.upstream.get("accounts") != call.ours.get("accounts")
