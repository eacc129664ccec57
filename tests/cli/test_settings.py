"""`[tool.fastapi-users-db]` in `pyproject.toml`, and what is wrong in it."""

import sys
from pathlib import Path

import pytest
from fastapi_users_db_cli.command import main

TABLE = "[tool.fastapi-users-db]\n"
needs_tomllib = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 reads no TOML")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "app.py").write_text(
        "from fastapi_users import models\n\n\nclass User(models.BaseUser):\n    pass\n"
    )
    return tmp_path


def configure(text: str) -> None:
    Path("pyproject.toml").write_text(text)


@needs_tomllib
def test_options_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    configure(TABLE + 'id = "uuid"\nselect = ["fud301"]\nstep = 3\nexit-zero = true\n')
    assert main(["check"]) == 0
    assert "1 finding in 1 file" in capsys.readouterr().out
    # What the line says counts more.
    assert main(["check", "--select", "FUD302"]) == 0
    assert "FUD302" in capsys.readouterr().out


@needs_tomllib
def test_nearest_file_counts(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(TABLE + 'exclude = ["app.py"]\n')
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    assert main(["check", ".."]) == 0
    assert capsys.readouterr().out == "Nothing to do.\n"


def test_file_without_the_table_is_not_read() -> None:
    configure("this is no TOML")
    assert main(["check", "--id", "uuid"]) == 1


@needs_tomllib
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "colour: there is no such option; there are assume, driver"),
        ("unsafe = 1", "unsafe has to be true or false"),
        ("id = true", "id has to be a string"),
        ('select = "FUD3"', "select has to be a list of strings"),
        ("ignore = [3]", "ignore has to be a list of strings"),
        ("step = 2", "step has to be one of 1, 3, 4, 5, all"),
        ('format = "xml"', "format has to be one of text, json, github, sarif"),
        ('ignore = ["FUD777"]', "there is no rule FUD777"),
        ("unsafe = ", "pyproject.toml is no TOML: "),
    ],
)
def test_mistake_is_named_in_a_line(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(TABLE + text + "\n")
    assert main(["check"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("fastapi-users-db: ")
    assert error.count("\n") == 1


def test_python_that_reads_no_toml_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    configure(TABLE)
    assert main(["check"]) == 2
    assert "is read by Python 3.11 and later" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_unknown_code_on_the_line(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", option, "FUD3,FUD777"]) == 2
    assert capsys.readouterr().err == (
        "fastapi-users-db: there is no rule FUD777: fastapi-users-db rule lists them\n"
    )


@pytest.mark.parametrize("command", ["check", "migrate"])
def test_step_of_the_database_is_another_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--step", "2"]) == 2
    assert "step 2 is about the database: fastapi-users-db doctor" in capsys.readouterr().err
