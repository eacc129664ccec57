"""A method of a manager that looks like a hook and is none: nothing calls it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule

_HOOKS = [
    f"on_{when}_{what}"
    for when, what in [
        ("after", "register"),
        ("after", "update"),
        ("after", "request_verify"),
        ("after", "verify"),
        ("after", "forgot_password"),
        ("after", "reset_password"),
        ("after", "login"),
        ("before", "delete"),
        ("after", "delete"),
    ]
]


def find(facts: Facts) -> Iterator[Finding]:
    for source, method in facts.methods():
        if (
            method.name.startswith(("on_after_", "on_before_", "after_"))
            and method.name not in _HOOKS
        ):
            meant = get_close_matches(method.name, _HOOKS, 1, 0.5)
            message = f"nothing calls `{method.name}`"
            write = f"perhaps {meant[0]}" if meant else ""
            yield Finding(source, method, message=message, write=write)


RULE = Rule(
    code="FUD326",
    step=3,
    fix="none",
    title="a method looks like a hook",
    why="FastAPI Users calls its own hooks and no others.",
    find=find,
    text=__doc__,
)
