"""A session or an engine that is not asynchronous.

The adapter needs an `AsyncSession`, on an engine of `create_async_engine` with a driver such as
aiosqlite, asyncpg or aiomysql.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import DRIVERS, url_of
from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.places import calls

_SYNCHRONOUS = ("psycopg2", "pymysql", "pysqlite", "mysqldb")


def find(facts: Facts) -> Iterator[Finding]:
    for adapter in facts.adapters:
        backend = adapter.backend
        if backend and facts.project.type_of(adapter.source, backend) == "sqlalchemy.orm.Session":
            write = "sqlalchemy.ext.asyncio.AsyncSession"
            yield Finding(adapter.source, backend, write=write)
    for source, call, _ in calls(facts, {"sqlalchemy"}, "create_async_engine"):
        url = url_of(facts, source, call.args[0]) if facts.adapters and call.args else None
        scheme, _, driver = (url or "").partition("://")[0].partition("+")
        is_set = call.args and ast.dump(call.args[0]).find("drivername") >= 0
        if scheme in DRIVERS and (not driver or driver in _SYNCHRONOUS) and not is_set:
            message = "the URL of an engine has no asynchronous driver"
            yield Finding(source, call.args[0], message=message, write=f"{DRIVERS[scheme]}://...")


RULE = Rule(
    code="FUD408",
    step=4,
    fix="manual",
    title="an adapter is given a session that is not asynchronous",
    why="It awaits what the session returns: the request answers 500.",
    find=find,
    text=__doc__,
)
