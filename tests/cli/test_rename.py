"""`migrate --rename`: the mapped class becomes `User`, and the schema `UserRead`."""

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, Result, migrate

from tests.docs.samples import SOURCE

TABLES = """\
from fastapi_users_db import SQLAlchemyBaseUserTableUUID
from sqlalchemy.orm import Mapped, relationship
from app.base import Base

__all__ = ["Post", "UserTable"]


class UserTable(Base, SQLAlchemyBaseUserTableUUID):
    posts: Mapped[list["Post"]] = relationship("Post", primaryjoin="Post.by == UserTable.id")


class Post(Base):
    author: Mapped["UserTable"] = relationship("UserTable", back_populates="posts")
"""
SCHEMAS = """\
import uuid

from fastapi_users import schemas


class User(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass
"""
MAIN = """\
from app import tables
from app.schemas import User
from app.tables import UserTable
from app.tables import UserTable as Row

# UserTable and User.
app.include_router(users.get_users_router(User, 'UserTable'))
select(UserTable, tables.UserTable, Row)
"""


def rename(texts: dict[str, str], steps: tuple[int, ...] = (5,)) -> Result:
    return migrate(texts, steps, Options(unsafe=True, is_renamed=True))


def files(**changed: str) -> dict[str, str]:
    texts = {"base": "class Base:\n    pass\n", "tables": TABLES, "schemas": SCHEMAS, "main": MAIN}
    return {"app/__init__.py": ""} | {
        f"app/{name}.py": text for name, text in (texts | changed).items()
    }


def test_classes_and_all_that_names_them_are_renamed() -> None:
    result = rename(files())
    after = result.texts
    assert after["app/tables.py"] == TABLES.replace("UserTable(", "User(").replace(
        '"UserTable"', '"User"'
    ).replace("UserTable.id", "User.id")
    assert after["app/schemas.py"] == SCHEMAS.replace("class User(", "class UserRead(")
    assert after["app/main.py"] == (
        "from app import tables\n"
        "from app.schemas import UserRead\n"
        "from app.tables import User\n"
        "from app.tables import User as Row\n\n"
        "# UserTable and User.\n"
        "app.include_router(users.get_users_router(UserRead, 'UserTable'))\n"
        "select(User, tables.User, Row)\n"
    )
    assert rename(after).texts == after
    assert not result.failures


def test_another_name_that_a_module_gives_it_stays() -> None:
    names, extra = (
        "from app.tables import UserTable as Row\n",
        "from app.names import Row\nselect(Row)\n",
    )
    after = rename(files(names=names, extra=extra)).texts
    assert after["app/names.py"] == "from app.tables import User as Row\n"
    assert after["app/extra.py"] == extra


def test_nothing_is_renamed_unasked() -> None:
    assert migrate(files(), [5], Options(unsafe=True)).texts == files()


def test_class_with_another_name_keeps_it() -> None:
    changed = files(tables=TABLES.replace("UserTable", "Member"))
    assert rename(changed).texts == changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"other": SCHEMAS}, "there is more than one schema `User`"),
        ({"other": "class UserRead:\n    pass\n"}, "there is another class `UserRead`"),
        (
            {"main": f"{MAIN}UserRead = 1\n"},
            "`UserRead` is something else in app/main.py",
        ),
        (
            {"base": "class Base:\n    def __tablename__(cls):\n        return cls.__name__\n"},
            "the table is named after the class: it would be another table",
        ),
    ],
)
def test_what_speaks_against_it_is_said(changed: dict[str, str], message: str) -> None:
    result = rename(files(**changed))
    assert result.texts == files(**changed)
    assert [each.message for each in result.left if each.rule.code == "FUD513"] == [message]


def test_steps_one_after_another_are_all_of_them() -> None:
    texts = {"app.py": (SOURCE / "migrating" / "legacy_orm.py").read_text()}
    whole = rename(texts, STEPS).texts
    for step in STEPS:
        texts = rename(texts, (step,)).texts
        assert rename(texts, (step,)).texts == texts
    assert texts == whole
    # What was left by hand is there with the new names.
    for line in ("class User(Base, ", "class UserRead(schemas.", "class UserDB(UserRead):"):
        assert f"\n{line}" in texts["app.py"]
