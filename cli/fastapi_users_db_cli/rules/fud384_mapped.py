"""A relationship with an annotation is `Mapped`.

Before:

    from typing import List
    from fastapi_users_db_sqlalchemy import GUID
    from sqlalchemy import Column
    from sqlalchemy.orm import declarative_base, relationship

    Base = declarative_base()


    class Band(Base):
        id = Column(GUID, primary_key=True)
        players: List["UserTable"] = relationship("UserTable")

After:

    from typing import List
    from fastapi_users_db_sqlalchemy import GUID
    from sqlalchemy import Column
    from sqlalchemy.orm import Mapped, declarative_base, relationship

    Base = declarative_base()


    class Band(Base):
        id = Column(GUID, primary_key=True)
        players: Mapped[List["UserTable"]] = relationship("UserTable")
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.project import unsubscripted
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.classes import fields


def find(facts: Facts) -> Iterator[Finding]:
    project = facts.project
    if not any(facts.is_adapter(name) or facts.is_table(name) for name in _names(facts)):
        return
    for source, node, _ in project.classes():
        is_dataclass = any("DataClass" in name or "Dataclass" in name for name in project.bases(_))
        for field in fields(node).values() if not is_dataclass else ():
            call = field.value
            name = project.resolve(source, call.func) if isinstance(call, ast.Call) else None
            outer = field.annotation
            of = project.resolve(source, unsubscripted(outer))
            if name == "sqlalchemy.orm.relationship" and not _is_mapped(source.code(outer), of):
                change = Change(project)
                mapped = change.name(source, "sqlalchemy.orm.Mapped")
                change.replace(source, outer, f"{mapped}[{source.code(outer)}]")
                yield Finding(source, field, change)


def _names(facts: Facts) -> Iterator[str]:
    yield from (name for _, _, name in facts.project.classes())
    for source in facts.project:
        for imported in source.imports:
            name = facts.project.imported(source, imported)
            if name and name.startswith(("fastapi_users_db", "fastapi_users.db")):
                yield "fastapi_users_db.SQLAlchemyUserDatabase"


def _is_mapped(code: str, name: str | None) -> bool:
    names = ("Mapped", "DynamicMapped", "WriteOnlyMapped", "ClassVar", "RelationshipProperty")
    return (name or code.strip("\"'").partition("[")[0]).rpartition(".")[2] in names


RULE = Rule(
    code="FUD384",
    step=3,
    fix="safe",
    title="a relationship has an annotation that is not `Mapped`",
    why="SQLAlchemy 2.0 raises MappedAnnotationError: the app does not start.",
    find=find,
    text=__doc__,
)
