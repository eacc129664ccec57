"""Edits touch what they are for, and nothing around it."""

import ast

import pytest
from fastapi_users_db_cli.source import Source, apply

from tests.cli.crossing import migrated


def without(text: str, *removed: int) -> str:
    """Take arguments out of the only call of a text."""
    source = Source("main.py", text)
    call = next(iter(source.all(ast.Call)))
    items = [*call.args, *call.keywords]
    edits = source.remove_items(items, [items[index] for index in removed])
    return apply(source.data, edits).decode()


@pytest.mark.parametrize(
    ("before", "removed", "after"),
    [
        ("f(a, b, c)", [0], "f(b, c)"),
        ("f(a, b, c)", [1], "f(a, c)"),
        ("f(a, b, c)", [2], "f(a, b)"),
        ("f(a, b, c)", [1, 2], "f(a)"),
        ("f(a, b, c)", [0, 2], "f(b)"),
        ("f(a, b=1, c=2)", [1], "f(a, c=2)"),
        ("f(a)", [0], "f()"),
        ("f(a,)", [0], "f()"),
        ("f(\n    a,\n    b,\n)", [1], "f(\n    a,\n)"),
        ("f(\n    a,\n    b\n)", [1], "f(\n    a\n)"),
        ("f(\n    a,  # one\n    b,  # two\n)", [1], "f(\n    a,  # one\n)"),
        ("f(\n    a,  # one\n    b,  # two\n)", [0], "f(\n    b,  # two\n)"),
        ("f(\n    a,  # one, first\n    b)", [1], "f(\n    a  # one, first\n    )"),
        ("f((a), b)", [1], "f((a))"),
        ("g(f(a, b), c)", [1], "g(f(a, b))"),
    ],
)
def test_items_are_taken_out_with_their_commas(before: str, removed: list[int], after: str) -> None:
    assert without(before, *removed) == after


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("a = 1\nb = 2\nc = 3\n", "b", "a = 1\nc = 3\n"),
        ("a = 1\n\n\nb = 2\n\n\nc = 3\n", "b", "a = 1\n\n\nc = 3\n"),
        ("a = 1\n\nb = 2\nc = 3\n", "b", "a = 1\n\nc = 3\n"),
        ("a = 1\n\n# why\nb = 2\n", "b", "a = 1\n\n# why\n"),
        ("a = 1; b = 2\n", "b", "a = 1; pass\n"),
        ("b = 2; c = 3\n", "b", "pass; c = 3\n"),
        ("class A:\n    b = 2\n", "b", "class A:\n    pass\n"),
        ("class A:\n    b = 2\n\n    c = 3\n", "b", "class A:\n    c = 3\n"),
        (
            'class A:\n    """."""\n\n    b = 2\n    c = 3\n',
            "b",
            'class A:\n    """."""\n\n    c = 3\n',
        ),
        ("class A:\n    a = 1\n\n    b = 2\n\n\nd = 4\n", "b", "class A:\n    a = 1\n\n\nd = 4\n"),
        ("if a:\n    pass\nelse:\n    b = 2\n", "b", "if a:\n    pass\nelse:\n    pass\n"),
        ("b = 2", "b", ""),
    ],
)
def test_statement_is_taken_out_with_its_blank_lines(before: str, name: str, after: str) -> None:
    source = Source("main.py", before)
    names = [each for each in source.all(ast.Name) if each.id == name]
    edits = source.remove_statements([source.statement(names[-1])])
    assert apply(source.data, edits).decode() == after


LEGACY = """\
# Ünïcödé
from fastapi_users import models  # why


class  User( models.BaseUser ) :  # odd spaces
\tname : str = 'single'

class UserDB(
    User,  # first
    models.BaseUserDB,  # second
): pass
"""
CURRENT = """\
# Ünïcödé
import uuid

from fastapi_users import schemas  # why


class  User( schemas.BaseUser[uuid.UUID] ) :  # odd spaces
\tname : str = 'single'

class UserDB(
    User,  # first
):
    hashed_password: str
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_style_stays(newline: str) -> None:
    assert migrated(LEGACY.replace("\n", newline)) == CURRENT.replace("\n", newline)


@pytest.mark.parametrize(
    "line",
    [
        "if (n := 10) > 5: pass\n",
        'x = f"{1!r:>{2}}" \'\' r\'\\d\' """\n  multi """\n',
        "\fy = 1\n",
        "@(lambda f: f)\ndef f(a, /, b, *, c): return (a\n  )\n",
        "z = 1 + \\\n    2\n",
        "match 1:\n    case [models, *_]: pass\n",
    ],
)
def test_other_lines_stay(line: str) -> None:
    after = migrated(LEGACY + line)
    assert after.endswith(line)
    assert after == CURRENT + line


def test_names_in_strings_of_annotations_are_names() -> None:
    text = """\
from typing import List
from fastapi_users import models
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from app import Base


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


class UserDB(models.BaseUserDB):
    pass


def adapter(session):
    return SQLAlchemyUserDatabase(UserDB, session, UserTable)


def greet(user: "UserDB", others: List["UserDB"]) -> "UserDB":
    return user
"""
    assert 'def greet(user: "UserTable", others: List["UserTable"]) -> "UserTable":' in migrated(
        text
    )
