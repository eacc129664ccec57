"""What `migrate --step 3 --reversible` has brought in goes: argon2 hashes, and tokens have `sub`.

Before:

    from fastapi_users import BaseUserManager
    from fastapi_users.password import PasswordHelper
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher
    from pwdlib.hashers.bcrypt import BcryptHasher


    # The way back from step 3: fastapi-users-db migrate --step 5 takes it out.
    class ReversibleBcrypt(BcryptHasher):
        pass


    reversible_password_helper = PasswordHelper(PasswordHash((ReversibleBcrypt(), Argon2Hasher())))


    class UserManager(BaseUserManager):
        pass


    def manager(user_db):
        return UserManager(user_db, reversible_password_helper)

After:

    from fastapi_users import BaseUserManager


    class UserManager(BaseUserManager):
        pass


    def manager(user_db):
        return UserManager(user_db)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.way_back import (
    BCRYPT,
    HELPER,
    STRATEGY,
    has,
    helper_calls,
    taken_out,
)
from fastapi_users_db_cli.source import Source


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        if has(source, STRATEGY):
            yield _strategy(facts, source)
        made = source.module_scope.names.get(HELPER)
        if has(source, BCRYPT) and isinstance(made, ast.Call):
            yield _helper(facts, source, source.statement(made))


def _strategy(facts: Facts, source: Source) -> Finding:
    node = source.module_scope.names[STRATEGY]
    assert isinstance(node, ast.ClassDef)
    base = unsubscripted(node.bases[0])
    change = Change(facts.project)
    for place, use in facts.project.references(f"{source.path}:{STRATEGY}"):
        if place is source:
            change.replace(place, use, source.code(base))
        else:
            new = change.name(place, "fastapi_users.authentication.JWTStrategy")
            change.replace(place, use, new)
    change.edits.append(taken_out(source, STRATEGY, node))
    return Finding(source, node, change, f"`{STRATEGY}` is there")


def _helper(facts: Facts, source: Source, last: ast.stmt) -> Finding:
    node = source.module_scope.names[BCRYPT]
    assert isinstance(node, ast.ClassDef)
    managing = [call for _, _, calls in helper_calls(facts) for call in calls]
    change = Change(facts.project)
    for place, use in facts.project.references(f"{source.path}:{HELPER}"):
        item: ast.AST = use
        parent = place.parents[item]
        if isinstance(parent, ast.keyword):
            parent, item = place.parents[parent], parent
        if isinstance(parent, ast.Call) and parent in managing:
            change.remove(place, [*parent.args, *parent.keywords], [item])
        else:
            helper = change.name(place, "fastapi_users.password.PasswordHelper")
            change.replace(place, use, f"{helper}()")
    change.edits.append(taken_out(source, BCRYPT, last))
    return Finding(source, node, change, f"`{HELPER}` is there")


RULE = Rule(
    code="FUD510",
    step=5,
    fix="safe",
    title="the way back from step 3 is there",
    why="After step 5 nobody takes it: bcrypt is weaker than argon2, and `user_id` is not read.",
    find=find,
    text=__doc__,
)
