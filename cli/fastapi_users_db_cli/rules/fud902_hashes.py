"""New hashes, and those of everybody who logs in, are argon2 after step 3.

FastAPI Users 12 and older cannot read them: there is no way back for these users, unless bcrypt
comes first. `migrate --step 3 --reversible` brings such a helper, and step 5 takes it out. See
[passwords](migrating/databases.md#passwords).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.places import calls
from fastapi_users_db_cli.rules.way_back import (
    BCRYPT,
    HELPER,
    PASSWORDS,
    has,
    helper_calls,
    insert,
    is_wanted,
)
from fastapi_users_db_cli.source import Source

_FUNCTIONS = ("get_password_hash", "generate_password", "verify_and_update_password")


def find(facts: Facts) -> Iterator[Finding]:
    if is_wanted(facts):
        yield from _reversible(facts)
    elif facts.is_legacy:
        for source, node, _ in facts.managers:
            yield Finding(source, node.bases[0])


def _reversible(facts: Facts) -> Iterator[Finding]:
    found: dict[Source, list[tuple[ast.Call, bool]]] = {}
    for source, node, given in helper_calls(facts):
        if not given or any(map(_is_open, given)):
            write = "UserManager(user_db, password_helper), with a helper that puts bcrypt first"
            yield Finding(source, given[0] if given else node.bases[0], fix="manual", write=write)
        else:
            lacking = [call for call in given if len([*call.args, *call.keywords]) == 1]
            found.setdefault(source, []).extend((call, True) for call in lacking)
    for source, call, _ in calls(facts, FU, "PasswordHelper"):
        if not call.args and not call.keywords:
            found.setdefault(source, []).append((call, False))
    for source, helped in found.items():
        for call, is_manager in helped:
            change = Change(facts.project)
            if is_manager:
                has_keyword = bool(call.keywords)
                last = [*call.args, *call.keywords][0]
                keyword = "password_helper=" if has_keyword else ""
                change.after(source, last, f", {keyword}{HELPER}")
            else:
                change.replace(source, call, HELPER)
            if not has(source, BCRYPT):
                uses = [each for each, _ in helped] + _functions(facts, source)
                insert(change, source, uses, PASSWORDS, {})
            yield Finding(source, call, change, fix="safe")


def _is_open(call: ast.Call) -> bool:
    """Tell whether only the running app knows what a call is given."""
    is_starred = any(isinstance(each, ast.Starred) for each in call.args)
    return is_starred or any(each.arg is None for each in call.keywords)


def _functions(facts: Facts, source: Source) -> list[ast.AST]:
    """Return where a file uses functions for passwords, which become methods of the helper."""
    return [
        node
        for name in facts.project.names_of(FU)
        if is_of(name, FU, *_FUNCTIONS)
        for of, node in facts.project.references(name)
        if of is source
    ]


RULE = Rule(
    code="FUD902",
    step=3,
    fix="none",
    title="hashes become argon2 at step 3",
    why="Since FastAPI Users 13; 12 and older answer 400 to who has logged in since.",
    find=find,
    text=__doc__,
)
