"""A mixin before a base that has an `id` of its own, which changes its meaning at step 3.

With FastAPI Users 9 and older the mixin's UUID wins, and it is UUIDs that are in the database.
From 10 on the `id` of the base wins. So the mixin gets the name that ends in UUID before: after
step 3 nobody can tell any more.

Before:

    from fastapi_users import models
    from fastapi_users.db import SQLAlchemyBaseUserTable
    from sqlalchemy import Column, Integer
    from sqlalchemy.orm import declarative_base


    class Base(declarative_base()):
        __abstract__ = True
        id = Column(Integer, primary_key=True)


    class UserTable(SQLAlchemyBaseUserTable, Base):
        pass


    class User(models.BaseUser):
        pass

After:

    from fastapi_users import models
    from fastapi_users.db import SQLAlchemyBaseUserTableUUID
    from sqlalchemy import Column, Integer
    from sqlalchemy.orm import declarative_base


    class Base(declarative_base()):
        __abstract__ = True
        id = Column(Integer, primary_key=True)


    class UserTable(SQLAlchemyBaseUserTableUUID, Base):
        pass


    class User(models.BaseUser):
        pass
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules.fud502_uuid import bare_mixins, with_uuid


def find(facts: Facts) -> Iterator[Finding]:
    if not facts.is_legacy:
        return
    for source, base, name in bare_mixins(facts):
        ancestors = facts.project.ancestors(name)
        mixin = facts.project.resolve(source, base) or ""
        position = ancestors.index(mixin)
        own = [index for index, each in enumerate(ancestors) if facts.declared_id(each)]
        if own and min(own) > position:
            yield Finding(source, base, with_uuid(facts, source, base, mixin.rpartition(".")[0]))


RULE = Rule(
    code="FUD107",
    step=1,
    fix="safe",
    title="a mixin comes before a base that has an `id`",
    why=(
        "Since FastAPI Users 10.0 the `id` of the base counts: nobody can register, and who logs "
        "in is a stranger at the next request."
    ),
    find=find,
    text=__doc__,
)
