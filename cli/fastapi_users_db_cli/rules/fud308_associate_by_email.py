"""OAuth accounts are linked by address only where the app asks for it.

With `associate_by_email=True` who logs in through OAuth becomes the user who has registered with
the same address, as up to FastAPI Users 10.0. Do it only if the provider verifies addresses:
otherwise anybody who can name an address there is that user here. Without it such a login answers
400.

Before:

    from fastapi_users import FastAPIUsers
    from app import User, UserCreate, UserDB, UserUpdate, backend, client, get_user_manager

    fastapi_users = FastAPIUsers(
        get_user_manager, [backend], User, UserCreate, UserUpdate, UserDB
    )
    router = fastapi_users.get_oauth_router(client, backend, "secret")

After:

    from fastapi_users import FastAPIUsers
    from app import User, UserCreate, UserDB, UserUpdate, backend, client, get_user_manager

    fastapi_users = FastAPIUsers(
        get_user_manager, [backend], User, UserCreate, UserUpdate, UserDB
    )
    router = fastapi_users.get_oauth_router(client, backend, "secret", associate_by_email=True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy:
        return
    for source in facts.project:
        for call in source.all(ast.Call):
            if isinstance(call.func, ast.Attribute) and call.func.attr == "get_oauth_router":
                given = [*call.args, *call.keywords]
                if given and not any(each.arg == "associate_by_email" for each in call.keywords):
                    change = Change(facts.project)
                    change.after(source, given[-1], ", associate_by_email=True")
                    yield Finding(source, call, change)


RULE = Rule(
    code="FUD308",
    step=3,
    fix="unsafe",
    title="OAuth accounts are not linked by address any more",
    why="Since FastAPI Users 10.1 a login with the address of somebody who is there answers 400.",
    find=find,
    text=__doc__,
)
