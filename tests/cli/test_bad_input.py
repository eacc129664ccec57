"""What an app or a database may be like at its worst: each has an answer, and nothing is half done.

What belongs to files alone is in `test_files.py`.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi_users_db_cli import engine, files, verify
from fastapi_users_db_cli.command import main
from fastapi_users_db_cli.engine import Options, migrate
from fastapi_users_db_cli.rule import Rule
from sqlalchemy import text

from tests.cli.live_app import FIRST, Make, every_database, make

__all__ = ["make"]

LEGACY = "from fastapi_users import models\n\n\nclass User(models.BaseUser):\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("print 'x'", "2"),
        ("except ValueError, error:", "2"),
        ("raise ValueError, 'x'", "2"),
        ("except* ValueError:", "3.11 or later"),
        ("type Ids = list[int]", "3.12 or later"),
        ("class Box[T]:", "3.12 or later"),
        ("x = t'{y}'", "3.14 or later"),
    ],
)
def test_syntax_of_another_python_is_named(line: str, version: str) -> None:
    error = SyntaxError("invalid syntax", ("app.py", 1, 1, line))
    mine = "{}.{}".format(*sys.version_info)
    assert engine._hint(error) == f" (Python {version}? This is {mine})"


def test_other_mistakes_are_nobodys_syntax() -> None:
    assert engine._hint(SyntaxError("invalid syntax", ("app.py", 1, 1, "x = (1"))) == ""
    assert engine._hint(SyntaxError("too many nested parentheses")) == ""


@pytest.mark.parametrize("in_git", [False, True], ids=["walk", "git"])
def test_links_in_circles_are_passed_over(
    in_git: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "app.py").write_text(LEGACY)
    (folder / "itself.py").symlink_to("itself.py")
    (folder / "one.py").symlink_to("two.py")
    (folder / "two.py").symlink_to("one.py")
    (folder / "up").symlink_to(folder)
    if in_git:
        subprocess.run(["git", "init"], check=True, capture_output=True)
    assert main(["check", "--id", "uuid"]) == 1
    assert "2 findings in 1 file" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["read-only", "no room", "no such folder"])
def test_all_files_of_a_step_are_written_or_none(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (folder / name).write_text(LEGACY)
    replace, temporary = os.replace, files.tempfile.mkstemp
    if kind == "read-only":
        (folder / "b.py").chmod(0o444)

    def fail(source: Path, target: str) -> None:
        if target.endswith("b.py"):
            raise OSError(28, "No space left on device", target)
        replace(source, target)

    def refuse(**arguments: Any) -> Any:
        if "b.py" in arguments["prefix"]:
            raise PermissionError(13, "Permission denied", "b.py")
        return temporary(**arguments)

    if kind == "no room":
        monkeypatch.setattr(files.os, "replace", fail)
    if kind == "no such folder":
        monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    assert main(["migrate", "--id", "uuid", "--write", "--force"]) == 2
    assert "nothing is written" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["a.py", "b.py", "c.py"]
    assert {Path(name).read_text() for name in os.listdir()} == {LEGACY}


def test_rule_that_fails_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find(facts: engine.Facts) -> Any:
        raise AttributeError("x")

    (folder / "app.py").write_text(LEGACY)
    broken = Rule("FUD999", 3, "safe", "a broken rule", "Never.", find)
    monkeypatch.setattr(engine, "RULES", (*engine.RULES, broken))
    assert main(["migrate", "--id", "uuid", "--write"]) == 3
    assert "internal error: FUD999 failed: AttributeError: x" in capsys.readouterr().err
    assert (folder / "app.py").read_text() == LEGACY


def test_name_of_two_files_is_neither() -> None:
    tables = "from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase\n\n\n"
    texts = {
        "one/models.py": LEGACY + "\n\nclass UserDB(User, models.BaseUserDB):\n    pass\n",
        "two/models.py": LEGACY + "\n\nclass UserDB(User, models.BaseUserDB):\n    pass\n",
        "app/db.py": f"{tables}from models import UserDB\n\nadapter = UserDB\n",
    }
    result = migrate(texts, [3], Options())
    assert result.texts == texts
    assert {each.rule.code for each in result.left} >= {"FUD003"}


def test_database_behind_the_head_is_refused(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.create()
    with project.engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('first')"))
    (project.folder / "versions" / "second.py").write_text(FIRST.format("second", "first"))
    assert main(["doctor", "app:get_user_db", "--revision"]) == 2
    error = capsys.readouterr().err
    assert "the database is at first, the head is second: run alembic upgrade head" in error
    assert len(list((project.folder / "versions").glob("*.py"))) == 2


def test_table_without_a_key_is_read_and_told_of(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "BATCH", 2)
    project = make("sqlite")
    project.create(sound=True)
    project.insert("ada@example.com")
    with project.engine.begin() as connection:
        connection.execute(text("CREATE TABLE copy AS SELECT * FROM user"))
        for _ in range(3):
            connection.execute(text("INSERT INTO copy SELECT * FROM copy LIMIT 1"))
        connection.execute(text("UPDATE copy SET id = NULL WHERE rowid > 1"))
        connection.execute(text("DROP TABLE user"))
        connection.execute(text("ALTER TABLE copy RENAME TO user"))
    assert main(["verify", "app:get_user_db"]) == 1
    assert "1 of         4  users are loaded by their id" in capsys.readouterr().out
    assert main(["doctor", "app:get_user_db"]) == 1
    assert "user" in capsys.readouterr().out


@every_database
def test_rows_are_read_a_batch_at_a_time(
    database: str, make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "BATCH", 2)
    project = make(database)
    project.create(sound=True)
    for number in range(5):
        project.insert(f"ada{number}@example.com")
    fetch, sizes = verify.fetch, list[int]()

    async def watched(adapter: Any, statement: Any) -> Any:
        rows = await fetch(adapter, statement)
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(verify, "fetch", watched)
    main(["verify", "app:get_user_db", "--tokens", "app:get_token_db"])
    out = capsys.readouterr().out
    for check in ("loaded", "accounts", "tokens"):
        assert f"5 of         5  {verify.CHECKS[check]}" in out
    assert max(sizes) == 2


@every_database
def test_users_who_share_an_address_get_a_plan(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make(database)
    project.create()
    with project.engine.begin() as connection:
        quote = project.engine.dialect.identifier_preparer.quote
        connection.execute(text(f"ALTER TABLE {quote('user')} ADD COLUMN nickname VARCHAR(20)"))
    for email in ("ada@example.com", "Ada@example.com"):
        project.insert(email)
    assert main(["doctor", "app:get_user_db", "--duplicates"]) == 1
    plan = capsys.readouterr().out.partition("differ by case alone.")[2]
    kept, other, *statements = plan.splitlines()[1:]
    parts = kept.split()[1], other.split()[1]
    has = "; not verified, 1 of accesstoken, 1 of oauth_account"
    assert kept == f"--   {parts[0]}  keep: the look-up finds it today{has}"
    assert other == f"--   {parts[1]}  rename or merge{has}"
    assert statements == [
        f"--     UPDATE {quote('user')} SET email = '...' WHERE id = '{parts[1]}';",
        f"--     UPDATE accesstoken SET user_id = '{parts[0]}' WHERE user_id = '{parts[1]}';",
        f"--     UPDATE oauth_account SET user_id = '{parts[0]}' WHERE user_id = '{parts[1]}';",
        f"--     DELETE FROM {quote('user')} WHERE id = '{parts[1]}';",
    ]
    assert "@example.com" not in plan
