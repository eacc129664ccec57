"""`doctor` on real databases: what it finds, and that its revisions mend it and lose nothing."""

import json
import os
import sys

import pytest
from fastapi_users_db_cli.command import main
from sqlalchemy import make_url, text

from tests.cli.live_app import FIRST, Make, every_database, make

__all__ = ["make"]


@every_database
def test_sound_tables_are_sound(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make(database).create(sound=True)
    assert main(["doctor", "app:get_user_db", "--tokens", "app:get_token_db"]) == 0
    assert capsys.readouterr().out == "The tables are sound.\n"


@every_database
def test_problems_are_in_the_order_of_what_they_break(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make(database).create()
    assert main(["doctor", "app:get_user_db", "--format", "json"]) == 1
    value = json.loads(capsys.readouterr().out)
    breaks = [each["severity"] for each in value["problems"]]
    assert breaks == sorted(breaks, key=["login", "registration", "speed"].index)
    assert {"missing-column", "missing-email-index"} <= {each["code"] for each in value["problems"]}
    assert all(each["rewrites"] and each["address"] for each in value["problems"])
    assert main(["doctor", "app:get_user_db"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("BREAKS")
    assert "    fix   op.add_column('user', sa.Column('nickname'" in out


def test_problems_are_annotations_and_sarif(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    make("sqlite").create()
    assert main(["doctor", "app:get_user_db", "--format", "json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    levels = {"login": "error", "registration": "error", "speed": "warning"}
    assert {each["severity"] for each in problems} == set(levels)

    assert main(["doctor", "app:get_user_db", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"::{levels[each['severity']]} title={each['code']}::"
        f"{each['table']}{'.' + each['column'] if each['column'] else ''}"
        for each in problems
    ]

    assert main(["doctor", "app:get_user_db", "--format", "sarif"]) == 1
    [run] = json.loads(capsys.readouterr().out)["runs"]
    assert [each["ruleId"] for each in run["results"]] == [each["code"] for each in problems]
    assert [each["level"] for each in run["results"]] == [
        levels[each["severity"]] for each in problems
    ]
    places = [each["locations"][0]["logicalLocations"] for each in run["results"]]
    assert [{"fullyQualifiedName": "user.nickname"}] in places
    addresses = {each["id"]: each["helpUri"] for each in run["tool"]["driver"]["rules"]}
    assert addresses == {each["code"]: each["address"] for each in problems}


@every_database
def test_revisions_mend_the_tables_and_lose_no_row(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make(database)
    project.create()
    project.upgrade()
    project.insert("ada@example.com")
    project.insert("grace@example.com")
    arguments = ["doctor", "app:get_user_db", "--tokens", "app:get_token_db", "--revision"]
    assert main(arguments) == 1
    assert capsys.readouterr().err.count("Written: ") == 2
    assert main(arguments) == 2  # they wait to be run
    assert "run alembic upgrade head first" in capsys.readouterr().err
    before = project.counts()
    project.upgrade()
    assert project.counts() == before == [2, 2, 2]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("The tables are sound.\n", "")
    for path in (project.folder / "versions").glob("*indexes*.py"):
        assert ("postgresql_concurrently" in path.read_text()) == (database == "postgresql")


def test_revision_that_failed_can_be_run_again(make: Make) -> None:
    project = make("postgresql")
    project.create()
    project.upgrade()
    project.insert("ada@example.com")
    main(["doctor", "app:get_user_db", "--revision"])
    project.insert("Ada@example.com")
    with pytest.raises(Exception, match="could not create unique index"):
        project.upgrade()
    with project.engine.begin() as connection:
        connection.execute(text("DELETE FROM oauth_account WHERE account_email LIKE 'A%'"))
        connection.execute(text("DELETE FROM accesstoken"))
        connection.execute(text("DELETE FROM \"user\" WHERE email LIKE 'A%'"))
    project.upgrade()
    assert main(["doctor", "app:get_user_db"]) == 0


def test_addresses_of_several_users_are_a_persons_to_decide(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.create()
    project.upgrade()
    for email in ("ada@example.com", "Ada@example.com", "grace@example.com"):
        project.insert(email)
    assert main(["doctor", "app:get_user_db", "--revision"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("--   keep?") == captured.out.count("--   other") == 1
    assert "@example.com" not in captured.out + captured.err
    assert "By hand: user.email: emails-differing-by-case" in captured.err
    revisions = [path.read_text() for path in (project.folder / "versions").glob("*.py")]
    assert not any("ix_user_email" in revision for revision in revisions)
    assert any("ix_oauth_account_account" in revision for revision in revisions)


@pytest.mark.parametrize("target", ["get_user_db", "get_user_manager", "fastapi_users"])
def test_object_may_be_what_the_app_has(target: str, make: Make) -> None:
    make("sqlite").create(sound=True)
    assert main(["doctor", f"app:{target}"]) == 0


@every_database
def test_object_may_be_a_mapped_class(
    database: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make(database)
    project.create(sound=True)
    plain = make_url(project.url).set(drivername=project.database)
    url = plain.render_as_string(hide_password=False)
    classes = ["app:User", "--oauth", "app:OAuthAccount", "--tokens", "app:AccessToken"]
    assert main(["doctor", *classes, "--database", url]) == 0
    monkeypatch.setenv("DATABASE_URL", project.url)
    assert main(["doctor", "app:User"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["app"], "'app' is not of the form MODULE:OBJECT"),
        (["nowhere:x"], "nowhere:x cannot be imported: ModuleNotFoundError: No module named"),
        (["app:nothing"], "app:nothing cannot be imported: AttributeError"),
        (["app:User"], "a mapped class needs a database: --database, $DATABASE_URL or alembic.ini"),
        (["app:something"], "1 is no dependency, no FastAPIUsers and no mapped class"),
        (
            ["app:get_something"],
            "int is no adapter of fastapi-users-db",
        ),
        (["app:get_unreachable"], "the database does not answer: "),
        (["app:get_failure"], "the database does not answer: OSError: refused"),
        (
            ["app:User", "--database", "postgresql://me:secret@127.0.0.1:1/x"],
            "the database does not answer: ",
        ),
    ],
)
def test_what_cannot_be_examined_is_said(
    arguments: list[str], message: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    make("sqlite").create(sound=True)
    assert main(["doctor", *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"fastapi-users-db: {message}")
    assert "secret" not in err


def test_several_heads_or_no_environment_are_refused(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.create()
    arguments = ["doctor", "app:get_user_db", "--revision"]
    assert main(arguments) == 2
    assert "the database is at no revision, the head is first" in capsys.readouterr().err
    for name in ("two", "three"):
        (project.folder / "versions" / f"{name}.py").write_text(FIRST.format(name, "first"))
    assert main(arguments) == 2
    assert "several heads: " in capsys.readouterr().err
    assert main([*arguments, "--config", "nowhere.ini"]) == 2
    assert "nowhere.ini: No 'script_location' key found" in capsys.readouterr().err
    os.remove(project.folder / "versions" / "first.py")
    assert len(list((project.folder / "versions").glob("*.py"))) == 2


def test_rows_of_nobody_and_tables_that_are_missing_are_left(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make("sqlite")
    project.upgrade()
    assert main(["doctor", "app:get_user_db", "--revision"]) == 1
    captured = capsys.readouterr()
    assert "By hand: user: missing-table" in captured.err
    assert "Written" not in captured.err


def test_without_alembic_it_examines_and_writes_nothing(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make("sqlite").create()
    for module in ("alembic.migration", "alembic.config"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["doctor", "app:get_user_db"]) == 1
    assert main(["doctor", "app:get_user_db", "--revision"]) == 2
    assert "--revision needs Alembic" in capsys.readouterr().err


def test_outside_the_environment_of_an_app_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fastapi_users_db_cli.doctor", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi_users_db_cli.live", None)
    assert main(["doctor", "app:get_user_db"]) == 2
    assert "doctor runs in the environment of the app" in capsys.readouterr().err
