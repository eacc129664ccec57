"""The client of Redis is `redis.asyncio`, and keys have a prefix, unless there is none.

Before:

    import aioredis
    from fastapi_users import models
    from fastapi_users.authentication.strategy import RedisStrategy


    class User(models.BaseUser):
        pass


    client = aioredis.from_url("redis://localhost:6379")


    def get_strategy():
        return RedisStrategy(client, lifetime_seconds=3600)

After:

    from redis import asyncio as aioredis
    from fastapi_users import models
    from fastapi_users.authentication.strategy import RedisStrategy


    class User(models.BaseUser):
        pass


    client = aioredis.from_url("redis://localhost:6379")


    def get_strategy():
        return RedisStrategy(client, lifetime_seconds=3600, key_prefix="")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.places import calls, keyword


def find(facts: Facts) -> Iterator[Finding]:
    strategies = list(calls(facts, FU, "RedisStrategy"))
    for source, call, _ in strategies if facts.is_legacy else ():
        given = [*call.args, *call.keywords]
        if given and keyword(call, "key_prefix") is None:
            change = Change(facts.project)
            change.after(source, given[-1], ', key_prefix=""')
            yield Finding(source, call, change)
    for source in facts.project if strategies else ():
        for statement in source.all(ast.Import):
            for alias in statement.names:
                if alias.name == "aioredis" and len(statement.names) == 1:
                    change = Change(facts.project)
                    name = alias.asname or "aioredis"
                    change.replace(source, statement, f"from redis import asyncio as {name}")
                    yield Finding(source, statement, change, "`aioredis` is `redis.asyncio`")
        for from_ in source.all(ast.ImportFrom):
            if from_.module == "aioredis" and not from_.level:
                change = Change(facts.project)
                names = ", ".join(source.code(each) for each in from_.names)
                change.replace(source, from_, f"from redis.asyncio import {names}")
                yield Finding(source, from_, change, "`aioredis` is `redis.asyncio`")


RULE = Rule(
    code="FUD323",
    step=3,
    fix="unsafe",
    title="the keys of sessions in Redis get a prefix",
    why='Since FastAPI Users 10.1.3: without `key_prefix=""` everybody logs in again.',
    find=find,
    text=__doc__,
)
