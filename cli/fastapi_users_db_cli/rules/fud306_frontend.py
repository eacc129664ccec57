"""`FastAPIUsers` is not given the models any more.

Before:

    from fastapi_users import FastAPIUsers
    from app import User, UserCreate, UserDB, UserUpdate, backend, get_user_manager

    fastapi_users = FastAPIUsers(
        get_user_manager,
        [backend],
        User,
        UserCreate,
        UserUpdate,
        UserDB,
    )

After:

    import uuid

    from fastapi_users import FastAPIUsers
    from app import UserDB, backend, get_user_manager

    fastapi_users = FastAPIUsers[UserDB, uuid.UUID](
        get_user_manager,
        [backend],
    )
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    if facts.id_type is None:
        return
    for frontend in facts.frontends:
        source, call = frontend.source, frontend.call
        change = Change(facts.project)
        id_type = change.name(source, facts.id_type)
        func = unsubscripted(call.func)
        arguments = f"[{source.code(frontend.model)}, {id_type}]"
        end = source.end(call.func)
        change.edits.append(source.replace_between(source.end(func), end, arguments))
        change.remove(source, [*call.args, *call.keywords], frontend.given)
        yield Finding(source, call, change)


RULE = Rule(
    code="FUD306",
    step=3,
    fix="safe",
    title="`FastAPIUsers` is given the models",
    why="Since FastAPI Users 10.0 it takes two arguments: with more it raises TypeError.",
    find=find,
    text=__doc__,
)
