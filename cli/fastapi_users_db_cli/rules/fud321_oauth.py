"""`oauth_callback` of a manager takes what the provider says, and OAuth accounts are rows.

An override has these parameters now: `oauth_name, access_token, account_id, account_email,
expires_at, refresh_token, request`, and by keyword `associate_by_email` and
`is_verified_by_default`. An account is added with `user_db.add_oauth_account(user, values)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source, method in facts.methods("oauth_callback"):
        if len(method.args.args) <= 3:
            write = "the parameters of FastAPI Users 15"
            yield Finding(
                source, method, message="`oauth_callback` is given an account", write=write
            )
    users = {*facts.table_of, *facts.table_of.values()}
    for source in facts.project:
        for call in source.all(ast.Call):
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr == "append":
                accounts = func.value
                is_accounts = (
                    isinstance(accounts, ast.Attribute) and accounts.attr == "oauth_accounts"
                )
                if (
                    isinstance(accounts, ast.Attribute)
                    and is_accounts
                    and facts.project.type_of(source, accounts.value) in users
                ):
                    user = source.code(accounts.value)
                    write = f"await user_db.add_oauth_account({user}, {{...}})"
                    yield Finding(source, call, write=write)


RULE = Rule(
    code="FUD321",
    step=3,
    fix="manual",
    title="an account is appended to a user",
    why="Since FastAPI Users 10.0 the adapter writes it, and nothing else does.",
    find=find,
    text=__doc__,
)
